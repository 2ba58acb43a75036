"""Radiographs as sums along the beam: how much water and bone lies behind each pixel. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.command.anatomy.canvas import Canvas, Field


class Beam:
    """The picture of a beam: the attenuation that it meets, in mm of water.

    Parameters
    ----------
    rows, columns : int
    spacing_mm : float
    """

    def __init__(self, rows: int, columns: int, spacing_mm: float) -> None:
        self.canvas = Canvas(rows, columns, spacing_mm, 0)

    @property
    def water_mm(self) -> Field:
        """Shape (rows, columns), float32; changed in place by the methods."""
        return self.canvas.pixels

    def empty(self) -> Beam:
        """Return a beam of the same size that meets nothing."""
        rows, columns = self.water_mm.shape
        return Beam(rows, columns, self.canvas.spacing_mm)

    def ellipsoid(
        self, centre_mm: tuple[float, float], radii_mm: tuple[float, float], thickness_mm: float, *, angle: float = 0.0
    ) -> None:
        """Add an ellipsoid of at most `thickness_mm` of water; a negative one takes away, as air does."""
        reach = max(radii_mm)
        window = self.canvas.window(centre_mm, (reach, reach))
        x = self.canvas.x[window[1]][None, :] - np.float32(centre_mm[0])
        y = self.canvas.y[window[0]][:, None] - np.float32(centre_mm[1])
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        squared = ((x * cos - y * sin) / np.float32(radii_mm[0])) ** 2
        squared += ((x * sin + y * cos) / np.float32(radii_mm[1])) ** 2
        self.water_mm[window] += np.float32(thickness_mm) * np.sqrt(np.clip(1 - squared, 0, None))

    def bone(self, points_mm: Sequence[tuple[float, float]], radii_mm: Sequence[float], cortex_mm: float) -> None:
        """Add a long bone along a line of points: a tube of dense cortex, spongy inside.

        Parameters
        ----------
        radii_mm : sequence of float
            At each of the points.
        cortex_mm : float
            Thickness of the wall.
        """
        points, radii = np.asarray(points_mm, np.float32), np.asarray(radii_mm, np.float32)
        middle, reach = (points.min(0) + points.max(0)) / 2, (points.max(0) - points.min(0)) / 2 + radii.max() + 1
        window = self.canvas.window((middle[0], middle[1]), (reach[0], reach[1]))
        x, y = self.canvas.x[window[1]][None, :], self.canvas.y[window[0]][:, None]
        inside = np.full(self.water_mm[window].shape, -1, np.float32)  # fraction of the radius left, squared
        width = np.ones_like(inside)
        for start, end, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
            along = end - start
            t = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
            radius = r0 + t * (r1 - r0)
            left = 1 - ((x - start[0] - t * along[0]) ** 2 + (y - start[1] - t * along[1]) ** 2) / radius**2
            width = np.where(left > inside, radius, width)
            inside = np.maximum(inside, left)
        outer = 2 * width * np.sqrt(np.clip(inside, 0, None))
        hollow = np.clip(1 - (1 - inside) / np.clip(1 - cortex_mm / width, 0.05, 1) ** 2, 0, None)
        inner = 2 * np.clip(width - cortex_mm, 0, None) * np.sqrt(hollow)
        self.water_mm[window] += outer * np.float32(2.3) - inner * np.float32(1.75)

    def expose(self, rng: np.random.Generator, mm_of_half: float, grain: float) -> NDArray[np.uint16]:
        """Return the picture of a detector that is logarithmic in dose.

        Parameters
        ----------
        mm_of_half : float
            Water that halves the dose.
        grain : float
            Standard deviation of the noise where nothing weakens the beam, in stored values.

        Returns
        -------
        ndarray, shape (2 rows, 2 columns), uint16
            12 bits; more attenuation is a higher value. Twice as fine as what was painted, as the detector blurs.
        """
        water = _twice_as_fine(self.water_mm)
        dose = np.exp2(-water / np.float32(mm_of_half))
        values = 200 + 3600 * (1 - np.log2(1 + 255 * dose) / 8)
        noise = rng.standard_normal(water.shape, np.float32) * np.float32(grain) / np.sqrt(dose + np.float32(0.02))
        return np.clip(values + noise, 0, 4095).astype(np.uint16)


def _twice_as_fine(picture: Field) -> Field:
    """Return `picture` with twice the rows and columns, interpolated."""
    for axis in (0, 1):
        following = np.concatenate([picture.take(range(1, picture.shape[axis]), axis), picture.take([-1], axis)], axis)
        finer = np.stack([picture, (picture + following) / 2], axis + 1)
        picture = finer.reshape([size * (2 if index == axis else 1) for index, size in enumerate(picture.shape)])
    return picture
