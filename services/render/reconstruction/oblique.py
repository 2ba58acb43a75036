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
    points = _points(grid, rows)
    samples = (trilinear(voxels, stack, points + offset * np.asarray(grid.axis)) for offset in offsets)
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


def _points(grid: Grid, rows: Array) -> Array:
    """Return the places of the pixels of some rows, of shape (rows, columns, 3), in the patient's coordinates."""
    along = np.arange(grid.columns)[:, None] * (grid.spacing * np.asarray(grid.right))
    return np.asarray(grid.origin) + along + rows[:, None, None] * (grid.spacing * np.asarray(grid.down))


def trilinear(voxels: Array, stack: Stack, points: Array) -> Array:
    """Return the values of a volume at points of shape (…, 3), float32; NaN where there is nothing.

    A voxel reaches half way to its neighbours, and as far beyond the outermost ones.
    """
    columns, rows, depths = np.moveaxis(stack.locate(points), -1, 0)
    places = np.asarray(stack.places)
    slices = np.interp(depths, places, np.arange(len(places)))
    half = stack.slice_spacing / 2
    is_outside = (depths < -half) | (depths > places[-1] + half) | _is_in_gap(stack, depths)
    starts, parts = [], []
    for index, length in zip((slices, rows, columns), voxels.shape, strict=True):
        is_outside |= (index < -0.5) | (index > length - 0.5)
        clipped = np.clip(index, 0, length - 1)
        start = np.minimum(clipped.astype(np.intp), length - 2)
        starts.append(start)
        parts.append((clipped - start).astype(np.float32))
    values = _mix(voxels, starts, parts)
    values[is_outside] = np.nan
    return values


def _is_in_gap(stack: Stack, depths: Array) -> Array:
    """Tell which depths are farther from a slice than half the usual distance, where one is missing."""
    is_in_gap: Array = np.zeros(depths.shape, np.bool_)
    half = stack.slice_spacing / 2
    for begin, end in stack.gaps:
        is_in_gap |= (depths > begin + half) & (depths < end - half)
    return is_in_gap


def _mix(voxels: Array, starts: list[Array], parts: list[Array]) -> Array:
    """Return the mean of the eight voxels around each place, by their nearness."""
    _, rows, columns = voxels.shape
    flat = voxels.reshape(-1)
    base = (starts[0] * rows + starts[1]) * columns + starts[2]
    deep, low, right = parts

    def line(offset: int) -> Array:
        left_values = flat.take(base + offset).astype(np.float32)
        return left_values + right * (flat.take(base + (offset + 1)) - left_values)

    def face(offset: int) -> Array:
        upper = line(offset)
        return upper + low * (line(offset + columns) - upper)

    front = face(0)
    return front + deep * (face(rows * columns) - front)
