"""The part of an image that a presentation state displays, and how it lies (PS3.3 C.10.4, C.10.6). Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.attributes import integer, items, number, numbers, text
from services.render.viewport import LARGEST_SIDE, Region

LARGEST_AREA_SIDE: Final = 2 * LARGEST_SIDE
"""Pixels of an area, which may be larger than its image."""


@dataclass(frozen=True)
class DisplayedArea:
    """A displayed area.

    Parameters
    ----------
    magnification : float or None
        Pixels of the display for each column of the image; None is as many as fit.
    pixel_aspect : float or None
        Height of a pixel divided by its width; None is what the image says.
    """

    region: Region
    magnification: float | None = None
    pixel_aspect: float | None = None


def displayed(state: Dataset, is_of_frame: Callable[[Dataset], bool], rows: int, columns: int) -> DisplayedArea:
    """Return the displayed area of a frame of `rows` x `columns`; TRUE SIZE is fitted, for no display is known here.

    Raises
    ------
    UnsupportedInstance
        If the area is empty, larger than `LARGEST_AREA_SIDE`, or turned by no right angle.
    """
    turns, is_flipped = _spatial(state)
    item = next(filter(is_of_frame, items(state, "DisplayedAreaSelectionSequence")), None)
    if item is None:
        return DisplayedArea(_region((1, 1), (columns, rows), turns, is_flipped))
    corners = [numbers(item, f"DisplayedArea{name}HandCorner") for name in ("TopLeft", "BottomRight")]
    if any(len(corner) != 2 for corner in corners):
        raise UnsupportedInstance("the displayed area has no corners")
    is_magnified = text(item, "PresentationSizeMode") == "MAGNIFY"
    magnification = number(item, "PresentationPixelMagnificationRatio", 1.0) if is_magnified else None
    if magnification is not None and not 0 < magnification <= LARGEST_SIDE:
        raise UnsupportedInstance("the presentation state magnifies by nothing, or too much")
    return DisplayedArea(
        _region((corners[0][0], corners[0][1]), (corners[1][0], corners[1][1]), turns, is_flipped),
        magnification,
        _aspect(item),
    )


def _spatial(state: Dataset) -> tuple[int, bool]:
    """Return the quarter turns, clockwise, and whether the picture is flipped about its vertical axis after them."""
    angle = integer(state, "ImageRotation", 0)
    if angle % 90:
        raise UnsupportedInstance("images are turned by right angles only")
    return angle // 90 % 4, text(state, "ImageHorizontalFlip") == "Y"


def _region(one: tuple[float, float], other: tuple[float, float], turns: int, is_flipped: bool) -> Region:
    """Return the area between two corners, both pixels of it; which is which depends on how it is turned."""
    if not all(abs(place) <= LARGEST_AREA_SIDE for place in (*one, *other)):
        raise UnsupportedInstance("the displayed area is too large")
    left, right = sorted(int(x) for x in (one[0], other[0]))
    top, bottom = sorted(int(y) for y in (one[1], other[1]))
    return Region(left - 1, top - 1, right - left + 1, bottom - top + 1, is_flipped, False, turns)


def _aspect(item: Dataset) -> float | None:
    for name in ("PresentationPixelSpacing", "PresentationPixelAspectRatio"):
        pair = numbers(item, name)
        if len(pair) == 2 and all(0 < value < math.inf for value in pair):
            return pair[0] / pair[1]
    return None
