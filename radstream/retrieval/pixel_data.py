"""The Pixel Data of an instance as something to send: where each frame lies, and what its bytes need.

References
----------
PS3.5 8 Encoding of Pixel, Overlay and Waveform Data; PS3.18 8.7.3 (frames as octets begin at a byte).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.frames import FrameTable
from radstream.dicom.syntaxes import EXPLICIT_VR_BIG_ENDIAN, is_video
from radstream.retrieval.extent import Extent, Source

MAX_ODD_FRAME_BITS: Final = 1 << 28
"""Largest frame whose bits are moved to begin at a byte; the whole frame is in memory for that."""

DESCRIBING: Final = ("00280002", "00280004", "00280008", "00280010", "00280011", "00280100")
"""Tags of what `PixelData` and `build_frame_table` look at."""

_GE_PRIVATE: Final = "1.2.840.113619.5.2"  # implicit VR, all little endian but the Pixel Data
_BIG_ENDIAN: Final = (EXPLICIT_VR_BIG_ENDIAN, _GE_PRIVATE)

Attributes = dict[str, dict[str, Any]]


class Value(Protocol):
    """Bytes to be sent."""

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
        DICOM JSON of what describes native frames, see `DESCRIBING`.
    """

    table: FrameTable
    source: Source
    source_bytes: int
    transfer_syntax_uid: str
    tag: str
    vr: str
    attributes: Attributes

    @property
    def is_video(self) -> bool:
        """All frames are one stream."""
        return is_video(self.transfer_syntax_uid)

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
