"""A view laid into a volume: where each pixel of the picture lies in the patient. Pure numpy.

Pictures are shown as radiologists look at them (PS3.17, hanging of images): the patient's right is at the left of
axial and coronal ones, the front at the left of sagittal ones, the front or the head is up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import MalformedRequest, UnsupportedInstance
from services.render.reconstruction.planes import Vector
from services.render.reconstruction.stack import Stack
from services.render.reconstruction.view import View

Array = npt.NDArray[Any]

MOST_PIXELS: Final = 1 << 24
"""Of a plane."""

_LEFT: Final = (1.0, 0.0, 0.0)
_BACK: Final = (0.0, 1.0, 0.0)
_HEAD: Final = (0.0, 0.0, 1.0)
_FEET: Final = (0.0, 0.0, -1.0)
_NAMED: Final[dict[str, tuple[Vector, Vector, Vector]]] = {
    "axial": (_LEFT, _BACK, _HEAD),
    "coronal": (_LEFT, _FEET, _BACK),
    "sagittal": (_BACK, _FEET, _LEFT),
}
"""Right and down in the picture, and the axis that positions are on."""

_LETTERS: Final = ("LR", "PA", "HF")
_SECOND_LETTER: Final = 0.26
"""Of a unit vector: a direction that is off by more than 15 degrees has two letters (PS3.3 C.7.6.1.1.1)."""


@dataclass(frozen=True)
class Grid:
    """The pixels of a plane; lengths in millimetres.

    Parameters
    ----------
    origin : Vector
        Centre of the first pixel.
    right, down, axis : Vector
        Unit vectors along the rows and the columns of the picture, and through it.
    spacing : float
        Between the centres of two pixels; they are square.
    position : float
        Where the plane cuts the axis.
    thickness : float
        Of the slab around it, along the axis.
    first, last, step : float
        Positions between which there is something of the volume, and the distance that makes a difference.
    """

    origin: Vector
    right: Vector
    down: Vector
    axis: Vector
    spacing: float
    rows: int
    columns: int
    position: float
    thickness: float
    first: float
    last: float
    step: float


def grid_of(view: View, stack: Stack) -> Grid:
    """Return the pixels of a view through a volume: all of the volume that the plane may meet.

    Raises
    ------
    MalformedRequest
        If the position lies beside the volume; the text says where that is.
    UnsupportedInstance
        If there would be too many pixels.
    """
    right, down, axis = _directions(view, stack)
    edges = stack.edges
    spans = [(float((edges @ vector).min()), float((edges @ vector).max())) for vector in (right, down, axis)]
    (left, end), (top, bottom), (first, last) = spans
    spacing = _spacing(stack)
    columns, rows = (max(1, round((high - low) / spacing)) for low, high in ((left, end), (top, bottom)))
    if rows * columns > MOST_PIXELS:
        raise UnsupportedInstance(f"a plane of {columns} x {rows} pixels is larger than is made here")
    position = _position(view, stack, axis, first, last)
    thickness = last - first if view.thickness is None else view.thickness
    position = (first + last) / 2 if view.thickness is None and view.position is None else position
    origin = _origin(right, down, axis, (left + spacing / 2, top + spacing / 2, position))
    step = stack.slice_spacing if view.plane == "acquired" else spacing
    return Grid(origin, right, down, axis, spacing, rows, columns, position, thickness, first, last, step)


def letters(direction: Vector) -> str:
    """Return what a direction points to, in letters (PS3.3 C.7.6.1.1.1): L, R, A, P, H, F, the strongest first."""
    strengths = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    return "".join(
        _LETTERS[axis][direction[axis] < 0]
        for number, axis in enumerate(strengths[:2])
        if number == 0 or abs(direction[axis]) > _SECOND_LETTER
    )


def opposite(direction: Vector) -> Vector:
    """Return the direction that points the other way."""
    x, y, z = direction
    return -x, -y, -z


def _directions(view: View, stack: Stack) -> tuple[Vector, Vector, Vector]:
    if view.plane in _NAMED:
        return _NAMED[view.plane]
    if view.plane == "acquired":
        down = np.cross(stack.normal, stack.row_direction)  # at right angles, even if theirs are not quite
        return stack.row_direction, _vector(down), _vector(stack.normal)
    normal, up = np.array(view.normal), np.array(view.up)
    down = -(up - (up @ normal) * normal)
    down /= np.linalg.norm(down)
    return _vector(np.cross(down, normal)), _vector(down), view.normal


def _spacing(stack: Stack) -> float:
    """Return the finest distance of voxels; of slices that overlap, not all of it counts."""
    in_plane = min(stack.row_spacing, stack.column_spacing)
    return max(min(in_plane, stack.slice_spacing), in_plane / 2)


def _position(view: View, stack: Stack, axis: Vector, first: float, last: float) -> float:
    """Return where the plane is; unless it is told, in the middle, and on a slice if it is one of theirs."""
    if view.position is None:
        if view.plane != "acquired":
            return (first + last) / 2
        middle = stack.places[len(stack.places) // 2]
        return float(np.asarray(stack.origin) @ np.asarray(axis)) + middle
    if not first <= view.position <= last:
        raise MalformedRequest(f"the volume reaches from position {first:.2f} to {last:.2f} mm on this axis")
    return view.position


def _origin(right: Vector, down: Vector, axis: Vector, along: tuple[float, float, float]) -> Vector:
    """Return the point that has these coordinates along three axes at right angles."""
    return _vector(np.array([right, down, axis]).T @ np.array(along))


def _vector(array: Array) -> Vector:
    x, y, z = array.tolist()
    return x, y, z
