"""Contrast-limited adaptive histogram equalisation. Pure numpy.

References
----------
S. Pizer et al.: Adaptive histogram equalization and its variations. CVGIP 39 (1987). K. Zuiderveld: Contrast limited
adaptive histogram equalization. Graphics Gems IV (1994). What is clipped is spread once over all bins.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BINS: Final = 256
"""Of a tile's histogram. Between them the curve is a straight line, so that deeper values stay apart."""


def equalise(image: Array, *, clip: float, tiles: int) -> Array:
    """Return `image` with the histogram of every neighbourhood evened out.

    Parameters
    ----------
    image : ndarray
        float32 of shape (rows, columns); values outside of 0 to 1 are cut.
    clip : float
        Limit of a bin, as a multiple of what it would hold in a flat histogram: contrast grows by no more than this
        and the share of what was clipped, 1 at most.
    tiles : int
        Along each axis.

    Returns
    -------
    ndarray
        float32 of the same shape, 0 to 1.
    """
    tiles_of = [min(tiles, length) for length in image.shape]
    positions = np.clip(image, 0, 1) * np.float32(BINS)
    bins = np.minimum(positions.astype(np.int32), BINS - 1)
    curves = np.concatenate([_curves(bins[rows], tiles_of[1], clip) for rows in _parts(len(image), tiles_of[0])])
    curves = curves.reshape(*tiles_of, BINS + 1)
    equalised = np.empty(image.shape, np.float32)
    above, below, weights = _neighbours(image.shape[0], tiles_of[0])
    for row in range(len(image)):  # the curves between two rows of tiles are mixed once for each row of pixels
        mixed = curves[above[row]] * (1 - weights[row]) + curves[below[row]] * weights[row]
        equalised[row] = _along_row(mixed, bins[row], positions[row] - bins[row])
    return equalised


def _along_row(curves: Array, bins: Array, parts: Array) -> Array:
    """Return the values of a row of pixels by the curves of its tiles."""
    left, right, weights = _neighbours(len(bins), len(curves))
    start, end = (curves[left, bins + more] * (1 - weights) + curves[right, bins + more] * weights for more in (0, 1))
    return start + (end - start) * parts


def _curves(bins: Array, tiles: int, clip: float) -> Array:
    """Return the curve of each tile in a row of tiles, of shape (tiles, BINS + 1), from 0 to 1."""
    counts = np.stack([np.bincount(bins[:, part].ravel(), minlength=BINS) for part in _parts(bins.shape[1], tiles)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    clipped = np.minimum(shares, clip / BINS)
    clipped += (1 - clipped.sum(axis=1, keepdims=True)) / BINS
    return np.pad(np.cumsum(clipped, axis=1), ((0, 0), (1, 0))).astype(np.float32)


def _parts(length: int, tiles: int) -> list[slice]:
    edges = np.linspace(0, length, tiles + 1).round().astype(int).tolist()
    return [slice(*pair) for pair in pairwise(edges)]


def _neighbours(length: int, tiles: int) -> tuple[Array, Array, Array]:
    """Return for each pixel the tiles on both sides of it and the weight of the second, by the distance of centres."""
    place = np.clip((np.arange(length) + 0.5) * tiles / length - 0.5, 0, tiles - 1)
    first = place.astype(np.intp)
    return first, np.minimum(first + 1, tiles - 1), (place - first).astype(np.float32)
