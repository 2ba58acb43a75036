from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.sequence import Sequence

from radstream.contract.errors import UnsupportedInstance
from services.render.cielab import to_srgb
from services.render.displayed_area import displayed
from services.render.graphic_annotations import read_graphics
from services.render.graphics import Figure, Note, draw, outline_of
from services.render.presentation import Presentation, finish
from services.render.references import about
from services.render.viewport import Region
from tests.pixel_files import pixel_files
from tests.states import items, state_of

Array = np.ndarray[Any, Any]
WHOLE = Region(0, 0, 100, 100)


def black(rows: int = 100, columns: int = 100) -> Array:
    return np.zeros((rows, columns), np.uint8)


@pytest.mark.parametrize(
    ("lab", "rgb"),
    [
        ((100.0, 0.0, 0.0), (255, 255, 255)),
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        ((54.29, 80.82, 69.90), (255, 0, 0)),
        ((87.82, -79.27, 80.99), (0, 255, 0)),
        ((29.57, 68.30, -112.03), (0, 0, 255)),
    ],
)
def test_cielab_values_are_the_colours_that_they_name(lab: tuple[float, ...], rgb: tuple[int, ...]) -> None:
    encoded = (round(lab[0] * 655.35), round((lab[1] + 128) * 257), round((lab[2] + 128) * 257))
    assert np.abs(np.subtract(to_srgb(encoded), rgb)).max() <= 2


def area(**attributes: Any) -> Any:
    image = pixel_files()["CT_small.dcm"].dataset
    item = state_of(image).DisplayedAreaSelectionSequence[0]
    state = state_of(image, **{key: attributes.pop(key) for key in ("ImageRotation",) if key in attributes})
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    state.DisplayedAreaSelectionSequence = Sequence([item])
    return displayed(state, about(image.SOPInstanceUID, 0), image.Rows, image.Columns)


def test_the_displayed_area_is_cut_out_and_what_is_beside_the_image_is_black() -> None:
    found = area(DisplayedAreaTopLeftHandCorner=[-9, 11], DisplayedAreaBottomRightHandCorner=[20, 30])
    assert found.region == Region(-10, 10, 30, 20)
    picture = finish(np.full((128, 128), 7, np.uint8), Presentation(region=found.region))
    assert picture.shape == (20, 30)
    assert (picture[:, :10] == 0).all()
    assert (picture[:, 10:] == 7).all()


def test_a_magnified_area_has_so_many_pixels_unless_the_viewport_is_smaller() -> None:
    found = area(PresentationSizeMode="MAGNIFY", PresentationPixelMagnificationRatio=2.5)
    presentation = Presentation(region=found.region, magnification=found.magnification)
    assert finish(black(128, 128), presentation).shape == (320, 320)
    assert finish(black(128, 128), presentation, box=(100, 200)).shape == (100, 100)
    assert finish(black(128, 128), presentation, box=(900, 900)).shape == (320, 320)


@pytest.mark.parametrize(
    "attributes",
    [
        {"DisplayedAreaTopLeftHandCorner": [1 << 20, 1]},
        {"DisplayedAreaTopLeftHandCorner": [1]},
        {"ImageRotation": 45},
        {"PresentationSizeMode": "MAGNIFY", "PresentationPixelMagnificationRatio": 1e9},
    ],
)
def test_areas_that_cannot_be_are_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedInstance):
        area(**attributes)


def test_places_of_the_image_are_found_again_in_a_turned_picture() -> None:
    picture = black(40, 60)
    picture[10, 50] = 255
    for turns in range(4):
        for flips in ((False, False), (True, False), (False, True)):
            region = Region(20, 5, 40, 30, *flips, turns)
            part = region.cut(picture)
            row, column = np.argwhere(part == 255)[0]
            x, y = region.locate(50.5, 10.5)  # the middle of the pixel
            assert (int(x * part.shape[1]), int(y * part.shape[0])) == (column, row)


