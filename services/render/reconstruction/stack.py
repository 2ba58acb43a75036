"""Planes put on top of each other: the geometry of a volume, or the reason why there is none. Pure numpy.

Slices may lie at uneven distances, and may be shifted against each other along a straight line, as those of a tilted
gantry are: every voxel keeps its place in the patient. What is not a volume is refused rather than shown wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.reconstruction.planes import Plane, Vector

Array = npt.NDArray[Any]

_SAME_DIRECTION: Final = 0.005
"""Largest difference of unit vectors that counts as none: a third of a degree."""

_SAME_PLACE_MM: Final = 0.01
_SAME_SPACING: Final = 1e-3
_STRAIGHT_PIXELS: Final = 0.5
_GAP: Final = 1.5
"""Distances of slices that are longer than the usual one by this factor are gaps."""


@dataclass(frozen=True)
class Stack:
    """The geometry of a volume of shape (slices, rows, columns); lengths in millimetres.

    Parameters
    ----------
    origin : Vector
        Centre of the first voxel.
    row_direction, column_direction : Vector
        Along which the column index and the row index grow.
    step : Vector
        From a slice to where the next one lies, for each millimetre of distance between them: the normal, unless the
        gantry was tilted.
    row_spacing, column_spacing : float
    places : tuple of float
        Distance of each slice from the first one along the normal, growing.
    """

    origin: Vector
    row_direction: Vector
    column_direction: Vector
    step: Vector
    row_spacing: float
    column_spacing: float
    rows: int
    columns: int
    places: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.places), self.rows, self.columns

    @property
    def normal(self) -> Array:
        """Unit vector along which the slice index grows."""
        across = np.cross(self.row_direction, self.column_direction)
        return across / np.linalg.norm(across)

    @property
    def is_sheared(self) -> bool:
        """Whether slices are shifted against each other, by more than half a pixel from the first to the last."""
        shift = np.linalg.norm(np.subtract(self.step, self.normal)) * self.places[-1]
        return bool(shift > _STRAIGHT_PIXELS * min(self.row_spacing, self.column_spacing))

    @cached_property
    def slice_spacing(self) -> float:
        """The usual distance of two slices."""
        return float(np.median(np.diff(self.places)))

    @cached_property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Begin and end of the intervals, in terms of `places`, in which slices are missing."""
        pairs = zip(self.places, self.places[1:], strict=False)
        return tuple(pair for pair in pairs if pair[1] - pair[0] > _GAP * self.slice_spacing)

    @property
    def edges(self) -> Array:
        """The eight corners of the volume, in the patient's coordinates; shape (8, 3)."""
        half = self.slice_spacing / 2
        columns, rows = (-0.5, self.columns - 0.5), (-0.5, self.rows - 0.5)
        depths = (-half, self.places[-1] + half)
        return np.array([self.point(i, j, depth) for i in columns for j in rows for depth in depths])

    def point(self, column: float, row: float, depth: float) -> Array:
        """Return the place in the patient of a column index and row index (0: centre of the first) at a depth."""
        return (
            np.asarray(self.origin)
            + column * self.column_spacing * np.asarray(self.row_direction)
            + row * self.row_spacing * np.asarray(self.column_direction)
            + depth * np.asarray(self.step)
        )

    def locate(self, points: Array) -> Array:
        """Return column index, row index and depth in millimetres of points of shape (…, 3), as of `point`."""
        across = np.asarray(points) - np.asarray(self.origin)
        depth = across @ self.normal
        along = across - depth[..., None] * np.asarray(self.step)
        columns = along @ np.asarray(self.row_direction) / self.column_spacing
        rows = along @ np.asarray(self.column_direction) / self.row_spacing
        return np.stack([columns, rows, depth], axis=-1)


def stack_of(planes: Sequence[Plane]) -> tuple[Stack, list[int]]:
    """Return the geometry of the volume that `planes` make, and the order in which they lie.

    Raises
    ------
    UnsupportedInstance
        If they are no volume; the text says why.
    """
    if len(planes) < 2:
        raise UnsupportedInstance("a volume needs two images at least")
    first = planes[0]
    _refuse_mixed(planes, first)
    normal = np.cross(first.row_direction, first.column_direction)
    normal /= np.linalg.norm(normal)
    positions = np.array([plane.position for plane in planes])
    depths = positions @ normal
    order = np.argsort(depths, kind="stable")
    positions, depths = positions[order], depths[order]
    _refuse_double(depths)
    step = (positions[-1] - positions[0]) / (depths[-1] - depths[0])
    _refuse_crooked(positions, depths, step, min(first.row_spacing, first.column_spacing))
    x, y, z = positions[0].tolist()
    stack = Stack(
        (x, y, z),
        first.row_direction,
        first.column_direction,
        tuple(step.tolist()),
        first.row_spacing,
        first.column_spacing,
        first.rows,
        first.columns,
        tuple((depths - depths[0]).tolist()),
    )
    return stack, order.tolist()


def _refuse_mixed(planes: Sequence[Plane], first: Plane) -> None:
    if first.rows < 2 or first.columns < 2:
        raise UnsupportedInstance("the images of the series are no planes")
    if abs(np.dot(first.row_direction, first.column_direction)) > _SAME_DIRECTION:
        raise UnsupportedInstance("the rows and columns of the series are not at right angles")
    for plane in planes:
        if (plane.rows, plane.columns) != (first.rows, first.columns):
            raise UnsupportedInstance("the series has images of several sizes")
        spacings = (plane.row_spacing / first.row_spacing, plane.column_spacing / first.column_spacing)
        if max(abs(ratio - 1) for ratio in spacings) > _SAME_SPACING:
            raise UnsupportedInstance("the series has images of several pixel spacings")
        for own, common in (
            (plane.row_direction, first.row_direction),
            (plane.column_direction, first.column_direction),
        ):
            if np.linalg.norm(np.subtract(own, common)) > _SAME_DIRECTION:
                raise UnsupportedInstance("the series has images of several orientations, which make no volume")


def _refuse_double(depths: Array) -> None:
    if np.diff(depths).min() < _SAME_PLACE_MM:
        raise UnsupportedInstance(
            "the series has several images at one place (phases, echoes or times), not one volume"
        )


def _refuse_crooked(positions: Array, depths: Array, step: Array, spacing: float) -> None:
    straight = positions[0] + (depths - depths[0])[:, None] * step
    if np.linalg.norm(positions - straight, axis=1).max() > _STRAIGHT_PIXELS * spacing:
        raise UnsupportedInstance("the images of the series do not lie on a straight line")
