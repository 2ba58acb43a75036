"""Fitting a picture into a viewport: cut, turn, flip, scale with square pixels. Pure numpy.

See PS3.18 8.3.5.1.3; PS3.3 C.10.4, C.10.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LARGEST_SIDE: Final = 8192
_NEARLY_SQUARE: Final = 0.01
_BLOCK_SAMPLES: Final = 1 << 22


@dataclass(frozen=True)
class Region:
    """A part of the image in pixels, and how it is turned; what of it lies beside the image is black.

    Parameters
    ----------
    quarter_turns : int
        Clockwise, before it is flipped.
    """

    left: int
    top: int
    width: int
    height: int
    is_flipped_horizontally: bool = False
    is_flipped_vertically: bool = False
    quarter_turns: int = 0

    @property
    def is_on_its_side(self) -> bool:
        """Whether rows become columns."""
        return self.quarter_turns % 2 == 1

    def cut(self, picture: Array) -> Array:
        """Return the region of `picture` as it is turned: shape (height, width, …), or (width, height, …)."""
        part = np.rot90(self._part(picture), -self.quarter_turns)
        return part[
            :: -1 if self.is_flipped_vertically else 1,
            :: -1 if self.is_flipped_horizontally else 1,
        ]

    def _part(self, picture: Array) -> Array:
        top, left = max(self.top, 0), max(self.left, 0)
        part = picture[top : max(self.top + self.height, top), left : max(self.left + self.width, left)]
        if part.shape[:2] == (self.height, self.width):
            return part
        padded = np.zeros((self.height, self.width, *picture.shape[2:]), picture.dtype)
        row, column = top - self.top, left - self.left
        padded[row : row + part.shape[0], column : column + part.shape[1]] = part[: self.height, : self.width]
        return padded

    def locate(self, column: float, row: float) -> tuple[float, float]:
        """Return where a place of the image is in its picture, both as parts of their width and height.

        Parameters
        ----------
        column, row : float
            In pixels; 0, 0 is the upper left corner of the first pixel (PS3.3 C.10.5.1.2).
        """
        x, y = (column - self.left) / self.width, (row - self.top) / self.height
        for _ in range(self.quarter_turns % 4):
            x, y = 1 - y, x
        return (1 - x if self.is_flipped_horizontally else x), (1 - y if self.is_flipped_vertically else y)


def fitted_size(rows: int, columns: int, pixel_aspect: float, box: tuple[int, int] | None) -> tuple[int, int]:
    """Return rows and columns of a picture as it is sent: with square pixels, and as large as `box` allows.

    Parameters
    ----------
    pixel_aspect : float
        Height of a pixel divided by its width.
    box : (int, int) or None
        Width and height of the viewport; without one the finer side of the pixels keeps its resolution.
    """
    if abs(pixel_aspect - 1) < _NEARLY_SQUARE:
        pixel_aspect = 1.0
    height, width = rows * max(pixel_aspect, 1.0), columns * max(1 / pixel_aspect, 1.0)
    limit_width, limit_height = box or (LARGEST_SIDE, LARGEST_SIDE)
    scale = min(limit_width / width, limit_height / height)
    if box is None:
        scale = 1.0 if pixel_aspect == 1.0 else min(scale, 1.0)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resample(picture: Array, rows: int, columns: int) -> Array:
    """Return `picture` with another number of rows and columns: areas averaged when smaller, bilinear when larger.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3).
    """
    if picture.shape[:2] == (rows, columns):
        return picture
    if picture.shape[0] % rows == 0 and picture.shape[1] % columns == 0:
        return _blocks_averaged(picture, picture.shape[0] // rows, picture.shape[1] // columns)
    first = _along_rows(picture, rows)
    return np.rint(_along_rows(first.swapaxes(0, 1), columns).swapaxes(0, 1)).astype(np.uint8)


def _blocks_averaged(picture: Array, height: int, width: int) -> Array:
    """Average blocks of `height` x `width` pixels: as weighing areas, in whole numbers, in a tenth of the time."""
    pixels = height * width
    sums = np.zeros((picture.shape[0] // height, *picture.shape[1:]), np.uint16 if pixels < 256 else np.uint32)
    for row in range(height):
        sums += picture[row::height]
    totals = np.full((sums.shape[0], sums.shape[1] // width, *sums.shape[2:]), pixels // 2, sums.dtype)
    for column in range(width):
        totals += sums[:, column::width]
    return (totals // pixels).astype(np.uint8)


def _along_rows(picture: Array, rows: int) -> Array:
    """Return `picture` with another length of its first axis, float32."""
    if rows == len(picture):
        return picture.astype(np.float32)
    work = _averaged if rows < len(picture) else _interpolated
    resampled = np.empty((rows, *picture.shape[1:]), np.float32)
    step = max(1, _BLOCK_SAMPLES // (len(picture) * (picture.shape[2] if picture.ndim == 3 else 1)))
    for start in range(0, picture.shape[1], step):
        resampled[:, start : start + step] = work(picture[:, start : start + step], rows)
    return resampled


def _averaged(picture: Array, rows: int) -> Array:
    """Average the area that each new row covers, parts of old rows by their part."""
    edges = np.linspace(0, len(picture), rows + 1)
    whole = edges.astype(np.intp)
    part = (edges - whole).astype(np.float32).reshape(-1, *[1] * (picture.ndim - 1))
    sums = np.add.reduceat(picture, whole[:-1], axis=0, dtype=np.float32)
    sums -= part[:-1] * picture[whole[:-1]]
    sums[:-1] += part[1:-1] * picture[whole[1:-1]]
    return sums * np.float32(rows / len(picture))


def _interpolated(picture: Array, rows: int) -> Array:
    """Interpolate between the centres of old rows; beyond the outermost ones they go on as they are."""
    centers = np.clip((np.arange(rows) + 0.5) * len(picture) / rows - 0.5, 0, len(picture) - 1)
    lower = centers.astype(np.intp)
    part = (centers - lower).astype(np.float32).reshape(-1, *[1] * (picture.ndim - 1))
    upper = np.minimum(lower + 1, len(picture) - 1)
    return picture[lower] * (1 - part) + picture[upper] * part
