"""A hand for projection radiography, dorsopalmar. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.command.anatomy.radiograph import Beam

FIELD_OF_VIEW_MM: Final = 270.0

# For each ray: base of the metacarpal (mm), direction (radians from upright, to the thumb's side), lengths of its
# bones from the palm to the tip (mm), radius of the shaft (mm). The first is the thumb, which lacks a bone.
_RAYS: Final = (
    ((-26.0, 44.0), -0.85, (44.0, 30.0, 22.0), 5.4),
    ((-15.0, 32.0), -0.16, (64.0, 39.0, 24.0, 17.0), 4.8),
    ((-3.0, 30.0), -0.02, (62.0, 43.0, 28.0, 18.0), 4.9),
    ((8.0, 33.0), 0.12, (56.0, 40.0, 26.0, 18.0), 4.4),
    ((18.0, 38.0), 0.27, (51.0, 32.0, 19.0, 16.0), 4.1),
)

_LOWER_MM: Final = 22.0
"""How far the wrist lies below the middle of the picture."""

_CARPALS: Final[tuple[tuple[float, float, float, float], ...]] = (  # centre x, y; radii (mm)
    (-20, 58, 7.5, 8.5), (-9, 61, 8, 9), (3, 61, 6.5, 7.5), (11, 58, 4.5, 4.5),
    (-21, 46, 6, 5), (-13, 46, 5.5, 5.5), (-2, 46, 7.5, 10), (10, 47, 7, 8),
)  # fmt: skip


def hand(rng: np.random.Generator, size: int) -> NDArray[np.uint16]:
    """Return a radiograph of a left hand.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        Rows and columns, even.

    Returns
    -------
    ndarray, shape (size, size), uint16
        12 bits, bone dark (MONOCHROME1 shows it bright).
    """
    beam = Beam(size // 2, size // 2, FIELD_OF_VIEW_MM / (size // 2))
    spread = float(rng.uniform(0.85, 1.25))
    for base, lean, lengths, radius in _RAYS:
        _ray(beam, base, lean * spread, lengths, radius)
    _palm_and_wrist(beam)
    np.clip(beam.water_mm, 0, None, out=beam.water_mm)
    return (4095 - beam.expose(rng, 16, 3)).astype(np.uint16)


def _ray(beam: Beam, base: tuple[float, float], lean: float, lengths: tuple[float, ...], radius: float) -> None:
    """Add the bones of a finger, each wider at its ends, and the flesh around them."""
    at = np.add(base, (0, _LOWER_MM))
    direction = np.array([np.sin(lean), -np.cos(lean)])
    flesh = [at + direction * lengths[0] * 0.5]
    for number, length in enumerate(lengths):
        shaft = radius * (0.86**number)
        end = at + direction * length
        first, last = at + direction * shaft * 1.25, end - direction * shaft * 1.1  # its ends are round
        points = [first + (last - first) * part for part in (0, 0.14, 0.5, 0.86, 1)]
        widths = [shaft * factor for factor in (1.25, 1.15, 0.78, 1.05, 1.12)]
        if number == len(lengths) - 1:
            widths = [shaft * factor for factor in (1.2, 0.95, 0.6, 0.75, 0.85)]  # the tuft of the tip
        beam.bone([(float(x), float(y)) for x, y in points], widths, shaft * 0.38)
        at = end + direction * 1.8  # the cartilage of the joint
        flesh.append(at)
    flesh.append(at + direction * 2)
    _flesh(beam, flesh, radius + 4.2)


def _flesh(beam: Beam, points: list[NDArray[np.float64]], radius: float) -> None:
    canvas = beam.canvas
    x, y = canvas.x[None, :], canvas.y[:, None]
    nearest = np.full(beam.water_mm.shape, np.inf, np.float32)
    for start, end in pairwise(points):
        along = end - start
        t = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
        distance = np.hypot(x - start[0] - t * along[0], y - start[1] - t * along[1])
        np.minimum(nearest, distance, out=nearest, casting="same_kind")
    thickness = 1.7 * radius * np.sqrt(np.clip(1 - (nearest / radius) ** 2, 0, None))
    np.maximum(beam.water_mm, thickness + np.where(beam.water_mm > 0, beam.water_mm * 0.75, 0), out=beam.water_mm)


def _palm_and_wrist(beam: Beam) -> None:
    flesh = beam.empty()
    parts = (((0, 18), (44, 46), 27.0, 0.0), ((-24, 24), (24, 34), 24.0, 0.4), ((-4, 130), (33, 95), 32.0, 0.0))
    for (x, y), radii, thickness, angle in parts:
        part = beam.empty()
        part.ellipsoid((x, y + _LOWER_MM), radii, thickness, angle=angle)
        np.maximum(flesh.water_mm, part.water_mm, out=flesh.water_mm)
    np.maximum(beam.water_mm, flesh.water_mm + beam.water_mm * 0.5, out=beam.water_mm)
    for bone_x, bone_y, radius_x, radius_y in _CARPALS:
        upper = (bone_x - 0.5, bone_y - radius_y * 0.2 + _LOWER_MM)
        lower = (bone_x + 0.5, bone_y + radius_y * 0.2 + _LOWER_MM)
        beam.bone([upper, lower], [radius_x * 0.95, radius_x * 0.9], 1.0)
    for line, widths, cortex_mm in _FOREARM:
        beam.bone([(point_x, point_y + _LOWER_MM) for point_x, point_y in line], widths, cortex_mm)


_FOREARM: Final[
    tuple[tuple[tuple[tuple[float, float], ...], tuple[float, ...], float], ...]
] = (  # radius, ulna, its styloid process
    (((-15, 79), (-14, 92), (-12, 130), (-11, 200)), (10.5, 7.5, 5.4, 5.8), 1.9),
    (((13, 78), (13, 88), (12, 130), (13, 200)), (6, 4.8, 4.6, 5), 1.9),
    (((18, 72), (16, 77)), (1.8, 2.4), 0.8),
)
