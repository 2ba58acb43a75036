from __future__ import annotations

from typing import Any

import pytest

from radstream.contract.errors import MalformedRequest, UnsupportedInstance
from services.render.reconstruction.camera import parse_camera
from services.render.reconstruction.planes import planes_of
from services.render.reconstruction.view import View, parse_view


def test_without_its_parameters_no_plane_is_named() -> None:
    assert parse_view({"window": "40,400,linear", "plane": " "}) is None


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({"plane": "coronal"}, View("coronal")),
        ({"Plane": "Sagittal", "POSITION": "-12.5"}, View("sagittal", -12.5)),
        ({"thickness": "20", "projection": "max"}, View(thickness=20.0, projection="max")),
        ({"projection": "min"}, View(thickness=None, projection="min")),
        ({"thickness": "5"}, View(thickness=5.0, projection="mean")),
        ({"plane": "oblique", "normal": "0,2,0"}, View("oblique", normal=(0.0, 1.0, 0.0), up=(0.0, 0.0, 1.0))),
        ({"plane": "oblique", "normal": "0,0,1"}, View("oblique", normal=(0.0, 0.0, 1.0), up=(0.0, -1.0, 0.0))),
        (
            {"plane": "oblique", "normal": "0,0,3", "up": "0,3,4"},
            View("oblique", normal=(0.0, 0.0, 1.0), up=(0.0, 0.6, 0.8)),
        ),
    ],
)
def test_a_view_is_what_its_parameters_say(query: dict[str, str], view: View) -> None:
    assert parse_view(query) == view


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"plane": "diagonal"}, "plane is acquired, axial"),
        ({"plane": "oblique"}, "needs a normal"),
        ({"plane": "axial", "normal": "0,0,1"}, "for plane=oblique"),
        ({"up": "0,0,1"}, "for plane=oblique"),
        ({"plane": "oblique", "normal": "0,0"}, "three numbers"),
        ({"plane": "oblique", "normal": "0,0,0"}, "no direction"),
        ({"plane": "oblique", "normal": "0,0,x"}, "made of numbers"),
        ({"plane": "oblique", "normal": "0,0,1", "up": "0,0,-2"}, "same way"),
        ({"position": "nan"}, "made of numbers"),
        ({"position": "1e9"}, "made of numbers"),
        ({"thickness": "-1"}, "0 to 10000"),
        ({"projection": "median"}, "max, min, mean"),
    ],
)
def test_what_means_nothing_is_refused(query: dict[str, str], reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason):
        parse_view(query)


# --- the same in the words of the Standard ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({}, View()),
        ({"orientation": "a"}, View("coronal")),
        (
            {"orientation": "F", "mprslab": "20", "renderingmethod": "maximum_ip"},
            View("axial", None, thickness=20.0, projection="max"),
        ),
        ({"orientation": "l", "renderingmethod": "minimum_ip"}, View("sagittal", projection="min")),
        ({"orientation": "p"}, View("oblique", normal=(0.0, -1.0, 0.0), up=(0.0, 0.0, 1.0))),
        ({"orientation": "r"}, View("oblique", normal=(1.0, 0.0, 0.0), up=(0.0, 0.0, 1.0))),
        ({"orientation": "h"}, View("oblique", normal=(0.0, 0.0, -1.0), up=(0.0, -1.0, 0.0))),
        (  # PS3.18 B.34
            {
                "renderingmethod": "maximum_ip",
                "mprslab": "20",
                "viewpointposition": "100,101,200",
                "viewpointlookat": "100,100,200",
                "viewpointup": "0,0,1",
            },
            View("oblique", -100.0, normal=(0.0, -1.0, 0.0), up=(0.0, 0.0, 1.0), thickness=20.0, projection="max"),
        ),
    ],
)
def test_a_view_is_what_a_camera_sees(query: dict[str, str], view: View) -> None:
    assert parse_camera(query) == view


