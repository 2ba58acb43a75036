"""Luminance and chrominance to red, green and blue (PS3.3 C.7.6.3.1.2). Pure numpy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Rows: R, G, B from Y, Cb - 128, Cr - 128; ITU-R BT.601, the inverse of the Standard's formulas.
_FROM_FULL: Final = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)
_FROM_PARTIAL: Final = np.array(
    [[1.164384, 0, 1.596027], [1.164384, -0.391762, -0.812968], [1.164384, 2.017232, 0]], np.float32
)
_ZERO_OF_FULL: Final = np.array([0, 128, 128], np.float32)
_ZERO_OF_PARTIAL: Final = np.array([16, 128, 128], np.float32)


def from_ybr_full(samples: Array) -> Array:
    """Return YBR_FULL as RGB, both uint8 of shape (rows, columns, 3)."""
    return _converted(samples, _ZERO_OF_FULL, _FROM_FULL)


def from_ybr_partial(samples: Array) -> Array:
    """Return YBR_PARTIAL, whose black is 16 and whose white is 235, as RGB, both uint8 of shape (rows, columns, 3)."""
    return _converted(samples, _ZERO_OF_PARTIAL, _FROM_PARTIAL)


def _converted(samples: Array, zero: Array, matrix: Array) -> Array:
    rgb = np.empty(samples.shape, np.uint8)
    for row, ybr in enumerate(samples):  # one row at a time keeps temporaries small
        rgb[row] = np.rint(np.clip((ybr - zero) @ matrix.T, 0, 255))
    return rgb
