from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.contract.errors import MalformedRequest
from services.render.encode import DEFAULT_QUALITY
from services.render.parameters import MOST_FRAMES, Parameters, Viewport, frame_indexes, parse_parameters
from services.render.viewport import LARGEST_SIDE, Region
from services.render.windows import Window


def test_nothing_said_means_defaults() -> None:
    parameters = parse_parameters({})
    assert parameters == Parameters(None, None, DEFAULT_QUALITY)
    assert parameters.wish(10, 10).box is None


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("40,400,linear", Window(40, 400)),
        ("40,400", Window(40, 400)),
        ("-600,1500,LINEAR", Window(-600, 1500)),
        ("0.5,0.25,linear-exact", Window(0.5, 0.25, "LINEAR_EXACT")),
        ("0.5,0.25,LINEAR_EXACT", Window(0.5, 0.25, "LINEAR_EXACT")),
        (" 1e3 , 2e3 , Sigmoid ", Window(1000, 2000, "SIGMOID")),
    ],
)
def test_windows_are_read(text: str, window: Window) -> None:
    assert parse_parameters({"window": text}).window == window


@pytest.mark.parametrize(
    "text",
    ["40", "40,400,linear,1", "a,b", ",,", "40,0", "40,0.5", "40,-1,sigmoid", "nan,1", "40,inf", "40,400,cubic", "40,"],
)
def test_windows_that_mean_nothing_are_malformed(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_parameters({"window": text})


@pytest.mark.parametrize(
    ("text", "viewport"),
    [
        ("256,128", Viewport(256, 128)),
        ("256,128,10,20", Viewport(256, 128, (10, 20, None, None))),
        ("256,128,10.5,20,30,40", Viewport(256, 128, (10.5, 20, 30, 40))),
        ("256,128,,,-30,-40", Viewport(256, 128, (0, 0, -30, -40))),
        ("256,128,,,,", Viewport(256, 128)),
    ],
)
def test_viewports_are_read(text: str, viewport: Viewport) -> None:
    assert parse_parameters({"VIEWPORT": text}).viewport == viewport


@pytest.mark.parametrize(
    "text", ["256", "256,", "0,10", "10,-1", "1.5,10", "9000,10", "1,2,3,4,5,6,7", "a,b", "10,10,nan", "1e999,1"]
)
def test_viewports_that_mean_nothing_are_malformed(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_parameters({"viewport": text})


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("9,9,10,20", Region(10, 20, 90, 30)),
        ("9,9,10,20,30,10", Region(10, 20, 30, 10)),
        ("9,9,-10,-20,30,40", Region(0, 0, 20, 20)),  # what lies beside the image is left out
        ("9,9,90,40,1000,1000", Region(90, 40, 10, 10)),
        ("9,9,,,-100,50", Region(0, 0, 100, 50, True, False)),
        ("9,9,,,100,-50", Region(0, 0, 100, 50, False, True)),
    ],
)
def test_regions_are_whole_pixels_inside_of_the_image(text: str, region: Region) -> None:
    assert parse_parameters({"viewport": text}).wish(50, 100).region == region


@pytest.mark.parametrize("text", ["9,9,100,0", "9,9,0,50", "9,9,0,0,0,10", "9,9,-10,0,5,5", "9,9,0,0,0.1,10"])
def test_regions_beside_the_image_are_malformed(text: str) -> None:
    with pytest.raises(MalformedRequest, match="nothing of the image"):
        parse_parameters({"viewport": text}).wish(50, 100)


@pytest.mark.parametrize("text", ["0", "101", "-1", "1.5", "good", "nan"])
def test_qualities_out_of_range_are_malformed(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_parameters({"quality": text})


def test_qualities_are_read() -> None:
    assert [parse_parameters({"quality": text}).quality for text in ("1", "100")] == [1, 100]


def test_annotations_are_read_and_those_that_are_not_known_are_kept_apart() -> None:
    parameters = parse_parameters({"Annotation": " Technique,patient,vendor ,"})
    assert parameters.annotations == ("patient", "technique")
    assert parameters.unknown_annotations == ("vendor",)
    assert parameters.wish(1, 1).annotations == ("patient", "technique")


@pytest.mark.parametrize("choice", ["no", "yes", "srgb", "AdobeRGB", "rommrgb", "displayp3"])
def test_colour_profiles_are_read(choice: str) -> None:
    assert parse_parameters({"iccprofile": choice}).wish(1, 1).icc_profile == choice.lower()


def test_a_profile_of_no_known_name_is_malformed() -> None:
    with pytest.raises(MalformedRequest, match="iccprofile is one of no, yes, srgb"):
        parse_parameters({"iccprofile": "cmyk"})


def test_a_window_of_the_image_is_named_or_one_is_given_not_both() -> None:
    assert parse_parameters({"voi": "2"}).wish(1, 1).voi == "2"
    with pytest.raises(MalformedRequest, match="either the client chooses"):
        parse_parameters({"voi": "2", "window": "1,2"})


def test_the_unknown_is_without_effect() -> None:
    assert parse_parameters({"accept": "image/png", "x": "y"}) == Parameters()


@pytest.mark.parametrize(("text", "indexes"), [("1", (0,)), ("007", (6,)), ("3,1,190123", (2, 0, 190122))])
def test_frame_numbers_begin_at_1(text: str, indexes: tuple[int, ...]) -> None:
    assert frame_indexes(text) == indexes


@pytest.mark.parametrize(
    "text", ["0", "-1", "1,", "a", "", "1.0", "\u00b2", "9" * 11, ",".join(["1"] * (MOST_FRAMES + 1))]
)
def test_frames_that_are_no_list_of_numbers_are_malformed(text: str) -> None:
    with pytest.raises(MalformedRequest):
        frame_indexes(text)


@given(
    st.dictionaries(
        st.sampled_from(["window", "viewport", "quality", "voi", "annotation", "iccprofile"]), st.text(max_size=40)
    )
)
def test_any_query_is_understood_or_malformed(query: dict[str, str]) -> None:
    try:
        wish = parse_parameters(query).wish(10, 10)
    except MalformedRequest:
        return
    assert wish.box is None or all(1 <= side <= LARGEST_SIDE for side in wish.box)
