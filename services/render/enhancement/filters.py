"""Separable smoothing, the stuff that the other filters are made of. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BINOMIAL: Final = (6 / 16, 4 / 16, 1 / 16)
"""The five taps of Burt and Adelson's pyramid, from the middle outwards."""


def smooth(image: Array, taps: Sequence[float]) -> Array:
    """Return `image` convolved along both axes with symmetric taps; beyond its edges it goes on mirrored.

    Parameters
    ----------
    image : ndarray
        float32 of shape (rows, columns).
    taps : sequence of float
        From the middle outwards; those on one side only.

    Returns
    -------
    ndarray
        Of the same shape and type.
    """
    return _along_first(_along_first(image, taps).T, taps).T


def box(radius: int) -> list[float]:
    """Return the taps of a mean over ``2 * radius + 1`` pixels."""
    return [1 / (2 * radius + 1)] * (radius + 1)


def gaussian(sigma: float) -> list[float]:
    """Return the taps of a Gaussian with standard deviation `sigma` in pixels, cut at three of them."""
    tail = np.exp(-0.5 * (np.arange(int(np.ceil(3 * sigma)) + 1) / sigma) ** 2)
    return (tail / (2 * tail.sum() - tail[0])).tolist()


def _along_first(image: Array, taps: Sequence[float]) -> Array:
    radius, length = len(taps) - 1, len(image)
    mirrored = image.take(_mirrored(length, radius), axis=0)
    smoothed = mirrored[radius : radius + length] * np.float32(taps[0])
    for distance in range(1, radius + 1):
        pair = mirrored[radius - distance : radius - distance + length] + mirrored[radius + distance :][:length]
        pair *= np.float32(taps[distance])
        smoothed += pair
    return smoothed


def _mirrored(length: int, radius: int) -> Array:
    """Return which rows stand at -radius to length + radius - 1: mirrored at the outermost ones, again and again."""
    period = max(1, 2 * (length - 1))
    folded = np.abs(np.arange(-radius, length + radius)) % period
    return np.minimum(folded, period - folded) if length > 1 else np.zeros(length + 2 * radius, np.intp)
