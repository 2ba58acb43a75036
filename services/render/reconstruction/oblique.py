"""Values of any plane or slab in a volume, by trilinear interpolation at every pixel. Pure numpy."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.reconstruction.grid import Grid
from services.render.reconstruction.stack import Stack

Array = npt.NDArray[Any]

MOST_SAMPLES: Final = 1 << 27
"""Places in the volume that are looked at for one picture, some ten seconds of work."""

_BLOCK_PIXELS: Final = 1 << 17
"""Pixels that are worked on at once: their coordinates stay in the processor's cache."""


def sample(voxels: Array, stack: Stack, grid: Grid, projection: str) -> Array:
    """Return the values of a slab.

    Parameters
    ----------
    voxels : ndarray
        Shape (slices, rows, columns).
    projection : str
        "max", "min" or "mean" along the axis, over places as far from each other as the pixels are.

    Returns
    -------
    ndarray
        float32 of shape (rows, columns) of the grid; NaN outside of the volume and where slices are missing.

    Raises
    ------
    UnsupportedInstance
        If the slab has too many places.
    """
    offsets = _offsets(grid)
    if grid.rows * grid.columns * len(offsets) > MOST_SAMPLES:
        raise UnsupportedInstance("the oblique slab is too thick for one picture")
    shown = np.empty((grid.rows, grid.columns), np.float32)
    block = max(1, _BLOCK_PIXELS // grid.columns)
    for start in range(0, grid.rows, block):
        rows = np.arange(start, min(start + block, grid.rows))
        shown[rows] = _project(voxels, stack, grid, rows, offsets, projection)
    return shown


def _offsets(grid: Grid) -> Array:
    """Return the distances from the plane, along its axis, at which a slab is sampled."""
    count = max(1, round(grid.thickness / grid.spacing))
    return ((np.arange(count) + 0.5) / count - 0.5) * grid.thickness


def _project(voxels: Array, stack: Stack, grid: Grid, rows: Array, offsets: Array, projection: str) -> Array:
    """Return rows of the picture: all samples behind each pixel, brought together."""
    samples = (trilinear(voxels, stack, *_places(stack, grid, rows, offset)) for offset in offsets)
    if projection == "mean":
        return _mean(samples)
    return functools.reduce(np.fmax if projection == "max" else np.fmin, samples)


def _mean(samples: Iterable[Array]) -> Array:
    """Return the mean of what is inside of the volume; NaN where nothing is."""
    total: Array = np.zeros(1, np.float32)
    count: Array = np.zeros(1, np.float32)
    for values in samples:
        is_inside = np.isfinite(values)
        total, count = total + np.where(is_inside, values, 0), count + is_inside
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _places(stack: Stack, grid: Grid, rows: Array, offset: float) -> Array:
    """Return column index, row index and depth of the pixels of some rows; shape (3, rows, columns).

    All three grow evenly along the rows and columns of the picture.
    """
    first = np.asarray(grid.origin) + offset * np.asarray(grid.axis)
    ends = first + grid.spacing * np.array([np.zeros(3), grid.right, grid.down])
    start, right, down = stack.locate(ends)
    across, along = (right - start)[:, None, None], (down - start)[:, None, None]
    return start[:, None, None] + across * np.arange(grid.columns) + along * rows[:, None]


def trilinear(voxels: Array, stack: Stack, columns: Array, rows: Array, depths: Array) -> Array:
    """Return the values of a volume at places, see `Stack.locate`: float32 of their shape; NaN where there is nothing.

    A voxel reaches half way to its neighbours, and as far beyond the outermost ones.
    """
    half = stack.slice_spacing / 2
    is_inside = (depths >= -half) & (depths <= stack.places[-1] + half) & ~_is_in_gap(stack, depths)
    for index, length in ((rows, stack.rows), (columns, stack.columns)):
        is_inside &= (index >= -0.5) & (index <= length - 0.5)
    found = np.interp(depths[is_inside], stack.places, np.arange(len(stack.places)))
    values = np.full(is_inside.shape, np.nan, np.float32)
    values[is_inside] = _mix(voxels, (found, rows[is_inside], columns[is_inside]))
    return values


def _is_in_gap(stack: Stack, depths: Array) -> Array:
    """Tell which depths are farther from a slice than half the usual distance, where one is missing."""
    is_in_gap: Array = np.zeros(depths.shape, np.bool_)
    half = stack.slice_spacing / 2
    for begin, end in stack.gaps:
        is_in_gap |= (depths > begin + half) & (depths < end - half)
    return is_in_gap


def _mix(voxels: Array, places: tuple[Array, Array, Array]) -> Array:
    """Return the mean of the eight voxels around each place, by their nearness."""
    _, rows, columns = voxels.shape
    (deep, below), (low, lower), (right, left) = (
        _parts(index, length) for index, length in zip(places, voxels.shape, strict=True)
    )
    flat = voxels.reshape(-1)
    base = (below * rows + lower) * columns + left

    def line(offset: int) -> Array:
        first = flat.take(base + offset).astype(np.float32)
        return first + right * (flat.take(base + (offset + 1)) - first)

    def face(offset: int) -> Array:
        upper = line(offset)
        return upper + low * (line(offset + columns) - upper)

    front = face(0)
    return front + deep * (face(rows * columns) - front)


def _parts(index: Array, length: int) -> tuple[Array, Array]:
    """Return how far each index is from the voxel before it, and the number of that."""
    clipped = np.clip(index, 0, length - 1)
    before = np.minimum(clipped.astype(np.intp), length - 2)
    return (clipped - before).astype(np.float32), before
