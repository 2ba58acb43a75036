"""A chest for projection radiography, seen from the front. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.command.anatomy.radiograph import Beam
from services.command.anatomy.vessels import vessel_tree

FIELD_OF_VIEW_MM: Final = 400.0

_HALF_WIDTH_MM: Final = ((-200, -176, -155, -132, -108, 0, 200), (54, 58, 92, 150, 170, 160, 162))
_DEPTH_MM: Final = ((-200, -150, -95, 60, 200), (100, 112, 152, 165, 185))
"""Some heights (y, mm), and half the width or the depth of the body there."""


def chest(rng: np.random.Generator, size: int) -> NDArray[np.uint16]:
    """Return a chest radiograph, posteroanterior.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : int
        Rows and columns, even.

    Returns
    -------
    ndarray, shape (size, size), uint16
        12 bits, bone bright (MONOCHROME2).
    """
    beam = Beam(size // 2, size // 2, FIELD_OF_VIEW_MM / (size // 2))
    girth = float(rng.uniform(0.92, 1.06))
    _soft_parts(beam, girth)
    _lungs(beam, rng, girth)
    _heart(beam, float(rng.uniform(0.9, 1.2)))
    _bones(beam, girth)
    np.clip(beam.water_mm, 0, None, out=beam.water_mm)
    return beam.expose(rng, 38, 3)


def _soft_parts(beam: Beam, girth: float) -> None:
    """Neck, shoulders and trunk in one outline; the arms beside it."""
    x, y = beam.canvas.x[None, :], beam.canvas.y
    width = _smooth(np.interp(y, *_HALF_WIDTH_MM) * girth, len(y) // 24)[:, None]
    depth = _smooth(np.interp(y, *_DEPTH_MM), len(y) // 24)[:, None]
    beam.water_mm[:] += depth * np.sqrt(np.clip(1 - (abs(x) / width) ** 2.8, 0, None))
    for side in (-1, 1):
        beam.ellipsoid((side * 172, -100), (44, 52), 60, angle=side * 0.5)
        beam.ellipsoid((side * 196, 40), (34, 170), 75, angle=side * 0.05)


def _smooth(curve: NDArray[np.float64], reach: int) -> NDArray[np.float32]:
    """Return the running mean of `curve`, its ends prolonged."""
    longer = np.pad(curve, reach, mode="edge")
    return np.convolve(longer, np.full(2 * reach + 1, 1 / (2 * reach + 1)), "valid").astype(np.float32)


def _lungs(beam: Beam, rng: np.random.Generator, girth: float) -> None:
    """Air in the lungs down to the diaphragm, and the vessels in them."""
    canvas = beam.canvas
    x, y = canvas.x[None, :], canvas.y[:, None]
    for side, floor in ((-1, 68.0), (1, 84.0)):  # the right dome is the higher one
        middle = side * (72 - 26 * np.clip((-y - 10) / 120, 0, 1) ** 1.5) * girth  # narrower to the apex
        radius = np.hypot((x - middle) / (64 * girth), (y + 8) / 132)
        lung = np.sqrt(np.clip(1 - radius**2.6, 0, None))
        dome = floor + 0.006 * (x - side * 62 * girth) ** 2
        above = 1 / (1 + np.exp(np.clip((y - dome) / 1.6, -30, 30)))
        beam.water_mm[:] -= 112 * lung * above
        for direction in ((side, 0.7), (side, -0.2), (side * 0.6, -1.0), (side * 0.7, 1.4), (side * 0.2, 1.5)):
            for ball_x, ball_y, _, ball in vessel_tree(rng, (side * 26, -8, 0), (*direction, 0.1), 6.0, 6):
                if 14 < side * ball_x < 128 and ball_y < floor - 4:
                    beam.ellipsoid((ball_x, ball_y), (ball, ball), 1.1 * ball)


def _heart(beam: Beam, size: float) -> None:
    beam.ellipsoid((22, 46), (62 * size, 48 * size), 66, angle=-0.5)
    beam.ellipsoid((-24, 34), (32 * size, 40), 38)
    beam.ellipsoid((8, -20), (30, 82), 46)  # mediastinum
    beam.ellipsoid((26, -52), (17, 20), 42)  # aortic knuckle
    beam.ellipsoid((30, -16), (18, 22), 26)  # pulmonary trunk
    beam.ellipsoid((0, -115), (9, 75), -22)  # trachea
    for side in (-1, 1):
        beam.ellipsoid((side * 19, -30), (5.5, 24), -12, angle=side * 0.75)
    beam.ellipsoid((64, 112), (34, 16), -60)  # air in the stomach


def _bones(beam: Beam, girth: float) -> None:
    for number in range(11):
        _rib(beam, -142 + 22.5 * number, girth)
    for level in range(17):  # vertebrae with their processes
        y = -185 + 24 * level
        beam.ellipsoid((0, y), (15 + 0.35 * level, 10), 24)
        beam.ellipsoid((0, y + 2), (3, 8), 14)
        for side in (-1, 1):
            beam.bone([(side * 9, y), (side * 27, y - 3)], [4, 3], 1.2)
    for side in (-1, 1):
        beam.bone(
            [(side * 16, -126), (side * 60, -142), (side * 105, -152), (side * 150, -160)], [7, 5.5, 5, 6.5], 2
        )  # clavicle
        blade = [(side * 152, -150), (side * 128, -90), (side * 112, -30), (side * 106, 5)]
        beam.bone(blade, [5, 3.5, 3, 3], 1.5)
        beam.ellipsoid((side * 126, -78), (20, 66), 7, angle=-side * 0.3)
        beam.bone(
            [(side * 168, -140), (side * 186, -40), (side * 192, 90), (side * 194, 240)], [21, 11, 10, 10], 4
        )  # humerus


def _rib(beam: Beam, top_mm: float, girth: float) -> None:
    """Add a pair of ribs: dense behind, where they leave the spine; fainter in front, where they end as cartilage."""
    width = min(132.0, 58 + 0.62 * (top_mm + 150)) * girth + 4
    for side in (-1, 1):
        turn = np.linspace(0.12, 2.45, 22)
        xs = side * width * np.sin(turn)
        ys = top_mm + 62 * (turn / np.pi) + 16 * np.sin(turn) ** 2 - 8
        points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        behind = [point for point, angle in zip(points, turn, strict=True) if angle <= 1.7]
        in_front = [point for point, angle in zip(points, turn, strict=True) if angle >= 1.55]
        beam.bone(behind, [5.2] * len(behind), 1.7)
        beam.bone(in_front, [5.6] * len(in_front), 1.1)
