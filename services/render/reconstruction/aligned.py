"""Values of planes and slabs along the axes of a volume: quicker than any other, for nothing but sums is needed.

A slab is made of the voxels themselves, those whose centres it holds, before anything is interpolated. Pure numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from services.render.reconstruction.grid import Grid
from services.render.reconstruction.planes import Vector
from services.render.reconstruction.stack import Stack

Array = npt.NDArray[Any]

_PARALLEL: Final = 1e-6


@dataclass(frozen=True)
class _Axis:
    """An axis of the grid as one of the volume.

    Parameters
    ----------
    number : int
        Of the volume's axis: 0 slices, 1 rows, 2 columns.
    centers : ndarray
        Where the centres of its voxels lie along the axis of the grid, in millimetres from the volume's origin; growing
        or falling.
    spacing : float
        Usual distance of these.
    gaps : tuple
        Intervals in which voxels are missing, in the same terms.
    """

    number: int
    centers: Array
    spacing: float
    gaps: tuple[tuple[float, float], ...] = ()

    def index(self, places: Array) -> Array:
        """Return the index, with its fraction, of places along the axis; NaN where there is no voxel."""
        numbers = np.arange(len(self.centers))
        is_falling = self.centers[0] > self.centers[-1]
        centers, numbers = (self.centers[::-1], numbers[::-1]) if is_falling else (self.centers, numbers)
        index = np.interp(places, centers, numbers)
        half = self.spacing / 2
        is_outside = (places < centers[0] - half) | (places > centers[-1] + half)
        for begin, end in self.gaps:
            is_outside |= (places > begin + half) & (places < end - half)
        return np.where(is_outside, np.nan, index)


def axes_of(stack: Stack, grid: Grid) -> tuple[_Axis, _Axis, _Axis] | None:
    """Return the axes through, down and right of `grid` as those of the volume; None if it lies askew in it."""
    if stack.is_sheared:
        return None
    found = [_axis(stack, direction) for direction in (grid.axis, grid.down, grid.right)]
    through, down, right = found
    return None if through is None or down is None or right is None else (through, down, right)


def _axis(stack: Stack, direction: Vector) -> _Axis | None:
    _, rows, columns = stack.shape
    along = (
        (stack.normal, np.asarray(stack.places), stack.slice_spacing),
        (np.asarray(stack.column_direction), np.arange(rows) * stack.row_spacing, stack.row_spacing),
        (np.asarray(stack.row_direction), np.arange(columns) * stack.column_spacing, stack.column_spacing),
    )
    for number, (own, places, spacing) in enumerate(along):
        sign = float(np.asarray(direction) @ own)
        if 1 - abs(sign) < _PARALLEL:
            sign = np.sign(sign)
            gaps = stack.gaps if number == 0 else ()
            return _Axis(
                number,
                sign * places,
                spacing,
                tuple((min(sign * a, sign * b), max(sign * a, sign * b)) for a, b in gaps),
            )
    return None


def project(voxels: Array, stack: Stack, grid: Grid, axes: tuple[_Axis, _Axis, _Axis], projection: str) -> Array:
    """Return the values of a slab along the axes of the volume; as `oblique.sample` does for any."""
    through, down, right = axes
    start = np.asarray(grid.origin) - np.asarray(stack.origin)
    depth, top, left = (float(start @ np.asarray(axis)) for axis in (grid.axis, grid.down, grid.right))
    face = _through(voxels, through, depth, grid.thickness, projection)
    if down.number > right.number:
        face = face.T
    rows = down.index(top + grid.spacing * np.arange(grid.rows))
    columns = right.index(left + grid.spacing * np.arange(grid.columns))
    return _interpolate(_interpolate(face, rows).T, columns).T


def _through(voxels: Array, axis: _Axis, depth: float, thickness: float, projection: str) -> Array:
    """Return one value for each line of voxels along an axis, float32; the other axes keep their order."""
    inside = np.flatnonzero(np.abs(axis.centers - depth) <= thickness / 2 + 1e-6)
    if thickness == 0 or not inside.size:
        return _plane(voxels, axis, depth)
    part = np.moveaxis(voxels, axis.number, 0)[inside[0] : inside[-1] + 1]
    if projection == "mean":
        return _mean(part, np.abs(np.gradient(axis.centers))[inside])
    return (part.max(axis=0) if projection == "max" else part.min(axis=0)).astype(np.float32)


def _mean(planes: Array, widths: Array) -> Array:
    """Return the mean of planes, each by the width that it stands for."""
    total = np.zeros(planes.shape[1:], np.float32)
    for plane, weight in zip(planes, (widths / widths.sum()).astype(np.float32), strict=True):
        total += weight * plane
    return total


def _plane(voxels: Array, axis: _Axis, depth: float) -> Array:
    planes = np.moveaxis(voxels, axis.number, 0)
    (index,) = axis.index(np.array([depth]))
    if np.isnan(index):
        return np.full(planes.shape[1:], np.nan, np.float32)
    lower = min(int(index), len(planes) - 2)
    part = np.float32(index - lower)
    first = planes[lower].astype(np.float32)
    return first + part * (planes[lower + 1] - first) if part else first


def _interpolate(face: Array, index: Array) -> Array:
    """Return rows of `face` at indexes with fractions; NaN where the index is."""
    clipped = np.clip(np.nan_to_num(index), 0, len(face) - 1)
    lower = np.minimum(clipped.astype(np.intp), len(face) - 2)
    part = (clipped - lower).astype(np.float32)[:, None]
    first = face[lower]
    mixed = first + part * (face[lower + 1] - first)
    mixed[np.isnan(index)] = np.nan
    return mixed
