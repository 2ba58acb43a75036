"""Where each frame lies in a blob, so that a frame is one ranged read however large the object is."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dicom.dictionary import PIXEL_DATA_TAGS, UNDEFINED_LENGTH
from radstream.dicom.elements import (
    ReadElement,
    read_explicit_little,
    read_implicit_little,
    reader_of,
    true_reader,
)
from radstream.dicom.fragments import Fragments, walk_fragments
from radstream.dicom.syntaxes import encoding_of, is_video

Read = Callable[[int, int], Awaitable[bytes]]
"""Takes offset and length; returns these bytes of the blob, fewer at its end."""

Piece = tuple[int, int]
"""Offset in the blob and length, in bytes."""

_HEAD: Final = struct.Struct("<cII")  # b"N" or b"E", number of frames declared, how many of them are there
_NATIVE: Final = struct.Struct("<QQ")  # behind it, if native: offset of the first frame, bits of each
_FIRST: Final = struct.Struct("<I")  # if encapsulated, for each frame and one more: the index of its first fragment
_FRAGMENT: Final = struct.Struct("<QI")  # then for each fragment: offset and length

_ELEMENT_HEAD_BYTES: Final = 12
_MOST_FRAMES: Final = 0xFFFFFFFF
_PIXEL_DATA_VRS: Final = frozenset({b"OB", b"OW", b"OF", b"OD", b"UN"})


class FrameTable:
    """The places of all frames of an instance, kept as the bytes that the catalog has: nothing is parsed but one entry.

    Parameters
    ----------
    encoded : bytes
        What `encode` returned.

    Attributes
    ----------
    is_encapsulated : bool
        The frames are compressed, each one a codestream in one or several fragments.
    number_of_frames : int
        As the header declares it; Pixel Data may have fewer.
    """

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        kind, self.number_of_frames, self._present = _HEAD.unpack_from(encoded)
        self.is_encapsulated: bool = kind == b"E"

    @classmethod
    def decode(cls, encoded: bytes) -> FrameTable:
        """Return the table that was encoded."""
        return cls(encoded)

    @classmethod
    def native(cls, number_of_frames: int, offset: int, frame_bits: int, length: int) -> FrameTable:
        """Return the table of uncompressed frames, which lie one after another without gaps (PS3.5 8.1.1).

        Parameters
        ----------
        offset, length : int
            Of the value of Pixel Data, in bytes. What is behind it is something else, and never part of a frame.
        """
        present = min(number_of_frames, 8 * length // frame_bits)
        return cls(_HEAD.pack(b"N", number_of_frames, present) + _NATIVE.pack(offset, frame_bits))

    @classmethod
    def encapsulated(cls, number_of_frames: int, fragments: Sequence[Piece], firsts: Sequence[int]) -> FrameTable:
        """Return the table of compressed frames.

        Parameters
        ----------
        firsts : sequence of int
            For each frame that is there the index of its first fragment; frames beyond those declared are left out.
        """
        starts = (*firsts, len(fragments))[: number_of_frames + 1]
        packed = [_FIRST.pack(start) for start in starts] + [_FRAGMENT.pack(*fragment) for fragment in fragments]
        return cls(_HEAD.pack(b"E", number_of_frames, len(starts) - 1) + b"".join(packed))

    def encode(self) -> bytes:
        """Return the table as the catalog keeps it."""
        return self._encoded

    @property
    def frame_bits(self) -> int:
        """Size of each native frame, which need not fill its bytes; 0 if the frames are encapsulated."""
        return 0 if self.is_encapsulated else self._layout[1]

    def bit_offset(self, frame_index: int) -> int:
        """Return how many bits of the frame before stand in the first byte of a frame, lowest first (PS3.5 8.1.1)."""
        return frame_index * self.frame_bits % 8

    def pieces(self, frame_index: int) -> tuple[Piece, ...]:
        """Return where the bytes of a frame lie, in order.

        A native frame of one bit a pixel need not begin with a byte: its piece covers all bytes that it touches.

        Raises
        ------
        NotFound
            If there is no such frame, be it declared or not.
        """
        if not 0 <= frame_index < self.number_of_frames:
            raise NotFound("the instance has no such frame")
        if frame_index >= self._present:
            raise NotFound("the instance declares this frame, but its Pixel Data is too short")
        return self._fragments(frame_index) if self.is_encapsulated else (self._native_piece(frame_index),)

    @property
    def _layout(self) -> tuple[int, int]:
        """Offset of the first native frame in the blob, and bits of each."""
        offset, frame_bits = _NATIVE.unpack_from(self._encoded, _HEAD.size)
        return offset, frame_bits

    def _native_piece(self, frame_index: int) -> Piece:
        offset, frame_bits = self._layout
        start, end = frame_index * frame_bits, (frame_index + 1) * frame_bits
        return offset + start // 8, -(-end // 8) - start // 8

    def _fragments(self, frame_index: int) -> tuple[Piece, ...]:
        first, following = struct.unpack_from("<II", self._encoded, _HEAD.size + _FIRST.size * frame_index)
        base = _HEAD.size + _FIRST.size * (self._present + 1)
        places = range(base + first * _FRAGMENT.size, base + following * _FRAGMENT.size, _FRAGMENT.size)
        return tuple(_FRAGMENT.unpack_from(self._encoded, place) for place in places)


async def build_frame_table(
    attributes: Mapping[str, Mapping[str, Any]],
    transfer_syntax_uid: str,
    header_bytes: int,
    size_bytes: int,
    read: Read,
) -> FrameTable | None:
    """Return where the frames lie, or None if there is no Pixel Data.

    A blob may end early. The frames and fragments that begin before its end are where they are declared to be.

    Parameters
    ----------
    attributes : mapping
        DICOM JSON of the header.
    header_bytes : int
        Offset of the Pixel Data element in the blob.
    size_bytes : int
        Of the blob.

    Raises
    ------
    RejectedInstance
        If the header does not say how large a frame is, or there are absurdly many frames or fragments, or nothing says
        which fragments make a frame.

    References
    ----------
    PS3.5 8 Encoding of Pixel, Overlay and Waveform Data, A.4 Transfer Syntaxes for Encapsulation.
    """
    if header_bytes >= size_bytes:
        return None
    head = await read(header_bytes, _ELEMENT_HEAD_BYTES)
    tag, _, length, value = _reader(head, transfer_syntax_uid)(head.ljust(_ELEMENT_HEAD_BYTES, b"\0"), 0)
    if tag not in PIXEL_DATA_TAGS:
        return None
    number_of_frames = max(1, _integer(attributes, "00280008", 1))
    if number_of_frames > _MOST_FRAMES:
        raise RejectedInstance("the header declares absurdly many frames")
    offset = header_bytes + value
    if length != UNDEFINED_LENGTH:
        return FrameTable.native(number_of_frames, offset, _frame_bits(attributes), length)
    fragments = await walk_fragments(offset, size_bytes, read)
    if is_video(transfer_syntax_uid):
        number_of_frames = 1
    return FrameTable.encapsulated(number_of_frames, fragments.places, await _firsts(number_of_frames, fragments, read))


def _reader(head: bytes, transfer_syntax_uid: str) -> ReadElement:
    """Return the reader of the Pixel Data element that begins with `head`, whatever its transfer syntax declares.

    A length may look like any two capitals, but not like a VR of Pixel Data: those are odd.
    """
    declared = reader_of(encoding_of(transfer_syntax_uid))
    if declared is read_implicit_little:
        return read_explicit_little if head[4:6] in _PIXEL_DATA_VRS else declared
    return true_reader(head, 0, declared)


async def _firsts(number_of_frames: int, fragments: Fragments, read: Read) -> Sequence[int]:
    """Return the index of the first fragment of each frame that is there, perhaps of more than are declared.

    A frame may have several fragments. Then the Basic Offset Table says where frames begin (PS3.5 A.4); where it is
    empty, or wrong, they begin where a codestream does. Frames that end early have a fragment each.

    Raises
    ------
    RejectedInstance
        If nothing tells the frames apart: a wrong guess would show a wrong image.
    """
    count = len(fragments.places)
    if number_of_frames == 1:
        return range(min(count, 1))
    if count == number_of_frames:
        return range(count)
    if count > number_of_frames:
        firsts = fragments.firsts_at(await _offset_table(number_of_frames, fragments, read))
        if firsts:
            return firsts
    begins = [index for index, is_first in enumerate(fragments.begins_codestream) if is_first]
    # Fewer beginnings than frames may be frames that are missing at the end, or beginnings that are damaged.
    may_be_missing = len(begins) < number_of_frames and not fragments.is_complete
    if begins[:1] == [0] and (len(begins) in (number_of_frames, count) or may_be_missing):
        return begins
    if begins or count > number_of_frames:
        raise RejectedInstance("nothing says which fragments of the Pixel Data make a frame")
    return range(count)


async def _offset_table(number_of_frames: int, fragments: Fragments, read: Read) -> Sequence[int]:
    """Return the Basic Offset Table, empty if it has not an entry for each frame."""
    offset, length = fragments.basic_offset_table
    if length != 4 * number_of_frames:
        return ()
    table = await read(offset, length)
    return struct.unpack(f"<{number_of_frames}I", table) if len(table) == length else ()


def _integer(attributes: Mapping[str, Mapping[str, Any]], tag: str, default: int) -> int:
    values = attributes.get(tag, {}).get("Value") or [default]
    return values[0] if isinstance(values[0], int) else default


def _frame_bits(attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of a native frame in bits.

    References
    ----------
    PS3.3 C.7.6.3.1.2: YBR_FULL_422 has two chrominance samples for every two pixels.
    """
    samples = _integer(attributes, "00280002", 1)
    if attributes.get("00280004", {}).get("Value") == ["YBR_FULL_422"] and samples == 3:
        samples = 2
    pixels = _integer(attributes, "00280010", 0) * _integer(attributes, "00280011", 0)
    bits = pixels * samples * _integer(attributes, "00280100", 0)
    if not 0 < bits < 1 << 62:
        raise RejectedInstance("the header does not say how large a frame is")
    return bits
