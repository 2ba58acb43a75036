from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.overlays import Overlay, burn, read_overlays
from services.render.shutters import Shutter, read_shutter
from tests.pixel_files import pixel_files

Array = np.ndarray[Any, Any]


def black(rows: int = 100, columns: int = 100) -> Array:
    return np.zeros((rows, columns), np.uint8)


# --- overlays -------------------------------------------------------------------------------------------------------


def with_overlay(bits: Array, **elements: Any) -> Dataset:
    ds = Dataset()
    ds.add_new(0x60000010, "US", bits.shape[-2])
    ds.add_new(0x60000011, "US", bits.shape[-1])
    ds.add_new(0x60000050, "SS", elements.pop("origin", [1, 1]))
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    ds.add_new(0x60003000, "OW", packed + b"\0" * (len(packed) % 2))
    for name, value in elements.items():
        ds.add_new(0x60000000 | int(name[1:], 16), "US" if name != "x15" else "IS", value)
    return ds


def test_an_overlay_lies_where_its_origin_says_and_is_cut_at_the_edges() -> None:
    bits = np.ones((3, 4), np.bool_)
    for origin, expected in (([2, 3], (slice(1, 4), slice(2, 6))), ([-1, 0], (slice(0, 1), slice(0, 3)))):
        (overlay,) = read_overlays(with_overlay(bits, origin=origin), 0)
        marked = np.zeros((10, 10), np.bool_)
        marked[expected] = True
        np.testing.assert_array_equal(burn(black(10, 10), [overlay]) == 255, marked)


def test_each_frame_has_its_own_plane() -> None:
    bits = np.zeros((3, 3, 5), np.bool_)
    for frame in range(3):
        bits[frame, frame] = True
    ds = with_overlay(bits, x15=3, x51=2)
    assert read_overlays(ds, 0) == ()  # the overlay begins with the second frame
    for frame in range(3):
        (overlay,) = read_overlays(ds, frame + 1)
        np.testing.assert_array_equal(overlay.bits, bits[frame])
    assert read_overlays(ds, 4) == ()


def test_an_overlay_may_lie_in_the_unused_bits_of_the_pixels() -> None:
    words = np.array([[0x8001, 0x0FFF], [0x7FFF, 0x9000]], "<u2")
    ds = Dataset()
    for element, value in ((0x10, 2), (0x11, 2), (0x100, 16), (0x102, 15)):
        ds.add_new(0x60000000 | element, "US", value)
    (overlay,) = read_overlays(ds, 0, lambda: words)
    assert overlay.bits.tolist() == [[True, False], [False, True]]
    assert read_overlays(ds, 0) == ()


def test_an_overlay_of_too_few_bits_is_refused() -> None:
    ds = with_overlay(np.ones((3, 4), np.bool_))
    ds[0x60000010].value = 300
    with pytest.raises(UnsupportedInstance, match="fewer bits"):
        read_overlays(ds, 0)


@pytest.mark.parametrize("name", ["MR-SIEMENS-DICOM-WithOverlays.dcm", "examples_overlay.dcm"])
def test_overlays_of_real_files_are_those_that_pydicom_reads(name: str) -> None:
    dataset = pixel_files()[name].dataset
    overlays = read_overlays(dataset, 0)
    assert overlays
    for overlay in overlays:
        expected = dataset.overlay_array(overlay.group)
        np.testing.assert_array_equal(overlay.bits, (expected[0] if expected.ndim == 3 else expected) == 1)


# --- shutters -------------------------------------------------------------------------------------------------------


def shutter(shape: str | list[str], **attributes: Any) -> Shutter:
    ds = Dataset()
    for keyword, value in ({"ShutterShape": shape} | attributes).items():
        setattr(ds, keyword, value)
    found = read_shutter(ds)
    assert found is not None
    return found


def shown(shutter: Shutter, aspect: float = 1.0) -> Array:
    return shutter.hide(np.full((60, 60), 200, np.uint8), aspect) == 200


RECTANGLE = {
    "ShutterLeftVerticalEdge": 11,
    "ShutterRightVerticalEdge": 50,
    "ShutterUpperHorizontalEdge": 21,
    "ShutterLowerHorizontalEdge": 40,
}


def test_a_rectangle_shows_what_is_between_its_edges() -> None:
    expected = np.zeros((60, 60), np.bool_)
    expected[20:40, 10:50] = True
    np.testing.assert_array_equal(shown(shutter("RECTANGULAR", **RECTANGLE)), expected)


def test_a_circle_is_one_on_the_body() -> None:
    circle = shutter("CIRCULAR", CenterOfCircularShutter=[30, 20], RadiusOfCircularShutter=10)
    visible = shown(circle)
    assert abs(visible.sum() - np.pi * 100) < 15
    assert (visible[29, 9], visible[29, 8], visible[19, 19], visible[18, 19]) == (True, False, True, False)
    assert abs(shown(circle, 2.0).sum() - np.pi * 50) < 15  # pixels twice as high: half as many of them


def test_a_polygon_shows_its_inside() -> None:
    triangle = shutter("POLYGONAL", VerticesOfThePolygonalShutter=[1, 1, 1, 60, 60, 1])
    visible = shown(triangle)
    assert visible[5, 5]
    assert not visible[50, 50]
    assert abs(visible.sum() - 1800) < 80


def test_all_shapes_of_a_shutter_have_to_let_a_pixel_through() -> None:
    both = shutter(
        ["RECTANGULAR", "CIRCULAR"], **RECTANGLE, CenterOfCircularShutter=[30, 20], RadiusOfCircularShutter=10
    )
    np.testing.assert_array_equal(
        shown(both),
        shown(shutter("RECTANGULAR", **RECTANGLE))
        & shown(shutter("CIRCULAR", CenterOfCircularShutter=[30, 20], RadiusOfCircularShutter=10)),
    )


def test_what_is_hidden_has_the_shutters_colour() -> None:
    grey = shutter("RECTANGULAR", **RECTANGLE, ShutterPresentationValue=0x8080)
    assert grey.hide(np.full((60, 60), 200, np.uint8))[0, 0] == 128
    red = shutter("RECTANGULAR", **RECTANGLE, ShutterPresentationColorCIELabValue=[35600, 53500, 50120])
    r, g, b = red.hide(np.full((60, 60, 3), 200, np.uint8))[0, 0]
    assert r > 240
    assert max(g, b) < 40


def test_a_bitmap_hides_where_its_bits_are() -> None:
    overlay = Overlay(0x6000, 0, 0, np.eye(60, dtype=np.bool_))
    np.testing.assert_array_equal(shown(Shutter(bitmap=overlay)), ~np.eye(60, dtype=np.bool_))


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ("OVAL", {}),
        ("RECTANGULAR", {}),
        ("CIRCULAR", {"CenterOfCircularShutter": [1, 2]}),
        ("POLYGONAL", {"VerticesOfThePolygonalShutter": [1, 2, 3, 4]}),
    ],
)
def test_a_shutter_that_is_not_complete_is_refused(shape: str, attributes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedInstance):
        shutter(shape, **attributes)
