"""Fitting a picture into a viewport: cut, flip, scale with square pixels (PS3.18 8.3.5.1.3). Pure numpy."""

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
    """A part of the picture in pixels; already inside of it."""

    left: int
    top: int
    width: int
    height: int
    is_flipped_horizontally: bool = False
    is_flipped_vertically: bool = False

    def cut(self, picture: Array) -> Array:
        """Return the region of `picture`, a view of shape (height, width, …)."""
        part = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        return part[
            :: -1 if self.is_flipped_vertically else 1,
            :: -1 if self.is_flipped_horizontally else 1,
        ]


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
    first = _along_rows(picture, rows)
    return np.rint(_along_rows(first.swapaxes(0, 1), columns).swapaxes(0, 1)).astype(np.uint8)


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
