"""A thorax for CT, in Hounsfield units: lungs with vessels, heart, great vessels, spine, ribs, liver. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.command.anatomy.canvas import Canvas
from services.command.anatomy.texture import Waves, grain
from services.command.anatomy.vessels import Balls, vessel_tree

HEIGHT_MM: Final = 300.0
"""From below the diaphragm to the apex of the lungs."""

FIELD_OF_VIEW_MM: Final = 400.0

AIR, LUNG, FAT, SOFT, MUSCLE, LIVER, BLOOD = -1000.0, -850.0, -105.0, 40.0, 55.0, 65.0, 45.0
MARROW, CORTEX, DISC, TABLE = 190.0, 850.0, 90.0, -300.0
_RIB_PITCH_MM: Final = 26.0
_RIB_DROP_MM: Final = 75.0


@dataclass(frozen=True)
class Nodule:
    """A round lesion in a lung: where its centre is and its radius, in mm."""

    x_mm: float
    y_mm: float
    z_mm: float
    radius_mm: float


class Thorax:
    """One person's chest; equal seeds give equal bodies.

    Parameters
    ----------
    rng : numpy.random.Generator
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._girth = rng.uniform(0.92, 1.06)
        self._fat_mm = rng.uniform(8, 24)
        self._blood = rng.uniform(180, 320) if rng.random() < 0.7 else BLOOD  # with contrast medium or without
        self._lungs = Waves(rng, 6)
        self._organs = Waves(rng, 14)
        self._vessels = _lung_vessels(rng)
        self.nodule = _nodule(rng) if rng.random() < 0.5 else None

    def slice(self, rng: np.random.Generator, size: int, z_mm: float) -> NDArray[np.int16]:
        """Return an axial slice.

        Parameters
        ----------
        rng : numpy.random.Generator
            Of the noise.
        size : int
            Rows and columns.
        z_mm : float
            0 at the bottom, `HEIGHT_MM` at the top.

        Returns
        -------
        ndarray, shape (size, size), int16
            Hounsfield units, seen from the feet.
        """
        canvas = Canvas(size, size, FIELD_OF_VIEW_MM / size, AIR)
        self._wall(canvas, z_mm)
        self._cavity(canvas, z_mm)
        self._heart(canvas, z_mm)
        self._great_vessels(canvas, z_mm)
        self._airways(canvas, z_mm)
        self._ribs(canvas, z_mm)
        self._spine(canvas, z_mm)
        pixels = canvas.pixels + grain(rng, canvas.pixels.shape, 14)
        return np.clip(np.rint(pixels), -1024, 3071).astype(np.int16)

    def _wall(self, canvas: Canvas, z_mm: float) -> None:
        """Table, skin, fat, muscle."""
        x, y = canvas.x[None, :], canvas.y[:, None]
        bed = (148 - 60 * (x / 250) ** 2).astype(np.float32)
        canvas.blend(_ALL, canvas.cover(np.float32(1.5) - abs(y - bed)) * (abs(x) < 190), TABLE)
        width, depth = self._outline(z_mm)
        radius = (abs(x / width) ** 2.4 + abs(y / depth) ** 2.4) ** np.float32(1 / 2.4)
        inside = (1 - radius) * np.float32(depth)
        canvas.blend(_ALL, canvas.cover(inside), SOFT)
        texture = self._organs.slice(canvas.x, canvas.y, z_mm)
        canvas.blend(_ALL, canvas.cover(inside - 2), FAT + 8 * texture)
        canvas.blend(_ALL, canvas.cover(inside - self._fat_mm + 1.2 * texture), MUSCLE + 5 * texture)
        for side in (-1, 1):  # fat between the muscles of the back and of the shoulder blade
            canvas.ellipse((side * 62, depth * 0.72), (34, 2.0), FAT, angle=-side * 0.25, edge_mm=2)
            canvas.ellipse((side * 118 * self._girth, 8), (2.2, 40), FAT, angle=side * 0.2, edge_mm=2)

    def _outline(self, z_mm: float) -> tuple[float, float]:
        """Return half the width and half the depth of the body, in mm; the neck narrows it."""
        neck = np.clip((z_mm - 265) / 60, 0, 1)
        return (172 - 50 * neck) * self._girth, (118 - 24 * neck) * self._girth

    def _cavity(self, canvas: Canvas, z_mm: float) -> None:
        """Mediastinal fat and lungs; below the diaphragm's domes liver, spleen and stomach."""
        height = np.sqrt(np.clip(1 - (np.clip(z_mm - 120, 0, None) / 170) ** 2, 0, 1))  # lungs taper to the apex
        width, depth = 62 * height * self._girth, 92 * height * self._girth
        organs = self._organs.slice(canvas.x, canvas.y, z_mm)
        canvas.ellipse((0, -16), (42, 74 * height), FAT + 25 * organs, edge_mm=4)
        air = LUNG + 22 * self._lungs.slice(canvas.x, canvas.y, z_mm) + canvas.y[:, None] * np.float32(0.35)
        for side in (-1, 1):
            canvas.ellipse((side * 76 * self._girth, -2), (width, depth), air, angle=-side * 0.12, edge_mm=1.2)
        self._lung_vessels(canvas, z_mm)
        self._below_the_diaphragm(canvas, z_mm, organs)

    def _below_the_diaphragm(self, canvas: Canvas, z_mm: float, organs: NDArray[np.float32]) -> None:
        for side, top_mm, value in ((-1, 78.0, LIVER), (1, 62.0, SOFT)):
            dome = np.sqrt(np.clip(1 - (z_mm / top_mm) ** 2, 0, 1))
            canvas.ellipse((side * 72, -4), (64 * dome, 84 * dome), value + 6 * organs, angle=-side * 0.12, edge_mm=2)
        if z_mm < 62:
            canvas.ellipse((-30, -35), (60, 45), LIVER + 6 * organs, edge_mm=2)  # its left lobe
            canvas.ellipse((88, 48), (24, 34), 75 + 6 * organs, angle=0.5, edge_mm=1.5)  # spleen
            canvas.ellipse((62, -30), (32, 26), 30 + 6 * organs, edge_mm=1.5)  # stomach, and the air in it
            canvas.ellipse((62, -42), (26, 11), AIR, edge_mm=1.5)

    def _lung_vessels(self, canvas: Canvas, z_mm: float) -> None:
        x, y, z, radii = self._vessels.T
        heights = np.sqrt(np.clip(radii**2 - (z - z_mm) ** 2, 0, None))
        is_cut = (heights > 0.3) & (heights > 0.55 * radii)  # less would draw a row of beads
        for at_x, at_y, radius in zip(x[is_cut], y[is_cut], heights[is_cut], strict=True):
            if AIR + 40 < canvas.pixels[_pixel(canvas, at_x, at_y)] < LUNG + 350:  # vessels do not leave the lung
                canvas.ellipse((at_x, at_y), (radius, radius), self._blood * 0.7)
        if self.nodule is not None:
            radius = np.sqrt(max(0.0, self.nodule.radius_mm**2 - (self.nodule.z_mm - z_mm) ** 2))
            canvas.ellipse((self.nodule.x_mm, self.nodule.y_mm), (radius, radius * 0.9), SOFT, edge_mm=1.5)

    def _heart(self, canvas: Canvas, z_mm: float) -> None:
        canvas_parts = (  # centre x, y, z; radii x, y, z; value
            (18, -22, 92, 62, 50, 66, FAT),  # pericardial fat
            (18, -22, 92, 57, 46, 60, SOFT + 15),
            (38, -14, 84, 27, 20, 40, self._blood),  # left ventricle
            (6, -44, 86, 34, 14, 42, self._blood * 0.85),  # right ventricle
            (-22, -18, 100, 17, 22, 30, self._blood * 0.85),  # right atrium
            (14, 14, 118, 30, 13, 20, self._blood),  # left atrium
        )
        for x, y, z, rx, ry, rz, value in canvas_parts:
            part = np.sqrt(max(0.0, 1 - ((z_mm - z) / rz) ** 2))
            canvas.ellipse((x, y), (rx * part, ry * part), value, angle=0.45, edge_mm=1.5)

    def _great_vessels(self, canvas: Canvas, z_mm: float) -> None:
        blood = self._blood
        canvas.ellipse((22, 50), (11.5, 11.5), blood if z_mm < 200 else SOFT)  # descending aorta
        if 110 < z_mm < 205:
            canvas.ellipse((-8, -26), (16, 16), blood)  # ascending aorta
        if 120 < z_mm < 260:
            canvas.ellipse((-30, -12), (9, 11), blood * 1.1)  # superior vena cava
        if 130 < z_mm < 165:  # pulmonary trunk and its right branch behind the aorta
            canvas.ellipse((18, -28), (14, 16), blood * 0.9)
            canvas.ellipse((-4, 2), (40, 8), blood * 0.9, angle=0.1)
        arch = np.sqrt(max(0.0, 1 - ((z_mm - 200) / 14) ** 2))
        canvas.ellipse((7, 12), (12 * arch, 46 * arch), blood, angle=0.38)
        if z_mm > 212:  # the three arteries that leave the arch
            for x, y in ((-14, -8), (2, -4), (14, 6)):
                canvas.ellipse((x, y), (5.5, 5.5), blood)

    def _airways(self, canvas: Canvas, z_mm: float) -> None:
        canvas.ellipse((10, 34), (7, 5), SOFT - 5)  # oesophagus
        if z_mm > 168:
            canvas.ellipse((0, 18), (10.5, 9.5), SOFT)
            canvas.ellipse((0, 18), (8.5, 8), AIR)
        elif z_mm > 120:  # main bronchi, apart from each other below the carina
            apart = 8 + (168 - z_mm) * 0.75
            for side in (-1, 1):
                canvas.ellipse((side * apart, 18), (8, 7), SOFT)
                canvas.ellipse((side * apart, 18), (6.3, 5.6), AIR)

    def _ribs(self, canvas: Canvas, z_mm: float) -> None:
        """Paint all ribs at once: each is a ring that drops from the spine to the front."""
        width, depth = 0.82 * self._outline(z_mm)[0], 0.86 * self._outline(z_mm)[1]
        x, y = canvas.x[None, :], canvas.y[:, None]
        radius = np.hypot(x / width, y / depth)
        across = (radius - 1) * np.float32(depth)
        angle = np.arctan2(abs(x) / width, y / depth) / np.float32(np.pi)  # 0 at the spine, 1 at the sternum
        along = (z_mm + _RIB_DROP_MM * angle) % np.float32(_RIB_PITCH_MM) - np.float32(_RIB_PITCH_MM / 2)
        inside = 1 - np.hypot(across / np.float32(4.2), along / np.float32(6.5))
        where = (angle > 0.07) & (angle < 0.86) & (z_mm < 285)
        canvas.blend(_ALL, canvas.cover(inside * 4) * where, CORTEX)
        canvas.blend(_ALL, canvas.cover((inside - 0.38) * 4) * where, MARROW)
        if 90 < z_mm < 235:
            canvas.ellipse((0, -depth - 1), (19, 6), CORTEX * 0.7)  # sternum
            canvas.ellipse((0, -depth - 1), (17, 4), MARROW)
        if z_mm > 165:  # shoulder blades
            for side in (-1, 1):
                canvas.ellipse((side * 108 * self._girth, 62), (34, 3.4), CORTEX * 0.8, angle=side * 0.75)

    def _spine(self, canvas: Canvas, z_mm: float) -> None:
        is_disc = z_mm % 27 > 21
        canvas.ellipse((0, 68), (19, 16), DISC if is_disc else CORTEX * 0.75, edge_mm=1)
        if not is_disc:
            canvas.ellipse((0, 68), (17, 14), MARROW + 25 * self._lungs.slice(canvas.x, canvas.y, z_mm), edge_mm=1)
        for side in (-1, 1):
            canvas.ellipse((side * 12, 86), (4, 8), CORTEX, edge_mm=1)  # pedicles
            canvas.ellipse(
                (side * 26, 92), (19, 5), CORTEX * 0.7, angle=-side * 0.35, edge_mm=1
            )  # transverse processes
            canvas.ellipse((side * 9, 99), (11, 3.5), CORTEX, angle=-side * 0.6, edge_mm=1)  # laminae
        canvas.ellipse((0, 108), (3.5, 12), CORTEX * 0.8, edge_mm=1)  # spinous process
        canvas.ellipse((0, 90), (9, 7.5), 20, edge_mm=1)  # canal, and the cord in it
        canvas.ellipse((0, 90), (6, 5), 42, edge_mm=1)


_ALL: Final = (slice(None), slice(None))


def _lung_vessels(rng: np.random.Generator) -> Balls:
    """Return arteries and veins of both lungs, from the hila to all sides."""
    trees = [
        vessel_tree(rng, (side * 34, 4, 140), (side, y, z), 5.0)
        for side in (-1, 1)
        for y, z in ((0, 1.2), (0.8, 0.4), (-0.8, 0.4), (0.5, -1.2), (-0.4, -1.1), (0.1, -0.2))
    ]
    return np.concatenate(trees)


def _nodule(rng: np.random.Generator) -> Nodule:
    side = int(rng.choice([-1, 1]))
    x_mm, y_mm, z_mm = rng.uniform((75, -35, 110), (105, 45, 220))
    return Nodule(side * float(x_mm), float(y_mm), float(z_mm), float(rng.uniform(4, 11)))


def _pixel(canvas: Canvas, x_mm: float, y_mm: float) -> tuple[int, int]:
    """Return row and column of a point, that of the nearest pixel if it lies outside."""
    row = int(np.clip(np.searchsorted(canvas.y, y_mm), 0, len(canvas.y) - 1))
    return row, int(np.clip(np.searchsorted(canvas.x, x_mm), 0, len(canvas.x) - 1))
