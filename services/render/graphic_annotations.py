"""The graphics of a presentation state as it holds them: layers, objects and text (PS3.3 C.10.5, C.10.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.attributes import integer, items, numbers, text
from services.render.cielab import to_srgb
from services.render.graphics import Figure, Graphic, Note, Place
from services.render.lettering import WHITE

MOST_GRAPHICS: Final = 2_000
MOST_POINTS: Final = 200_000
LONGEST_TEXT: Final = 1_024
_KINDS: Final = frozenset({"POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE"})
_JUSTIFICATIONS: Final[dict[str, Literal["left", "center", "right"]]] = {"CENTER": "center", "RIGHT": "right"}

Colour = tuple[int, int, int]


def layers(state: Dataset) -> dict[str, tuple[int, Colour]]:
    """Return order and colour of each graphic layer, by its name."""
    return {
        text(item, "GraphicLayer"): (integer(item, "GraphicLayerOrder", 0), _colour(item))
        for item in items(state, "GraphicLayerSequence")
    }


def _colour(layer: Dataset) -> Colour:
    lab = numbers(layer, "GraphicLayerRecommendedDisplayCIELabValue")
    if len(lab) == 3:
        return to_srgb(lab)
    grey = numbers(layer, "GraphicLayerRecommendedDisplayGrayscaleValue")
    return (round(min(max(grey[0], 0), 0xFFFF) * 255 / 0xFFFF),) * 3 if grey else WHITE


def read_graphics(state: Dataset, is_of_frame: Callable[[Dataset], bool]) -> tuple[Graphic, ...]:
    """Return what a presentation state draws upon a frame, in the order of its layers.

    Parameters
    ----------
    is_of_frame : callable
        Tells whether an item of a sequence is about the frame.

    Raises
    ------
    UnsupportedInstance
        If there is too much of it, or a graphic is not what it declares.
    """
    known = layers(state)
    found: list[tuple[int, Graphic]] = []
    for annotation in filter(is_of_frame, items(state, "GraphicAnnotationSequence")):
        order, colour = known.get(text(annotation, "GraphicLayer"), (0, WHITE))
        found += [(order, _figure(item, colour)) for item in items(annotation, "GraphicObjectSequence")]
        found += [(order, _note(item, colour)) for item in items(annotation, "TextObjectSequence")]
    points = sum(len(graphic.points) for _, graphic in found if isinstance(graphic, Figure))
    if len(found) > MOST_GRAPHICS or points > MOST_POINTS:
        raise UnsupportedInstance("the presentation state has too many graphics")
    return tuple(graphic for _, graphic in sorted(found, key=lambda each: each[0]))


def _figure(item: Dataset, colour: Colour) -> Figure:
    kind, data = text(item, "GraphicType"), numbers(item, "GraphicData")
    if kind not in _KINDS or len(data) < 2 or len(data) % 2:
        raise UnsupportedInstance("a graphic of the presentation state is of no known kind, or has no points")
    return Figure(
        kind,
        tuple(zip(data[::2], data[1::2], strict=True)),
        is_filled=text(item, "GraphicFilled") == "Y" and kind != "POINT",
        is_on_display=_is_on_display(item, "GraphicAnnotationUnits"),
        colour=colour,
    )


def _note(item: Dataset, colour: Colour) -> Note:
    corners = [_place(item, f"BoundingBox{name}HandCorner") for name in ("TopLeft", "BottomRight")]
    box = (corners[0], corners[1]) if corners[0] is not None and corners[1] is not None else None
    return Note(
        text(item, "UnformattedTextValue")[:LONGEST_TEXT],
        box,
        _place(item, "AnchorPoint"),
        is_anchor_shown=text(item, "AnchorPointVisibility") == "Y",
        is_box_on_display=_is_on_display(item, "BoundingBoxAnnotationUnits"),
        is_anchor_on_display=_is_on_display(item, "AnchorPointAnnotationUnits"),
        justification=_JUSTIFICATIONS.get(text(item, "BoundingBoxTextHorizontalJustification"), "left"),
        colour=colour,
    )


def _place(item: Dataset, keyword: str) -> Place | None:
    place = numbers(item, keyword)
    return (place[0], place[1]) if len(place) == 2 else None


def _is_on_display(item: Dataset, keyword: str) -> bool:
    units = text(item, keyword)
    if units == "MATRIX":
        raise UnsupportedInstance("graphics in pixels of a whole slide are not drawn")
    return units == "DISPLAY"
