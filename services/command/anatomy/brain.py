"""A head for MR: brain with folded cortex, ventricles, deep nuclei, cerebellum, eyes, skull. Pure.

Tissues are mapped once for each slice; a contrast is a brightness for each tissue, so that all series of a study show
the same head.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.command.anatomy.canvas import Canvas
from services.command.anatomy.texture import Waves

HEIGHT_MM: Final = 150.0
"""From the middle of the cerebellum to the vertex."""

FIELD_OF_VIEW_MM: Final = 230.0


class Tissue(IntEnum):
    """What a point of the head consists of."""

    AIR = 0
    FAT = 1
    BONE = 2
    MARROW = 3
    LIQUOR = 4
    GREY = 5
    WHITE = 6
    NUCLEUS = 7
    MUSCLE = 8
    LESION = 9
    EYE = 10


CONTRASTS: Final[dict[str, dict[Tissue, float]]] = {
    # stored values; (0018,0080) Repetition Time and (0018,0081) Echo Time that give them are in `iods`
    "T1": dict(zip(Tissue, (8, 1000, 40, 620, 170, 560, 800, 610, 430, 420, 160), strict=True)),
    "T2": dict(zip(Tissue, (8, 720, 30, 420, 1500, 700, 490, 600, 280, 1050, 1450), strict=True)),
    "FLAIR": dict(zip(Tissue, (8, 760, 30, 420, 90, 640, 500, 590, 330, 1150, 120), strict=True)),
}


class Head:
    """One person's head; equal seeds give equal heads."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._scale = rng.uniform(0.95, 1.05)
        self._atrophy = rng.uniform(0.7, 1.5)
        self._folds = Waves(rng, 21)
        self._folia = Waves(rng, 5)
        self._coil = Waves(rng, 260, 12)
        self._lesions = [
            (rng.choice([-1, 1]) * rng.uniform(20, 34), rng.uniform(-35, 35), rng.uniform(75, 105), rng.uniform(2, 5))
            for _ in range(int(rng.integers(0, 7)))
        ]

    def slice(self, rng: np.random.Generator, size: int, z_mm: float, contrast: str) -> NDArray[np.uint16]:
        """Return an axial slice.

        Parameters
        ----------
        rng : numpy.random.Generator
            Of the noise.
        size : int
            Rows and columns.
        z_mm : float
            0 at the bottom, `HEIGHT_MM` at the top.
        contrast : str
            A key of `CONTRASTS`.

        Returns
        -------
        ndarray, shape (size, size), uint16
            12 bits, in arbitrary units; noise as in a magnitude image.
        """
        canvas = Canvas(size, size, FIELD_OF_VIEW_MM / size, 0)
        self._paint(canvas, z_mm, CONTRASTS[contrast])
        coil = 1 + np.float32(0.06) * self._coil.slice(canvas.x, canvas.y, z_mm)
        real = canvas.pixels * coil + rng.normal(scale=14, size=canvas.pixels.shape)
        imaginary = rng.normal(scale=14, size=canvas.pixels.shape)
        return np.clip(np.hypot(real, imaginary), 0, 4095).astype(np.uint16)

    def _paint(self, canvas: Canvas, z_mm: float, value: dict[Tissue, float]) -> None:
        self._skull(canvas, z_mm, value)
        if z_mm > 28:
            self._cerebrum(canvas, z_mm, value)
            self._deep(canvas, z_mm, value)
        if z_mm < 48:
            self._cerebellum(canvas, z_mm, value)
        if z_mm < 40:
            self._face(canvas, z_mm, value)

    def _section(self, z_mm: float) -> float:
        """Return how large the head is at a height, 1 where it is largest."""
        return self._scale * float(np.sqrt(np.clip(1 - (max(0.0, z_mm - 55) / 100) ** 2, 0, 1)))

    def _skull(self, canvas: Canvas, z_mm: float, value: dict[Tissue, float]) -> None:
        section = self._section(z_mm)
        for inset_mm, tissue in (
            (0, Tissue.FAT),
            (5, Tissue.BONE),
            (7, Tissue.MARROW),
            (9.5, Tissue.BONE),
            (11, Tissue.LIQUOR),
        ):
            radii = (78 * section - inset_mm, 98 * section - inset_mm)
            canvas.ellipse((0, 4), radii, value[tissue])

    def _cerebrum(self, canvas: Canvas, z_mm: float, value: dict[Tissue, float]) -> None:
        """White matter under a folded ribbon of grey; the zero lines of a random field are the sulci."""
        section = self._section(z_mm)
        width, length = 78 * section - 13 * self._atrophy**0.3, 98 * section - 13 * self._atrophy**0.3
        if width < 4:
            return
        x, y = canvas.x[None, :], canvas.y[:, None] - 4
        depth = (1 - np.hypot(x / width, y / length)) * np.float32((width + length) / 2)  # below the surface, in mm
        callosum = np.float32(40) * ((abs(y) < 30) & (z_mm < 88))  # joins the hemispheres: no fissure there
        depth = np.minimum(depth, 2 * abs(x) - np.float32(self._atrophy) + callosum)
        fold = abs(self._folds.slice(canvas.x, canvas.y, z_mm)) * np.float32(3.0)  # from the middle of a sulcus, in mm
        reach = np.clip((20 - depth) / np.float32(7), 0, 1)  # sulci end some 20 mm below the surface
        to_liquor = np.minimum(depth, fold + (1 - reach) * 12 - np.float32(0.55 * self._atrophy) * reach)
        for inside, tissue in (
            (depth, Tissue.LIQUOR),
            (to_liquor, Tissue.GREY),
            (to_liquor - np.float32(2.7), Tissue.WHITE),
        ):
            canvas.blend(_ALL, canvas.cover(np.minimum(inside, depth)), value[tissue])
        for lesion_x, lesion_y, lesion_z, radius in self._lesions:
            part = float(np.sqrt(max(0.0, radius**2 - (z_mm - lesion_z) ** 2)))
            canvas.ellipse((lesion_x, lesion_y), (part, part * 1.4), value[Tissue.LESION], edge_mm=1.5)

    def _deep(self, canvas: Canvas, z_mm: float, value: dict[Tissue, float]) -> None:
        """Nuclei, ventricles, corpus callosum."""
        liquor = self._atrophy**0.6
        for side in (-1, 1):
            _ball(canvas, (side * 12, 12, 62), (9, 15, 11), value[Tissue.NUCLEUS], z_mm)  # thalamus
            _ball(canvas, (side * 25, -4, 62), (6.5, 18, 12), value[Tissue.NUCLEUS], z_mm, angle=-side * 0.3)  # putamen
            _ball(canvas, (side * 13, -20, 70), (5.5, 9, 12), value[Tissue.NUCLEUS], z_mm)  # caudate
        canvas_parts = (
            (8, -22, 76, 4.2, 15, 11, 0.30),  # frontal horns
            (11, 2, 84, 4.0, 24, 9, -0.12),  # bodies
            (21, 34, 74, 4.5, 15, 10, -0.45),  # occipital horns
        )
        for x, y, z, rx, ry, rz, angle in canvas_parts:
            for side in (-1, 1):
                radii = (rx * liquor, ry, rz)
                _ball(canvas, (side * x, y, z), radii, value[Tissue.LIQUOR], z_mm, angle=side * angle)
        _ball(canvas, (0, 8, 60), (1.8 * liquor, 11, 12), value[Tissue.LIQUOR], z_mm)  # third ventricle
        _ball(canvas, (0, -36, 76), (10, 5, 10), value[Tissue.WHITE], z_mm)  # corpus callosum
        _ball(canvas, (0, 32, 78), (12, 6, 10), value[Tissue.WHITE], z_mm)

    def _cerebellum(self, canvas: Canvas, z_mm: float, value: dict[Tissue, float]) -> None:
        folia = self._folia.slice(canvas.x, canvas.y * np.float32(1.7), z_mm)
        mean = (value[Tissue.GREY] + value[Tissue.WHITE]) / 2
        cortex = np.float32(mean) + np.float32((value[Tissue.GREY] - mean) * 0.9) * np.tanh(2 * folia)
        for side in (-1, 1):
            _ball(canvas, (side * 24, 52, 15), (27, 27, 32), cortex, z_mm, angle=side * 0.25)
            _ball(canvas, (side * 20, 48, 15), (10, 12, 16), value[Tissue.WHITE], z_mm)
        _ball(canvas, (0, 56, 18), (9, 22, 28), cortex, z_mm)  # vermis
        _ball(canvas, (0, 34, 16), (6, 5, 16), value[Tissue.LIQUOR], z_mm)  # fourth ventricle
        _ball(canvas, (0, 16, 15), (16, 14, 42), value[Tissue.WHITE], z_mm)  # pons and midbrain
        canvas.ellipse((0, 1.5), (2, 2), value[Tissue.AIR] + 20)  # basilar artery: flowing blood is dark

    def _face(self, canvas: Canvas, z_mm: float, value: dict[Tissue, float]) -> None:
        for side in (-1, 1):
            _ball(canvas, (side * 42, -2, 20), (24, 40, 40), value[Tissue.WHITE], z_mm)  # temporal lobes
            _ball(canvas, (side * 31, -74, 16), (18, 22, 18), value[Tissue.FAT], z_mm)  # orbits
            _ball(canvas, (side * 32, -82, 16), (12.5, 12.5, 12.5), value[Tissue.EYE], z_mm)
            _ball(canvas, (side * 32, -91.5, 16), (5, 2.2, 5), value[Tissue.MUSCLE], z_mm)  # lens
            _ball(
                canvas, (side * 27, -60, 16), (2, 13, 2.5), value[Tissue.MUSCLE], z_mm, angle=side * 0.3
            )  # optic nerve
        _ball(canvas, (0, -76, 6), (11, 22, 24), value[Tissue.AIR], z_mm)  # ethmoid cells
        for x in (-6, 0, 6):
            canvas.ellipse((x, -76), (0.7, 16 * (z_mm < 24)), value[Tissue.MUSCLE])


_ALL: Final = (slice(None), slice(None))


def _ball(
    canvas: Canvas,
    centre_mm: tuple[float, float, float],
    radii_mm: tuple[float, float, float],
    value: float | NDArray[np.float32],
    z_mm: float,
    *,
    angle: float = 0.0,
) -> None:
    """Paint the section of an ellipsoid."""
    part = float(np.sqrt(max(0.0, 1 - ((z_mm - centre_mm[2]) / radii_mm[2]) ** 2)))
    canvas.ellipse(centre_mm[:2], (radii_mm[0] * part, radii_mm[1] * part), value, angle=angle, edge_mm=1.2)
