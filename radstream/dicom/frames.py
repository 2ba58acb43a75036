"""Where each frame lies in a blob, so that a frame is one ranged read however large the object is."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dicom.dictionary import PIXEL_DATA_TAGS, UNDEFINED_LENGTH
from radstream.dicom.elements import reader_of, true_reader
from radstream.dicom.fragments import Fragments, walk_fragments
from radstream.dicom.syntaxes import encoding_of, is_video

Read = Callable[[int, int], Awaitable[bytes]]
"""Takes offset and length; returns these bytes of the blob, fewer at its end."""

Piece = tuple[int, int]
"""Offset in the blob and length, in bytes."""

_NATIVE: Final = struct.Struct("<cIQQ")  # b"N", number of frames, offset of the first one, bits of each
_ENCAPSULATED: Final = struct.Struct("<cII")  # b"E", number of frames, how many of them there are fragments of
_FIRST: Final = struct.Struct("<I")  # for each frame and one more: the index of its first fragment
_FRAGMENT: Final = struct.Struct("<QI")  # for each fragment: offset and length

_ELEMENT_HEAD_BYTES: Final = 12


class FrameTable:
    """The places of all frames of an instance, kept as the bytes that the catalog has: nothing is parsed but one entry.

    Parameters
    ----------
    encoded : bytes
        What `encode` returned.
    """

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded
        self.is_encapsulated = encoded[:1] == b"E"
        self.number_of_frames: int = _FIRST.unpack_from(encoded, 1)[0]

    @classmethod
    def decode(cls, encoded: bytes) -> FrameTable:
        """Return the table that was encoded."""
        return cls(encoded)

    @classmethod
    def native(cls, number_of_frames: int, offset: int, frame_bits: int) -> FrameTable:
        """Return the table of uncompressed frames, which lie one after another without gaps (PS3.5 8.1.1)."""
        return cls(_NATIVE.pack(b"N", number_of_frames, offset, frame_bits))

    @classmethod
    def encapsulated(cls, number_of_frames: int, fragments: Sequence[Piece], firsts: Sequence[int]) -> FrameTable:
        """Return the table of compressed frames.

        Parameters
        ----------
        firsts : sequence of int
            For each frame that is there the index of its first fragment.
        """
        head = _ENCAPSULATED.pack(b"E", number_of_frames, len(firsts))
        starts = b"".join(_FIRST.pack(first) for first in (*firsts, len(fragments)))
        return cls(head + starts + b"".join(_FRAGMENT.pack(*fragment) for fragment in fragments))

    def encode(self) -> bytes:
        """Return the table as the catalog keeps it."""
        return self._encoded

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
        return self._fragments(frame_index) if self.is_encapsulated else (self._native_piece(frame_index),)

    def _native_piece(self, frame_index: int) -> Piece:
        _, _, offset, frame_bits = _NATIVE.unpack_from(self._encoded)
        start, end = frame_index * frame_bits, (frame_index + 1) * frame_bits
        return offset + start // 8, -(-end // 8) - start // 8

    def _fragments(self, frame_index: int) -> tuple[Piece, ...]:
        _, _, known = _ENCAPSULATED.unpack_from(self._encoded)
        if frame_index >= known:
            raise NotFound("the instance declares this frame and does not have it")
        starts = _ENCAPSULATED.size + _FIRST.size * frame_index
        first, following = struct.unpack_from("<II", self._encoded, starts)
        base = _ENCAPSULATED.size + _FIRST.size * (known + 1)
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
        If the header does not say how large a frame is, or the fragments are absurdly many.

    References
    ----------
    PS3.5 8 Encoding of Pixel, Overlay and Waveform Data, A.4 Transfer Syntaxes for Encapsulation.
    """
    if header_bytes >= size_bytes:
        return None
    head = await read(header_bytes, _ELEMENT_HEAD_BYTES)
    reader = true_reader(head, 0, reader_of(encoding_of(transfer_syntax_uid)))
    tag, _, length, value = reader(head.ljust(_ELEMENT_HEAD_BYTES, b"\0"), 0)
    if tag not in PIXEL_DATA_TAGS:
        return None
    number_of_frames = max(1, _integer(attributes, "00280008", 1))
    if number_of_frames >= 1 << 32:
        raise RejectedInstance("the header declares absurdly many frames")
    if length != UNDEFINED_LENGTH:
        return FrameTable.native(number_of_frames, header_bytes + value, _frame_bits(attributes))
    fragments = await walk_fragments(header_bytes + value, size_bytes, read)
    if is_video(transfer_syntax_uid):
        return FrameTable.encapsulated(1, fragments.places, [0] if fragments.places else [])
    return FrameTable.encapsulated(number_of_frames, fragments.places, await _firsts(number_of_frames, fragments, read))


async def _firsts(number_of_frames: int, fragments: Fragments, read: Read) -> Sequence[int]:
    """Return the index of the first fragment of each frame.

    A frame may have several fragments. Then the Basic Offset Table says where frames begin (PS3.5 A.4); where it is
    empty, or wrong, they begin where a codestream does.
    """
    count = len(fragments.places)
    if number_of_frames == 1:
        return range(min(count, 1))
    if count == number_of_frames:
        return range(count)
    offset, length = fragments.basic_offset_table
    if length == 4 * number_of_frames:
        firsts = fragments.firsts_at(struct.unpack(f"<{number_of_frames}I", await read(offset, length)))
        if firsts is not None:
            return firsts
    begins = [index for index, is_first in enumerate(fragments.begins_codestream) if is_first]
    return begins if len(begins) > 1 else range(min(count, number_of_frames))


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
