"""The Pixel Data of an instance as something to send: where each frame lies, and what its bytes need.

References
----------
PS3.5 8 Encoding of Pixel, Overlay and Waveform Data; PS3.18 8.7.3 (frames as octets begin at a byte).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from radstream.blobs.file_piece import FilePiece
from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.frames import FrameTable
from radstream.dicom.image_pixel import ImagePixel, image_pixel
from radstream.dicom.syntaxes import EXPLICIT_VR_BIG_ENDIAN, is_video
from radstream.retrieval.extent import Extent, Source

MAX_ODD_FRAME_BITS: Final = 1 << 28
"""Largest frame whose bits are moved to begin at a byte; the whole frame is in memory for that."""

_NUMBERS: Final = {
    "rows": "00280010",
    "columns": "00280011",
    "samples_per_pixel": "00280002",
    "bits_allocated": "00280100",
    "bits_stored": "00280101",
    "high_bit": "00280102",
    "pixel_representation": "00280103",
    "planar_configuration": "00280006",
}
_PHOTOMETRIC_INTERPRETATION: Final = "00280004"
_NUMBER_OF_FRAMES: Final = "00280008"
LOSSY: Final = ("00080008", "00282112", "00282114")
"""Tags of what changes when frames lose something: Image Type, the ratios and methods of lossy compression."""

_DESCRIBING: Final = frozenset({*_NUMBERS.values(), _PHOTOMETRIC_INTERPRETATION, _NUMBER_OF_FRAMES, *LOSSY})

_GE_PRIVATE: Final = "1.2.840.113619.5.2"  # implicit VR, all little endian but the Pixel Data
_BIG_ENDIAN: Final = (EXPLICIT_VR_BIG_ENDIAN, _GE_PRIVATE)

Attributes = dict[str, dict[str, Any]]


class Value(Protocol):
    """Bytes to be sent; see also `pieces_of`."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""

    def stream(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` of them (all, if None) from `offset`."""


@dataclass(frozen=True)
class Bits:
    """A frame that does not begin, or end, at a byte: its bits moved to the beginning of the first, the rest cleared.

    Parameters
    ----------
    extent : Extent
        The bytes that hold the frame.
    skipped_bits : int
        Those in the first byte that belong to the frame before, lowest first.
    """

    extent: Extent
    skipped_bits: int
    bits: int

    @property
    def size_bytes(self) -> int:
        """Bytes that the frame takes alone."""
        return (self.bits + 7) // 8

    async def stream(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` bytes (all, if None) from `offset`."""
        data = b"".join([chunk async for chunk in self.extent.stream()])
        frame = int.from_bytes(data, "little") >> self.skipped_bits & (1 << self.bits) - 1
        whole = frame.to_bytes(self.size_bytes, "little")
        yield whole[offset:] if length is None else whole[offset : offset + length]


@dataclass(frozen=True)
class PixelData:
    """The Pixel Data of one instance.

    Parameters
    ----------
    source : Source
        What the offsets in `table` are about.
    source_bytes : int
        Its size.
    transfer_syntax_uid : str
        Of the bytes in `source`.
    tag : str
        Of the element as eight digits: Pixel Data, Float or Double Float Pixel Data.
    vr : str
        Of the element; it matters for big endian ones only.
    attributes : dict
        DICOM JSON of what describes frames, see `describing`.
    offset : int
        Of the element in `source`.
    """

    table: FrameTable
    source: Source
    source_bytes: int
    transfer_syntax_uid: str
    tag: str
    vr: str
    attributes: Attributes
    offset: int = 0

    @property
    def is_video(self) -> bool:
        """All frames are one stream."""
        return is_video(self.transfer_syntax_uid)

    def pixel(self) -> ImagePixel:
        """Return what the frames are, as the data set says.

        Raises
        ------
        UnsupportedInstance
            If it contradicts itself; or bits of the pixels hold an overlay, which decoding would lose.
        """
        known = {name: self._number(tag) for name, tag in _NUMBERS.items()}
        is_float = self.tag != "7FE00010"
        bits = known["bits_allocated"] or 0
        if any(number > 1 for number in self._overlay_bits()):
            raise UnsupportedInstance("bits of the pixels hold an overlay")
        return image_pixel(
            rows=known["rows"] or 0,
            columns=known["columns"] or 0,
            samples_per_pixel=1 if known["samples_per_pixel"] is None else known["samples_per_pixel"],
            bits_allocated=bits,
            bits_stored=bits if known["bits_stored"] is None else known["bits_stored"],
            high_bit=(known["bits_stored"] or bits) - 1 if known["high_bit"] is None else known["high_bit"],
            pixel_representation=known["pixel_representation"] or 0,
            photometric_interpretation=str(first(self.attributes, _PHOTOMETRIC_INTERPRETATION) or ""),
            planar_configuration=known["planar_configuration"] or 0,
            is_float=is_float,
        )

    def _number(self, tag: str) -> int | None:
        value = first(self.attributes, tag)
        return value if isinstance(value, int) else None

    def _overlay_bits(self) -> list[int]:
        return [self._number(tag) or 0 for tag in self.attributes if _is_overlay_bits(tag)]

    def frame(self, frame_index: int) -> Value:
        """Return the bytes of a frame: decoded if it is native, the compressed ones if not.

        Raises
        ------
        UnsupportedInstance
            If the stored data ends before the frame does, or the frame is absurdly large and does not fill its bytes.
        """
        extent = self._extent(self.table.pieces(frame_index))
        frame_bits = self.table.frame_bits
        if frame_bits % 8 == 0:
            return extent
        if frame_bits > MAX_ODD_FRAME_BITS:
            raise UnsupportedInstance("the frame is too large to be moved to the beginning of a byte")
        return Bits(extent, self.table.bit_offset(frame_index), frame_bits)

    def whole(self) -> Extent:
        """Return the bytes of all frames, one after another as they are stored."""
        if self.table.is_encapsulated:
            frames = range(self.table.number_of_frames)
            return self._extent(tuple(piece for index in frames for piece in self.table.pieces(index)))
        end = sum(self.table.pieces(self.table.number_of_frames - 1)[-1])
        return self._extent(((self._base, end - self._base),))

    def _extent(self, pieces: tuple[tuple[int, int], ...]) -> Extent:
        if not pieces or sum(pieces[-1]) > self.source_bytes:
            raise UnsupportedInstance("Pixel Data ends before the frame is complete")
        return Extent(self.source, pieces, self._word_bytes, self._base)

    @cached_property
    def _base(self) -> int:
        offset, _ = self.table.pieces(0)[0]
        return offset

    @cached_property
    def _word_bytes(self) -> int:
        """Size of the words to be reversed: of a sample, but of two bytes at least where the VR is OW (PS3.5 7.3)."""
        if self.table.is_encapsulated or self.transfer_syntax_uid not in _BIG_ENDIAN:
            return 1
        at_least = {"OW": 2, "OF": 4, "OD": 8}.get(self.vr, 1)
        values = self.attributes.get("00280100", {}).get("Value") or [8]
        bits_allocated = values[0] if isinstance(values[0], int) else 8
        word_bytes = max(bits_allocated // 8, at_least)
        if word_bytes not in {1, 2, 4, 8}:
            raise UnsupportedInstance("Bits Allocated is no size of words whose byte order is known")
        return word_bytes


def pieces_of(value: Value) -> Callable[..., AsyncIterator[bytes | FilePiece]]:
    """Return what yields what `value.stream` does, where it can as pieces of a file that need not be copied."""
    return value.pieces_to_send if isinstance(value, Extent) else value.stream


def describing(attributes: Attributes) -> Attributes:
    """Return of the complete DICOM JSON what `PixelData` and `build_frame_table` look at."""
    return {tag: attributes[tag] for tag in attributes if tag in _DESCRIBING or _is_overlay_bits(tag)}


def first(attributes: Attributes, tag: str) -> Any:
    """Return the first value of an attribute, None if there is none."""
    return (attributes.get(tag, {}).get("Value") or [None])[0]


def _is_overlay_bits(tag: str) -> bool:
    """Tell whether this is Overlay Bits Allocated; 1 if the overlay is in an element of its own (PS3.5 8.1.2)."""
    return tag[:2] == "60" and tag[4:] == "0100"
