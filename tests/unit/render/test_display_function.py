"""The cases on which viewers differ, each from a header to its brightness (PS3.3 C.11, PS3.4 N.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from services.render.description import describe
from services.render.pixels import Wish
from services.render.windows import Window
from tests.rendering import render
from tests.states import items

Array = np.ndarray[Any, Any]


def image(samples: Array, **attributes: Any) -> Dataset:
    bits = samples.dtype.itemsize * 8
    ds = Dataset()
    ds.Rows, ds.Columns = samples.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelRepresentation = int(samples.dtype.kind == "i")
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def shown(samples: Array, ds: Dataset, wish: Wish | None = None, index: int = 0) -> list[int]:
    picture = render(samples, ds.PhotometricInterpretation, describe(ds, index), wish or Wish())
    return picture.reshape(-1).tolist()


ROW = np.array([[0, 50, 100]], np.uint16)


def test_monochrome1_is_white_at_its_smallest_value() -> None:
    ds = image(ROW, WindowCenter=50.5, WindowWidth=101)
    assert shown(ROW, ds) == [0, 128, 255]
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert shown(ROW, ds) == [255, 128, 0]


def test_monochrome1_that_is_also_declared_inverse_is_inverted_once() -> None:
    ds = image(ROW, WindowCenter=50.5, WindowWidth=101, PresentationLUTShape="INVERSE")
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert shown(ROW, ds) == [255, 128, 0]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_function_that_the_image_names_is_used(function: str) -> None:
    ds = image(ROW, WindowCenter=50, WindowWidth=100, VOILUTFunction=function)
    expected = {"LINEAR": [1, 130, 255], "LINEAR_EXACT": [0, 128, 255], "SIGMOID": [30, 128, 225]}
    assert np.abs(np.subtract(shown(ROW, ds), expected[function])).max() <= 1


def test_a_voi_table_for_negative_values_begins_below_zero() -> None:
    samples = np.array([[-1000, -500, 0, 500]], np.int16)
    table = {"LUTDescriptor": [1001, -500 & 0xFFFF, 8], "LUTData": [n * 255 // 1000 for n in range(1001)]}
    assert shown(samples, image(samples, VOILUTSequence=items(table))) == [0, 0, 127, 255]


def test_a_voi_table_behind_a_negative_intercept_begins_below_zero_too() -> None:
    samples = np.array([[0, 524, 1024, 1524]], np.uint16)
    table = {"LUTDescriptor": [1001, -500 & 0xFFFF, 8], "LUTData": [n * 255 // 1000 for n in range(1001)]}
    ds = image(samples, RescaleSlope=1, RescaleIntercept=-1024, VOILUTSequence=items(table))
    assert shown(samples, ds) == [0, 0, 127, 255]


@pytest.mark.parametrize(("value", "limit"), [(-2000, None), (-2000, -1900), (-1900, -2000)])
@pytest.mark.parametrize("interpretation", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_stretch_the_window(value: int, limit: int | None, interpretation: str) -> None:
    samples = np.array([[-2000, 0, 50, 100]], np.int16)
    ds = image(samples, PixelPaddingValue=value)
    if limit is not None:
        ds.PixelPaddingRangeLimit = limit
    ds.PhotometricInterpretation = interpretation
    assert shown(samples, ds) == ([0, 255, 128, 0] if interpretation == "MONOCHROME1" else [0, 0, 128, 255])


def test_of_several_windows_the_first_is_shown_and_each_can_be_chosen() -> None:
    ds = image(ROW, WindowCenter=[50.5, 25.5], WindowWidth=[101, 51], WindowCenterWidthExplanation=["ALL", "LOW"])
    assert shown(ROW, ds) == [0, 128, 255]
    assert shown(ROW, ds, Wish(voi="2")) == shown(ROW, ds, Wish(voi="low")) == [0, 255, 255]
    assert shown(ROW, ds, Wish(Window(100.5, 101))) == [0, 0, 128]


def test_each_frame_of_an_enhanced_image_has_its_own_rescale_and_window() -> None:
    def groups(slope: float, center: float) -> dict[str, Any]:
        return {
            "PixelValueTransformationSequence": items({"RescaleSlope": slope, "RescaleIntercept": 0}),
            "FrameVOILUTSequence": items({"WindowCenter": center, "WindowWidth": 101}),
        }

    ds = image(ROW, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=items(groups(1, 50.5), groups(2, 100.5)))
    assert shown(ROW, ds, index=0) == [0, 128, 255]
    assert shown(ROW, ds, index=1) == [0, 128, 255]
    ds.PerFrameFunctionalGroupsSequence[1].PixelValueTransformationSequence[0].RescaleSlope = 4
    assert shown(ROW, ds, index=1) == [0, 255, 255]


def test_pixel_measures_of_a_frame_make_its_pixels_square() -> None:
    measures = {"PixelMeasuresSequence": items({"PixelSpacing": [2.0, 1.0]})}
    ds = image(ROW, PerFrameFunctionalGroupsSequence=items(measures), WindowCenter=50, WindowWidth=100)
    assert render(ROW, "MONOCHROME2", describe(ds, 0), Wish()).shape == (2, 3)
