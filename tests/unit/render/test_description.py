from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from radstream.contract.errors import UnsupportedInstance
from services.render.description import describe
from services.render.windows import Window


def header(**attributes: Any) -> Dataset:
    ds = Dataset()
    plain = {
        "Rows": 4,
        "Columns": 5,
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PhotometricInterpretation": "MONOCHROME2",
    }
    for keyword, value in (plain | attributes).items():
        setattr(ds, keyword, value)
    return ds


def group(name: str, **attributes: Any) -> Dataset:
    """Return functional groups with one macro."""
    item, groups = Dataset(), Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    setattr(groups, name, Sequence([item]))
    return groups


def test_a_plain_header_is_described_with_defaults() -> None:
    description = describe(header(), 0)
    assert (description.slope, description.intercept) == (1, 0)
    assert description.windows == ()
    assert description.padding is None
    assert description.pixel_aspect == 1
    assert not description.is_inverse
    assert description.attributes["high_bit"] == 11


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"])
def test_what_is_missing_is_named(keyword: str) -> None:
    ds = header()
    del ds[keyword]
    with pytest.raises(UnsupportedInstance, match=f"{keyword} is missing"):
        describe(ds, 0)


def test_several_windows_keep_their_order_and_those_without_meaning_are_left_out() -> None:
    ds = header(WindowCenter=[0, 40, 300], WindowWidth=[0, 400, 2000], VOILUTFunction="SIGMOID")
    assert describe(ds, 0).windows == (Window(40, 400, "SIGMOID"), Window(300, 2000, "SIGMOID"))
    assert describe(header(WindowCenter=40, WindowWidth=None), 0).windows == ()
    assert describe(header(WindowCenter=40, WindowWidth=400, VOILUTFunction="CUBIC"), 0).windows == ()


@pytest.mark.parametrize(
    ("photometric_interpretation", "shape", "is_inverse"),
    [
        ("MONOCHROME1", "", True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "", False),
    ],
)
def test_polarity_is_turned_once(photometric_interpretation: str, shape: str, is_inverse: bool) -> None:
    ds = header(PhotometricInterpretation=photometric_interpretation, PresentationLUTShape=shape)
    assert describe(ds, 0).is_inverse is is_inverse


@pytest.mark.parametrize(
    ("attributes", "padding"),
    [
        ({"PixelPaddingValue": 63536, "PixelRepresentation": 1}, (-2000, -2000)),
        ({"PixelPaddingValue": 63536}, (63536, 63536)),
        ({"PixelPaddingValue": 100, "PixelPaddingRangeLimit": 50}, (50, 100)),
        ({"PixelPaddingRangeLimit": 50}, None),
    ],
)
def test_padding_is_read_as_the_pixels_are_signed(attributes: dict[str, int], padding: Any) -> None:
    assert describe(header(**attributes), 0).padding == padding


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({"PixelSpacing": [2.0, 1.0]}, 2),
        ({"ImagerPixelSpacing": [1.0, 2.0]}, 0.5),
        ({"PixelAspectRatio": [4, 3]}, 4 / 3),
        ({"PixelSpacing": [0.5, 0.5], "PixelAspectRatio": [4, 3]}, 1),
        ({"PixelSpacing": [0.0, 1.0]}, 1),
        ({"PixelSpacing": [1.0]}, 1),
    ],
)
def test_the_shape_of_pixels_comes_from_the_first_attribute_that_tells(
    attributes: dict[str, Any], aspect: float
) -> None:
    assert describe(header(**attributes), 0).pixel_aspect == pytest.approx(aspect)


def test_frames_of_enhanced_objects_have_attributes_of_their_own() -> None:
    ds = header(NumberOfFrames=2, RescaleSlope=9, RescaleIntercept=9)
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        [
            group("FrameVOILUTSequence", WindowCenter=1, WindowWidth=10),
            group("FrameVOILUTSequence", WindowCenter=2, WindowWidth=20),
        ]
    )
    shared = group("PixelValueTransformationSequence", RescaleSlope=2, RescaleIntercept=-5)
    shared.PixelMeasuresSequence = group("PixelMeasuresSequence", PixelSpacing=[3.0, 1.0]).PixelMeasuresSequence
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    assert [describe(ds, index).windows for index in (0, 1)] == [(Window(1, 10),), (Window(2, 20),)]
    assert (describe(ds, 1).slope, describe(ds, 1).intercept, describe(ds, 1).pixel_aspect) == (2, -5, 3)
    with pytest.raises(UnsupportedInstance, match="fewer functional groups than frames"):
        describe(ds, 2)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "Rescale Slope is 0"),
        ({"Rows": 0}, None),
    ],
)
def test_values_that_mean_nothing(attributes: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert describe(header(**attributes), 0).attributes["rows"] == 0  # refused by the codecs
        return
    with pytest.raises(UnsupportedInstance, match=reason):
        describe(header(**attributes), 0)


def test_a_number_that_is_none_is_refused_without_its_text() -> None:
    ds = header()
    ds.add_new(0x00281053, "LO", "Doe^Jane")
    with pytest.raises(UnsupportedInstance, match=r"^RescaleSlope is not a number$"):
        describe(ds, 0)


def test_floating_point_pixels_need_no_attributes_of_integers() -> None:
    ds = header(BitsAllocated=32, FloatPixelPaddingValue=-1.0)
    del ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    description = describe(ds, 0, is_float=True)
    assert description.attributes["is_float"]
    assert description.padding == (-1.0, -1.0)
