"""What a presentation state draws upon an image: points, lines, circles, ellipses and notes (PS3.3 C.10.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from services.render.lettering import WHITE, legible, size_for, write_at
from services.render.viewport import Region

Array = npt.NDArray[Any]
Place = tuple[float, float]

_POINTS_OF_A_CURVE: Final = 96
_POINTS_BETWEEN: Final = 12
_PIXELS_OF_A_LINE: Final = 700
"""Side of a picture for each pixel that its lines are wide."""


@dataclass(frozen=True)
class Figure:
    """A graphic object.

    Parameters
    ----------
    kind : {"POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE"}
    points : tuple of (float, float)
        Column and row in pixels of the image, 0, 0 being the corner of the first one; or, if `is_on_display`, parts of
        the width and height of what is displayed.
    """

    kind: str
    points: tuple[Place, ...]
    is_filled: bool = False
    is_on_display: bool = False
    colour: tuple[int, int, int] = WHITE


@dataclass(frozen=True)
class Note:
    """A text object.

    Parameters
    ----------
    box : (place, place) or None
        Top left and bottom right corner of the text.
    anchor : place or None
        What the text is about.
    is_anchor_shown : bool
        A line leads from the text to its anchor.
    is_box_on_display, is_anchor_on_display : bool
        As of figures.
    """

    text: str
    box: tuple[Place, Place] | None = None
    anchor: Place | None = None
    is_anchor_shown: bool = False
    is_box_on_display: bool = False
    is_anchor_on_display: bool = False
    justification: Literal["left", "center", "right"] = "left"
    colour: tuple[int, int, int] = WHITE


Graphic = Figure | Note


def draw(picture: Array, graphics: Sequence[Graphic], region: Region) -> Array:
    """Return `picture` with `graphics` upon it, in their order.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3).
    region : Region
        Which part of the image `picture` shows.

    Returns
    -------
    ndarray
        As `picture`; RGB if a colour is used.
    """
    if not graphics:
        return picture
    is_coloured = any(len(set(graphic.colour)) > 1 for graphic in graphics)
    image = Image.fromarray(np.stack([picture] * 3, axis=2) if is_coloured and picture.ndim == 2 else picture)
    board = _Board(ImageDraw.Draw(image), region, image.width, image.height, size_for(picture))
    for graphic in graphics:
        board.draw(graphic)
    return np.asarray(image)


@dataclass(frozen=True)
class _Board:
    """A picture that is drawn upon."""

    pen: ImageDraw.ImageDraw
    region: Region
    columns: int
    rows: int
    letters: int

    def draw(self, graphic: Graphic) -> None:
        if isinstance(graphic, Figure):
            self._figure(graphic)
        else:
            self._note(graphic)

    def _figure(self, figure: Figure) -> None:
        outline = [self._locate(place, figure.is_on_display) for place in outline_of(figure)]
        if len(outline) == 1:
            (x, y), arm = outline[0], 2 * self._width + 1
            self.pen.line([(x - arm, y), (x + arm, y)], self._ink(figure.colour), self._width)
            self.pen.line([(x, y - arm), (x, y + arm)], self._ink(figure.colour), self._width)
        elif figure.is_filled:
            self.pen.polygon(outline, self._ink(figure.colour))
        elif outline:
            self.pen.line(outline, self._ink(figure.colour), self._width, joint="curve")

    def _note(self, note: Note) -> None:
        anchor = note.anchor and self._locate(note.anchor, note.is_anchor_on_display)
        if note.box is not None:
            corners = [self._locate(place, note.is_box_on_display) for place in note.box]
            (left, right), (top, bottom) = (sorted(ends) for ends in zip(*corners, strict=True))
        elif anchor is not None:
            left = right = anchor[0] + self.letters / 2
            top = bottom = anchor[1] + self.letters / 2
        else:
            return
        if anchor is not None and note.is_anchor_shown:
            nearest = (min(max(anchor[0], left), right), min(max(anchor[1], top), bottom))
            self.pen.line([nearest, anchor], self._ink(note.colour), self._width)
        x = {"left": left, "center": (left + right) / 2, "right": right}[note.justification]
        text = "\n".join(legible(line) for line in note.text.splitlines())
        side = {"left": "l", "center": "m", "right": "r"}[note.justification]
        write_at(
            self.pen, (x, top), text, self.letters, colour=note.colour, anchor=f"{side}a", align=note.justification
        )

    @property
    def _width(self) -> int:
        return max(1, round(min(self.columns, self.rows) / _PIXELS_OF_A_LINE))

    def _ink(self, colour: tuple[int, int, int]) -> Any:
        return colour if self.pen.mode == "RGB" else round(sum(colour) / 3)

    def _locate(self, place: Place, is_on_display: bool) -> Place:
        """Return the pixel of the picture, as Pillow counts: whole numbers are the middle of a pixel."""
        x, y = place if is_on_display else self.region.locate(*place)
        return x * self.columns - 0.5, y * self.rows - 0.5


def outline_of(figure: Figure) -> list[Place]:
    """Return the points between which a figure is drawn with straight lines (PS3.3 C.10.5.1.2)."""
    points = list(figure.points)
    if figure.kind == "CIRCLE" and len(points) == 2:
        (x, y), on_it = points
        radius = math.dist((x, y), on_it)
        return _ellipse((x, y), (radius, 0.0), (0.0, radius))
    if figure.kind == "ELLIPSE" and len(points) == 4:
        (x1, y1), (x2, y2), (x3, y3), (x4, y4) = points
        center = ((x1 + x2) / 2, (y1 + y2) / 2)
        return _ellipse(center, ((x2 - x1) / 2, (y2 - y1) / 2), ((x4 - x3) / 2, (y4 - y3) / 2))
    if figure.kind == "INTERPOLATED" and len(points) > 2:
        return _curve(points)
    return points[:1] if figure.kind == "POINT" else points


def _ellipse(center: Place, major: Place, minor: Place) -> list[Place]:
    angles = (2 * math.pi * step / _POINTS_OF_A_CURVE for step in range(_POINTS_OF_A_CURVE + 1))
    return [
        (
            center[0] + math.cos(angle) * major[0] + math.sin(angle) * minor[0],
            center[1] + math.cos(angle) * major[1] + math.sin(angle) * minor[1],
        )
        for angle in angles
    ]


def _curve(points: Sequence[Place]) -> list[Place]:
    """Return a Catmull-Rom spline: it goes through every point, which is all that the Standard asks for."""
    place = np.asarray(points, np.float64)
    is_closed = points[0] == points[-1]
    before = np.concatenate([place[-2:-1] if is_closed else place[:1], place[:-2]])
    after = np.concatenate([place[2:], place[1:2] if is_closed else place[-1:]])
    start, end = place[:-1], place[1:]
    part = np.linspace(0, 1, _POINTS_BETWEEN, endpoint=False)[:, None, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * part
        + (2 * before - 5 * start + 4 * end - after) * part**2
        + (3 * start - before - 3 * end + after) * part**3
    )
    return [tuple(found) for found in [*curve.swapaxes(0, 1).reshape(-1, 2).tolist(), points[-1]]]
