"""Phantoms of known shape, sampled into volumes of any geometry: what planes through them must look like is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.render.reconstruction.planes import Plane, Vector
from services.render.reconstruction.stack import Stack, stack_of

Array = np.ndarray[Any, Any]
Phantom = Callable[[Array], Array]
"""Values at points of shape (…, 3), in the patient's coordinates."""


@dataclass(frozen=True)
class Scan:
    """How a phantom is scanned; lengths in millimetres."""

    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    center: Vector = (12.0, -30.0, 55.0)
    row_spacing: float = 0.8
    column_spacing: float = 0.6
    rows: int = 64
    columns: int = 92
    places: Sequence[float] = tuple(float(place) for place in np.arange(28) * 2.0)
    tilt: float = 0.0
    """Of the gantry: how far slices are shifted along the columns, for each millimetre of distance."""

    @property
    def axes(self) -> Array:
        """Directions of rows, columns and slices as rows of a matrix: axial, then turned about x, y and z."""
        x, y, z = (np.radians(angle) for angle in self.turn)
        about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
        return (about_z @ about_y @ about_x).T

    def planes(self) -> list[Plane]:
        along, across, normal = self.axes
        middle = (self.places[0] + self.places[-1]) / 2
        corner = (
            np.array(self.center)
            - along * self.column_spacing * (self.columns - 1) / 2
            - across * self.row_spacing * (self.rows - 1) / 2
        )
        return [
            Plane(
                tuple((corner + (place - middle) * (normal + self.tilt * across)).tolist()),
                tuple(along.tolist()),
                tuple(across.tolist()),
                self.row_spacing,
                self.column_spacing,
                self.rows,
                self.columns,
            )
            for place in self.places
        ]

    def stack(self) -> Stack:
        return stack_of(self.planes())[0]


def scanned(planes: Sequence[Plane], phantom: Phantom) -> Array:
    """Return what a scanner stores: the phantom at the centre of every voxel; shape (slices, rows, columns)."""
    return np.stack([phantom(_centers(plane)) for plane in planes])


def _centers(plane: Plane) -> Array:
    columns = np.arange(plane.columns)[None, :, None] * plane.column_spacing * np.array(plane.row_direction)
    rows = np.arange(plane.rows)[:, None, None] * plane.row_spacing * np.array(plane.column_direction)
    return np.array(plane.position) + columns + rows


def ramp(points: Array) -> Array:
    """A value that tells the place: interpolation between voxels must give exactly the same."""
    return (points @ np.array([2.0, -3.0, 5.0]) + 100).astype(np.float32)


def ellipsoid(center: Vector, radii: Vector) -> Phantom:
    """Return a phantom of 1000 inside of an ellipsoid along the patient's axes, 0 outside."""

    def phantom(points: Array) -> Array:
        distance = np.linalg.norm((points - np.array(center)) / np.array(radii), axis=-1)
        return np.where(distance <= 1, 1000, 0).astype(np.float32)

    return phantom


def rod(start: Vector, end: Vector, radius: float) -> Phantom:
    """Return a phantom of 1000 inside of a rod, 0 outside."""
    first, along = np.array(start), np.subtract(end, start)

    def phantom(points: Array) -> Array:
        part = np.clip((points - first) @ along / (along @ along), 0, 1)
        distance = np.linalg.norm(points - (first + part[..., None] * along), axis=-1)
        return np.where(distance <= radius, 1000, 0).astype(np.float32)

    return phantom
