"""A slice to paint tissue on, in millimetres. Pure.

The origin is the middle of the picture; x grows to the right (the patient's left), y downwards (the patient's back).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


class Canvas:
    """A picture in physical units; later paint covers earlier paint.

    Parameters
    ----------
    rows, columns : int
    spacing_mm : float
        Of the pixels, in both directions.
    background : float
        In the unit of the picture, such as HU.

    Attributes
    ----------
    pixels : ndarray, shape (rows, columns), float32
    x, y : ndarray, shapes (columns,) and (rows,), float32
        Where the pixels' centres are, in mm.
    """

    def __init__(self, rows: int, columns: int, spacing_mm: float, background: float) -> None:
        self.spacing_mm = spacing_mm
        self.x = ((np.arange(columns) - (columns - 1) / 2) * spacing_mm).astype(np.float32)
        self.y = ((np.arange(rows) - (rows - 1) / 2) * spacing_mm).astype(np.float32)
        self.pixels = np.full((rows, columns), background, np.float32)

    def ellipse(
        self,
        centre_mm: tuple[float, float],
        radii_mm: tuple[float, float],
        value: float | Field,
        *,
        angle: float = 0.0,
        edge_mm: float = 0.0,
    ) -> None:
        """Paint an ellipse.

        Parameters
        ----------
        value : float or ndarray, shape (rows, columns)
            An array is used where the ellipse lies.
        angle : float
            Counter-clockwise on the screen, in radians.
        edge_mm : float
            Width of the soft edge, one pixel at least.
        """
        if min(radii_mm) <= 0:
            return
        reach = max(radii_mm) + 2 * max(edge_mm, self.spacing_mm)
        window = self.window(centre_mm, (reach, reach))
        x = self.x[window[1]][None, :] - np.float32(centre_mm[0])
        y = self.y[window[0]][:, None] - np.float32(centre_mm[1])
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        radius = np.hypot((x * cos - y * sin) / np.float32(radii_mm[0]), (x * sin + y * cos) / np.float32(radii_mm[1]))
        self.blend(window, self.cover((1 - radius) * np.float32(min(radii_mm)), edge_mm), value)

    def blend(self, window: tuple[slice, slice], cover: Field, value: float | Field) -> None:
        """Paint `value` over a part of the picture where `cover` (0 to 1, of that part's shape) says so."""
        part = self.pixels[window]
        part += cover * ((value[window] if isinstance(value, np.ndarray) else np.float32(value)) - part)

    def cover(self, inside_mm: Field, edge_mm: float = 0.0) -> Field:
        """Return how much of each pixel is covered, 0 to 1, from the signed distance to the boundary in mm."""
        return np.clip(inside_mm / np.float32(max(edge_mm, self.spacing_mm)) + np.float32(0.5), 0, 1)

    def window(self, centre_mm: tuple[float, float], reach_mm: tuple[float, float]) -> tuple[slice, slice]:
        """Return the rows and columns that lie within `reach_mm` of a point."""
        columns = np.searchsorted(self.x, (centre_mm[0] - reach_mm[0], centre_mm[0] + reach_mm[0]))
        rows = np.searchsorted(self.y, (centre_mm[1] - reach_mm[1], centre_mm[1] + reach_mm[1]))
        return slice(*rows), slice(*columns)
