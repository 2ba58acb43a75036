"""Display shutters: what lies outside of them is not shown (PS3.3 C.7.6.11, C.7.6.15, C.11.12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.attributes import integer, numbers, values
from services.render.cielab import to_srgb
from services.render.overlays import Overlay

Array = npt.NDArray[Any]

MOST_VERTICES: Final = 10_000
_WHITE: Final = 0xFFFF


@dataclass(frozen=True)
class Shutter:
    """Shapes, all of which let a pixel through that is shown.

    Parameters
    ----------
    colour : (int, int, int)
        What is shown instead, sRGB.
    rectangle : (float, float, float, float) or None
        Left, upper, right and lower edge, in pixels from 1.
    circle : (float, float, float) or None
        Row and column of its center, radius in columns.
    polygon : tuple of (float, float)
        Column and row of each vertex, from 1; empty if there is none.
    bitmap : Overlay or None
        Its bits hide.
    """

    colour: tuple[int, int, int] = (0, 0, 0)
    rectangle: tuple[float, float, float, float] | None = None
    circle: tuple[float, float, float] | None = None
    polygon: tuple[tuple[float, float], ...] = ()
    bitmap: Overlay | None = None

    def hide(self, picture: Array, pixel_aspect: float = 1.0) -> Array:
        """Return `picture` without what lies outside of the shutter.

        Parameters
        ----------
        picture : ndarray
            uint8 of shape (rows, columns) or (rows, columns, 3); of the size of the image.
        pixel_aspect : float
            Height of a pixel divided by its width: a circle is one on the body, not in pixels.
        """
        hidden = ~self._is_shown(picture.shape[0], picture.shape[1], pixel_aspect)
        shuttered = picture.copy()
        shuttered[hidden] = self.colour if picture.ndim == 3 else round(sum(self.colour) / 3)
        return shuttered

    def _is_shown(self, rows: int, columns: int, pixel_aspect: float) -> Array:
        row, column = np.ogrid[1 : rows + 1, 1 : columns + 1]
        shown = np.ones((rows, columns), np.bool_)
        if self.rectangle is not None:
            left, upper, right, lower = self.rectangle
            shown &= (column >= left) & (column <= right) & (row >= upper) & (row <= lower)
        if self.circle is not None:
            center_row, center_column, radius = self.circle
            shown &= ((row - center_row) * pixel_aspect) ** 2 + (column - center_column) ** 2 <= radius**2
        if self.polygon:
            shown &= _inside(self.polygon, rows, columns)
        if self.bitmap is not None:
            shown &= ~self.bitmap.on(rows, columns)
        return shown


def _inside(polygon: Sequence[tuple[float, float]], rows: int, columns: int) -> Array:
    drawn = Image.new("L", (columns, rows))
    ImageDraw.Draw(drawn).polygon([(x - 1, y - 1) for x, y in polygon], fill=1)
    return np.asarray(drawn) == 1


def read_shutter(dataset: Dataset, bitmap: Callable[[int], Overlay | None] | None = None) -> Shutter | None:
    """Return the shutter of an image or a presentation state, None if there is none.

    Parameters
    ----------
    bitmap : callable, optional
        Returns the overlay plane of a group, for a shutter that is one.

    Raises
    ------
    UnsupportedInstance
        If its shape is not complete.
    """
    shapes = {str(shape).strip() for shape in values(dataset, "ShutterShape")}
    if not shapes:
        return None
    if unknown := shapes - {"RECTANGULAR", "CIRCULAR", "POLYGONAL", "BITMAP"}:
        raise UnsupportedInstance(f"{len(unknown)} kinds of shutter are not known")
    return Shutter(
        _colour(dataset),
        _rectangle(dataset) if "RECTANGULAR" in shapes else None,
        _circle(dataset) if "CIRCULAR" in shapes else None,
        _polygon(dataset) if "POLYGONAL" in shapes else (),
        bitmap(integer(dataset, "ShutterOverlayGroup")) if "BITMAP" in shapes and bitmap is not None else None,
    )


def _rectangle(dataset: Dataset) -> tuple[float, float, float, float]:
    left, right = integer(dataset, "ShutterLeftVerticalEdge"), integer(dataset, "ShutterRightVerticalEdge")
    upper, lower = integer(dataset, "ShutterUpperHorizontalEdge"), integer(dataset, "ShutterLowerHorizontalEdge")
    return left, upper, right, lower


def _circle(dataset: Dataset) -> tuple[float, float, float]:
    center = numbers(dataset, "CenterOfCircularShutter")
    if len(center) != 2:
        raise UnsupportedInstance("Center of Circular Shutter is not a row and a column")
    return center[0], center[1], integer(dataset, "RadiusOfCircularShutter")


def _polygon(dataset: Dataset) -> tuple[tuple[float, float], ...]:
    vertices = numbers(dataset, "VerticesOfThePolygonalShutter")
    if not 6 <= len(vertices) <= 2 * MOST_VERTICES or len(vertices) % 2:
        raise UnsupportedInstance("Vertices of the Polygonal Shutter are not rows and columns of a polygon")
    return tuple(zip(vertices[1::2], vertices[::2], strict=True))


def _colour(dataset: Dataset) -> tuple[int, int, int]:
    lab = numbers(dataset, "ShutterPresentationColorCIELabValue")
    if len(lab) == 3:
        return to_srgb(lab)
    grey = round(integer(dataset, "ShutterPresentationValue", 0) * 255 / _WHITE)
    return grey, grey, grey
