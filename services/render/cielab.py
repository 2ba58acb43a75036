"""Colours as presentation states name them: CIELab values against D50, in 16 bits each (PS3.3 C.10.7.1.1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

WHITE_D50: Final = np.array([0.9642, 1.0, 0.8249])

# XYZ of D50 to linear sRGB, adapted by Bradford's method: the inverse of the matrix in sRGB's ICC profile.
_TO_SRGB: Final = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def to_srgb(encoded: Sequence[float]) -> tuple[int, int, int]:
    """Return the sRGB colour, 0 to 255 each, of three encoded values: L* by 655.35, a* and b* by 257 above -128."""
    lightness, a, b = encoded[0] / 655.35, encoded[1] / 257 - 128, encoded[2] / 257 - 128
    middle = (lightness + 16) / 116
    xyz = WHITE_D50 * [_inverse(middle + a / 500), _inverse(middle), _inverse(middle - b / 200)]
    linear = np.clip(_TO_SRGB @ xyz, 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = np.rint(curved * 255).astype(int).tolist()
    return red, green, blue


def _inverse(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)
