"""Overlay planes: bits of their own, or in the unused bits of the pixels (PS3.3 C.9.2). Pure numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.native import swap_bytes
from services.render.attributes import integer, numbers

Array = npt.NDArray[Any]

FIRST_GROUP: Final = 0x6000
GROUPS: Final = range(FIRST_GROUP, FIRST_GROUP + 0x20, 2)
_MOST_BITS: Final = 1 << 28

_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FRAME_ORIGIN = 0x10, 0x11, 0x15, 0x50, 0x51
_BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x100, 0x102, 0x3000


@dataclass(frozen=True)
class Overlay:
    """One plane for one frame.

    Parameters
    ----------
    group : int
        0x6000 to 0x601E.
    top, left : int
        Of its first bit, in pixels of the image from 0; may be negative.
    bits : ndarray
        bool, shape (rows, columns).
    """

    group: int
    top: int
    left: int
    bits: Array

    def on(self, rows: int, columns: int) -> Array:
        """Return its bits where a frame of `rows` x `columns` has pixels: bool of that shape."""
        plane = np.zeros((rows, columns), np.bool_)
        top, left = max(self.top, 0), max(self.left, 0)
        part = self.bits[top - self.top :, left - self.left :][: max(rows - top, 0), : max(columns - left, 0)]
        plane[top : top + part.shape[0], left : left + part.shape[1]] = part
        return plane


def read_overlays(
    dataset: Dataset,
    frame_index: int,
    words: Callable[[], Array] | None = None,
    *,
    groups: Iterable[int] = GROUPS,
    is_big_endian: bool = False,
) -> tuple[Overlay, ...]:
    """Return the overlay planes of a frame.

    Parameters
    ----------
    words : callable, optional
        Returns the pixels of the frame with all bits of their containers, shape (rows, columns), unsigned. Called for
        planes that lie in them; without it these are left out.

    Raises
    ------
    UnsupportedInstance
        If a plane has not what its attributes say.
    """
    found = (_read(dataset, group, frame_index, words, is_big_endian) for group in groups if _has(dataset, group))
    return tuple(overlay for overlay in found if overlay is not None)


def _has(dataset: Dataset, group: int) -> bool:
    return group << 16 | _ROWS in dataset and group << 16 | _COLUMNS in dataset


def _read(
    dataset: Dataset, group: int, frame_index: int, words: Callable[[], Array] | None, is_big_endian: bool
) -> Overlay | None:
    rows, columns = _integer(dataset, group, _ROWS, 0), _integer(dataset, group, _COLUMNS, 0)
    top, left = _origin(dataset, group)
    if group << 16 | _DATA in dataset:
        first = _integer(dataset, group, _FRAME_ORIGIN, 1) - 1
        index = frame_index - first
        if not 0 <= index < _integer(dataset, group, _FRAMES, 1) and group << 16 | _FRAMES in dataset:
            return None
        data = _data(dataset, group, is_big_endian)
        index = index if group << 16 | _FRAMES in dataset else 0  # one plane for all frames
        return Overlay(group, top, left, _unpack(data, rows, columns, index))
    if words is None or _integer(dataset, group, _BITS_ALLOCATED, 1) < 2:
        return None
    position = _integer(dataset, group, _BIT_POSITION, 0)
    return Overlay(group, top, left, _embedded(words(), position)[:rows, :columns])


def _unpack(data: bytes, rows: int, columns: int, index: int) -> Array:
    """Return plane `index`: bits one after the other, the lowest of a byte first, planes without gaps (PS3.5 8.1.2)."""
    count = rows * columns
    start = index * count
    if not 0 < count <= _MOST_BITS or (start + count + 7) // 8 > len(data):
        raise UnsupportedInstance("an overlay has fewer bits than it declares")
    stored = np.frombuffer(data, np.uint8)[start // 8 : (start + count + 7) // 8]
    bits = np.unpackbits(stored, bitorder="little")[start % 8 : start % 8 + count]
    return bits.reshape(rows, columns).astype(np.bool_)


def _embedded(words: Array, position: int) -> Array:
    if words.ndim != 2 or words.dtype.kind != "u" or not 0 <= position < words.dtype.itemsize * 8:
        raise UnsupportedInstance("an overlay lies in bits that the pixels do not have")
    return words >> position & 1 == 1


def _data(dataset: Dataset, group: int, is_big_endian: bool) -> bytes:
    element = dataset[group << 16 | _DATA]
    if not isinstance(element.value, bytes):
        raise UnsupportedInstance("Overlay Data is not made of bytes")
    return swap_bytes(element.value) if is_big_endian and element.VR == "OW" else element.value


def _origin(dataset: Dataset, group: int) -> tuple[int, int]:
    """Return the row and the column of the first bit, from 0."""
    if group << 16 | _ORIGIN not in dataset:
        return 0, 0
    origin = numbers(dataset, group << 16 | _ORIGIN)
    if len(origin) != 2 or not all(abs(place) <= 1 << 16 for place in origin):
        raise UnsupportedInstance("Overlay Origin is not a row and a column")
    return int(origin[0]) - 1, int(origin[1]) - 1


def _integer(dataset: Dataset, group: int, element: int, default: int) -> int:
    return integer(dataset, group << 16 | element, default)


def burn(picture: Array, overlays: Iterable[Overlay]) -> Array:
    """Return `picture` with `overlays` in white.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3); of the size of the image.
    """
    burnt = picture.copy()
    for overlay in overlays:
        burnt[overlay.on(picture.shape[0], picture.shape[1])] = 255
    return burnt