@pytest.mark.parametrize(
    ("query", "error", "reason"),
    [
        ({"orientation": "x"}, MalformedRequest, "orientation is one of"),
        ({"orientation": "a", "viewpointup": "0,0,1"}, MalformedRequest, "either orientation"),
        ({"viewpointposition": "0,0,0"}, MalformedRequest, "belong together"),
        ({"viewpointposition": "1,2,3", "viewpointlookat": "1,2,3"}, MalformedRequest, "no direction"),
        ({"renderingmethod": "median"}, MalformedRequest, "renderingmethod is"),
        ({"mprslab": "-1"}, MalformedRequest, "thickness"),
        ({"renderingmethod": "volume_rendered"}, UnsupportedInstance, "planes and slabs"),
        ({"volumeinputreference": "1.2.3"}, UnsupportedInstance, "volumeinputreference"),
        ({"swivelrange": "90", "animationrate": "10"}, UnsupportedInstance, "swivelrange, animationrate"),
    ],
)
def test_what_a_camera_cannot_do_is_refused(query: dict[str, str], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        parse_camera(query)


# --- where frames lie, by their attributes ----------------------------------------------------------------------------


def attributes(**changes: Any) -> dict[str, Any]:
    plain = {
        "00280002": [1],
        "00280010": [512],
        "00280011": [256],
        "00280030": [0.7, 0.5],
        "00280100": [16],
        "00280103": [1],
        "00200032": [-100.5, "-200", 30],
        "00200037": [1, 0, 0, 0, 1, 0],
        "00281052": [-1024],
        "00281053": [1],
    } | {name.removeprefix("t"): value for name, value in changes.items()}
    return {tag: {"vr": "DS", "Value": value} for tag, value in plain.items() if value is not None}


def sequence(*items: dict[str, Any]) -> dict[str, Any]:
    return {"vr": "SQ", "Value": list(items)}


def test_a_classic_image_lies_where_its_image_plane_says() -> None:
    (plane,) = planes_of(attributes(), 1)
    assert plane.position == (-100.5, -200.0, 30.0)
    assert (plane.row_direction, plane.column_direction) == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    assert (plane.row_spacing, plane.column_spacing) == (0.7, 0.5)
    assert (plane.rows, plane.columns) == (512, 256)
    assert (plane.rescale, plane.stored) == ((1.0, -1024.0), "int16")


def test_frames_of_an_enhanced_image_lie_where_their_functional_groups_say() -> None:
    flat = attributes(t00200032=None, t00200037=None, t00280030=None, t00281052=None, t00281053=None, t00280103=[0])
    full = attributes()
    flat["52009229"] = sequence(
        {
            "00209116": sequence({"00200037": full["00200037"]}),
            "00289110": sequence({"00280030": full["00280030"]}),
            "00289145": sequence({"00281052": {"Value": [-1000]}, "00281053": {"Value": [2]}}),
        }
    )
    flat["52009230"] = sequence(
        *({"00209113": sequence({"00200032": {"Value": [0, 0, 5 * number]}})} for number in range(3))
    )
    planes = planes_of(flat, 3)
    assert [plane.position for plane in planes] == [(0.0, 0.0, 0.0), (0.0, 0.0, 5.0), (0.0, 0.0, 10.0)]
    assert {(plane.row_spacing, plane.rescale, plane.stored) for plane in planes} == {(0.7, (2.0, -1000.0), "uint16")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"t00200032": None}, "where it lies"),
        ({"t00200032": [1, 2]}, "where it lies"),
        ({"t00200032": [1, 2, "x"]}, "where it lies"),
        ({"t00200032": [1, 2, "NaN"]}, "where it lies"),
        ({"t00200032": [1, 2, None]}, "where it lies"),
        ({"t00200037": [1, 0, 0, 0, 0, 0]}, "orientation has no meaning"),
        ({"t00200037": [2, 0, 0, 0, 1, 0]}, "orientation has no meaning"),
        ({"t00280030": [0, 1]}, "size in millimetres"),
        ({"t00280002": [3]}, "monochrome"),
    ],
)
def test_images_that_lie_nowhere_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedInstance, match=reason):
        planes_of(attributes(**changes), 1)


def test_several_frames_without_functional_groups_are_refused() -> None:
    with pytest.raises(UnsupportedInstance, match="several frames"):
        planes_of(attributes(), 3)