def test_figures_are_drawn_where_they_are() -> None:
    circle = draw(black(), [Figure("CIRCLE", ((50, 50), (50, 20)))], WHOLE)
    rows, columns = np.nonzero(circle)
    assert np.abs(np.hypot(rows - 49.5, columns - 49.5) - 30).max() < 1.5
    line = draw(black(), [Figure("POLYLINE", ((10, 50), (90, 50)))], WHOLE)
    assert set(np.nonzero(line)[0].tolist()) <= {49, 50}
    filled = draw(black(), [Figure("POLYLINE", ((10, 10), (30, 10), (30, 30), (10, 30), (10, 10)), True)], WHOLE)
    assert abs((filled > 0).sum() - 400) < 60
    on_display = draw(black(), [Figure("POINT", ((0.25, 0.75),), is_on_display=True)], Region(0, 0, 10, 10))
    assert np.argwhere(on_display).mean(axis=0).tolist() == pytest.approx([74.5, 24.5], abs=1)


def test_an_ellipse_goes_through_the_ends_of_its_axes() -> None:
    ends = ((10.0, 50.0), (90.0, 50.0), (50.0, 30.0), (50.0, 70.0))
    outline = np.array(outline_of(Figure("ELLIPSE", ends)))
    for end in ends:
        assert np.hypot(*(outline - end).T).min() < 1e-9


def test_a_curve_goes_through_all_its_points() -> None:
    points = ((10.0, 10.0), (50.0, 80.0), (90.0, 20.0), (95.0, 90.0))
    outline = np.array(outline_of(Figure("INTERPOLATED", points)))
    for point in points:
        assert np.hypot(*(outline - point).T).min() < 1e-9


def test_colours_make_a_picture_coloured_and_greys_do_not() -> None:
    red = Figure("POLYLINE", ((10, 10), (90, 90)), colour=(255, 0, 0))
    assert draw(black(), [red], WHOLE).shape == (100, 100, 3)
    assert draw(black(), [Figure("POLYLINE", ((10, 10), (90, 90)))], WHOLE).ndim == 2


def test_a_note_stands_in_its_box_and_points_at_its_anchor() -> None:
    note = Note("HERE", ((60, 10), (95, 30)), (20, 80), is_anchor_shown=True)
    drawn = draw(black(), [note], WHOLE)
    assert (drawn[8:32, 58:] > 0).sum() > 30
    assert drawn[78:82, 18:22].any()
    silent = draw(black(), [Note("HERE", ((60, 10), (95, 30)), (20, 80))], WHOLE)
    assert not silent[60:, :40].any()


def test_graphics_are_read_in_the_order_of_their_layers() -> None:
    image = pixel_files()["CT_small.dcm"].dataset
    figure = {"GraphicAnnotationUnits": "PIXEL", "GraphicDimensions": 2, "NumberOfGraphicPoints": 2}
    state = state_of(
        image,
        GraphicLayerSequence=items(
            {"GraphicLayer": "TOP", "GraphicLayerOrder": 2, "GraphicLayerRecommendedDisplayGrayscaleValue": 0x8080},
            {"GraphicLayer": "LOW", "GraphicLayerOrder": 1},
        ),
        GraphicAnnotationSequence=items(
            {
                "GraphicLayer": "TOP",
                "GraphicObjectSequence": items(
                    figure | {"GraphicData": [1, 1, 9, 9], "GraphicType": "POLYLINE", "GraphicFilled": "N"}
                ),
            },
            {
                "GraphicLayer": "LOW",
                "TextObjectSequence": items(
                    {
                        "UnformattedTextValue": "A\r\nB",
                        "AnchorPointAnnotationUnits": "DISPLAY",
                        "AnchorPoint": [0.5, 0.5],
                        "AnchorPointVisibility": "Y",
                    }
                ),
            },
            {
                "GraphicLayer": "LOW",
                "ReferencedImageSequence": items({"ReferencedSOPInstanceUID": "1.2.3"}),
                "TextObjectSequence": items({"UnformattedTextValue": "of another image"}),
            },
        ),
    )
    note, line = read_graphics(state, about(image.SOPInstanceUID, 0))
    assert isinstance(note, Note)
    assert (note.text, note.anchor, note.is_anchor_on_display) == ("A\r\nB", (0.5, 0.5), True)
    assert isinstance(line, Figure)
    assert (line.points, line.colour) == (((1, 1), (9, 9)), (128, 128, 128))
