"""Lookup tables as data sets hold them: modality, VOI and palette, plain or in segments (PS3.3 C.11.1, C.11.2, C.7.9).

Pure numpy. Tables are read from their raw bytes: the VR of a descriptor is ambiguous in half of all files, but Pixel
Representation is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.attributes import text

Array = npt.NDArray[Any]

_DESCRIPTOR: Final = 0x00283002
_DATA: Final = 0x00283006
_COLOURS: Final = (1, 2, 3)
_SIGNED_VR: Final = "SS"


@dataclass(frozen=True)
class LookupTable:
    """A table from stored or rescaled values to others.

    Parameters
    ----------
    first_mapped : int
        The input that gets the first entry; smaller ones get it too, and larger ones than there are entries the last.
    entries : ndarray
        Shape (n,) or, for colours, (n, 3).
    bits : int
        The output is 0 to 2**bits - 1.
    explanation : str
        What the image calls it.
    """

    first_mapped: int
    entries: Array
    bits: int
    explanation: str = ""

    def look_up(self, values: Array) -> Array:
        """Return the entries for `values`, of their shape (and 3 for colours)."""
        index = np.rint(values).astype(np.int64) if values.dtype.kind == "f" else values.astype(np.int64)
        return self.entries.take(np.clip(index - self.first_mapped, 0, len(self.entries) - 1), axis=0)


def read_table(item: Dataset, *, is_signed: bool, is_big_endian: bool) -> LookupTable:
    """Return the table of an item of Modality LUT Sequence or VOI LUT Sequence.

    Parameters
    ----------
    is_signed : bool
        Whether the table's input may be negative.

    Raises
    ------
    UnsupportedInstance
        If the table has not what its descriptor says.
    """
    count, first, bits = _descriptor(item, _DESCRIPTOR, is_signed, is_big_endian)
    if not 8 <= bits <= 16:
        raise UnsupportedInstance(f"a lookup table of {bits} bits")
    entries = _entries(_raw(item, _DATA, is_big_endian), count, bits, is_big_endian)
    if int(entries.max()) >> bits:
        raise UnsupportedInstance("a lookup table has entries that are larger than its descriptor says")
    return LookupTable(first, entries, bits, text(item, "LUTExplanation"))


def read_palette(dataset: Dataset, *, is_signed: bool, is_big_endian: bool) -> LookupTable | None:
    """Return the Palette Color Lookup Table as colours of 8 bits, or None if there is none.

    Raises
    ------
    UnsupportedInstance
        If the table has not what its descriptors say.
    """
    if 0x00281101 not in dataset:
        return None
    descriptors = {_descriptor(dataset, 0x00281100 + colour, is_signed, is_big_endian) for colour in _COLOURS}
    if len(descriptors) != 1:
        raise UnsupportedInstance("the three palettes differ in size")
    count, first, bits = descriptors.pop()
    if bits not in {8, 16}:
        raise UnsupportedInstance(f"a palette of {bits} bits")
    columns = [_palette(dataset, colour, count, bits, is_big_endian) for colour in _COLOURS]
    entries = np.stack(columns, axis=1)
    # Some devices say 16 and mean 8; a true palette of 16 bits below 256 would be all black.
    is_wide = bits == 16 and int(entries.max()) > 255
    return LookupTable(first, (entries >> 8 if is_wide else entries).astype(np.uint8), 8)


def _palette(dataset: Dataset, colour: int, count: int, bits: int, is_big_endian: bool) -> Array:
    plain, segmented = 0x00281200 + colour, 0x00281220 + colour
    if plain in dataset:
        return _entries(_raw(dataset, plain, is_big_endian), count, bits, is_big_endian)
    if segmented in dataset:
        data = _raw(dataset, segmented, is_big_endian)
        words = np.frombuffer(data, np.uint8) if bits == 8 else _words(data, is_big_endian)
        return expand_segments(words.tolist(), count)
    raise UnsupportedInstance("the palette has descriptors, but no data")


def expand_segments(data: list[int], count: int) -> Array:
    """Return the `count` entries of a segmented palette (PS3.3 C.7.9.2): discrete and linear segments.

    Raises
    ------
    UnsupportedInstance
        If they are not `count`, or there is an indirect segment (whose offsets are read differently everywhere).
    """
    entries: list[int] = []
    position = 0
    while position + 2 < len(data) and len(entries) < count:
        kind, length = data[position], data[position + 1]
        if kind == 0:
            entries += data[position + 2 : position + 2 + length]
            position += 2 + length
        elif kind == 1 and entries:
            ramp = np.linspace(entries[-1], data[position + 2], length + 1)[1:]
            entries += np.rint(ramp).astype(int).tolist()
            position += 3
        else:
            raise UnsupportedInstance(f"a segmented palette with a segment of type {kind} there")
    if len(entries) != count:
        raise UnsupportedInstance("a segmented palette has not as many entries as its descriptor says")
    return np.array(entries, np.uint16)


def _descriptor(dataset: Dataset, tag: int, is_signed: bool, is_big_endian: bool) -> tuple[int, int, int]:
    """Return number of entries, first input mapped, and bits of an entry (PS3.3 C.11.1.1.1)."""
    words = _words(_raw(dataset, tag, is_big_endian), is_big_endian)
    if len(words) != 3:
        raise UnsupportedInstance("the descriptor of a lookup table has not three values")
    count, first, bits = words.tolist()
    if first > 0x7FFF and (is_signed or dataset.get_item(tag).VR == _SIGNED_VR):
        first -= 0x10000
    return count or 0x10000, first, bits


def _entries(data: bytes, count: int, bits: int, is_big_endian: bool) -> Array:
    """Return `count` entries; those of 8 bits come packed in bytes, or one in each word."""
    if len(data) >= 2 * count:
        entries = _words(data, is_big_endian)[:count]
        return entries & 0xFF if bits == 8 else entries
    if bits > 8 or len(data) < count:
        raise UnsupportedInstance("a lookup table has fewer entries than its descriptor says")
    return np.frombuffer(data, np.uint8, count).astype(np.uint16)


def _raw(dataset: Dataset, tag: int, is_big_endian: bool) -> bytes:
    """Return the bytes of a value of 16-bit words, whether or not pydicom has converted it."""
    if tag not in dataset:
        raise UnsupportedInstance("a lookup table is not complete")
    value = dataset.get_item(tag).value
    if isinstance(value, bytes):
        return value
    numbers = np.atleast_1d(np.asarray(value if value is not None else [], np.int64))
    return (numbers & 0xFFFF).astype(">u2" if is_big_endian else "<u2").tobytes()


def _words(data: bytes, is_big_endian: bool) -> Array:
    return np.frombuffer(data, ">u2" if is_big_endian else "<u2", len(data) // 2).astype(np.uint16)
