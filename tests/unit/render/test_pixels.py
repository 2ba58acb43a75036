from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.processing import convert_color_space

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.ybr import from_ybr_full
from services.render.colour import to_8_bits
from services.render.description import describe
from services.render.pixels import Wish
from services.render.viewport import Region
from services.render.windows import Window
from tests.pixel_files import PixelFile, pixel_files
from tests.rendering import render

Array = np.ndarray[Any, Any]
DAMAGED = {"MR_truncated.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"}  # refused by the codecs, see there
WHITE = {"17166", "17196"}  # 16 x 16 pixels of bone, all above the window
MONOCHROME = ("MONOCHROME1", "MONOCHROME2")


def picture(file: PixelFile, index: int = 0, wish: Wish | None = None) -> Array:
    samples, photometric_interpretation = file.decode(index)
    description = describe(file.dataset, index, is_big_endian=file.is_big_endian)
    return render(samples, photometric_interpretation, description, wish or Wish())


def with_windows() -> list[str]:
    return [
        name
        for name, file in pixel_files().items()
        if file.dataset.PhotometricInterpretation in MONOCHROME
        and "WindowCenter" in file.dataset
        and name != "MR_truncated.dcm"
    ]


@pytest.mark.parametrize("name", with_windows())
def test_the_pipeline_agrees_with_pydicom_on_every_file_with_a_window(name: str) -> None:
    file = pixel_files()[name]
    samples, _ = file.decode(0)
    ds = file.dataset
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        windowed = apply_voi_lut(apply_modality_lut(samples, ds), ds).astype(np.float64)
    low, high = output_range(ds)
    expected = (windowed - low) / (high - low) * 255
    if ds.PhotometricInterpretation == "MONOCHROME1":
        expected = 255 - expected
    if "PixelPaddingValue" in ds:
        expected[samples == ds.PixelPaddingValue] = 0
    description = replace(describe(ds, 0, is_big_endian=file.is_big_endian), pixel_aspect=1.0)
    shown = render(samples, ds.PhotometricInterpretation, description, Wish())
    assert np.abs(shown.astype(np.float64) - expected).max() <= 0.501


def output_range(ds: Dataset) -> tuple[float, float]:
    """Return pydicom's output range of a window: that of the stored values after the rescaling."""
    low, high = (
        (-(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1)
        if ds.PixelRepresentation
        else (0, 2**ds.BitsStored - 1)
    )
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    return (low * slope + intercept, high * slope + intercept) if "RescaleSlope" in ds else (low, high)


@pytest.mark.parametrize("name", ["OBXXXX1A.dcm", "examples_palette.dcm", "gdcm-US-ALOKA-16.dcm"])
def test_palette_pictures_agree_with_pydicom(name: str) -> None:
    file = pixel_files()[name]
    samples, _ = file.decode(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = apply_color_lut(samples, file.dataset) >> 8
    np.testing.assert_array_equal(picture(file), expected)


def test_monochrome_1_shows_the_smallest_value_as_white() -> None:
    file = pixel_files()["RG3_UNCI.dcm"]
    samples, _ = file.decode(0)
    shown = picture(file)
    assert file.dataset.PhotometricInterpretation == "MONOCHROME1"
    assert shown[samples == samples.min()].min() == 255
    assert shown[samples == samples.max()].max() == shown.min()


def test_colours_of_a_supplemental_palette_lie_above_the_grey_values() -> None:
    file = pixel_files()["eCT_Supplemental.dcm"]
    samples, _ = file.decode(0)
    shown = picture(file)
    first = file.dataset.RedPaletteColorLookupTableDescriptor[1]
    is_grey = (shown[..., 0] == shown[..., 1]) & (shown[..., 1] == shown[..., 2])
    assert is_grey[samples < first].all()
    assert not is_grey[samples >= first].all()
    index = np.clip(samples.astype(int) - first, 0, 99)
    red = np.frombuffer(file.dataset.RedPaletteColorLookupTableData, "<u2")[index] >> 8
    np.testing.assert_array_equal(shown[..., 0][samples >= first], red[samples >= first])


def test_ybr_agrees_with_pydicom() -> None:
    ybr = np.random.default_rng(5).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    expected = convert_color_space(ybr, "YBR_FULL", "RGB")
    assert np.abs(from_ybr_full(ybr).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("ybr", "rgb"),
    [
        ([0, 128, 128], [0, 0, 0]),
        ([255, 128, 128], [255, 255, 255]),
        ([76, 85, 255], [254, 0, 0]),
        ([150, 44, 21], [0, 255, 1]),
        ([29, 255, 107], [0, 0, 254]),
    ],
)
def test_ybr_meets_the_equations_of_the_standard(ybr: list[int], rgb: list[int]) -> None:
    assert from_ybr_full(np.array([[ybr]], np.uint8)).tolist() == [[rgb]]


@pytest.mark.parametrize(
    ("kind", "bits_stored", "values", "expected"),
    [
        ("u1", 8, [0, 128, 255], [0, 128, 255]),
        ("u2", 16, [0, 0x80FF, 65535], [0, 0x80, 255]),
        ("u2", 12, [0, 2048, 4095], [0, 128, 255]),
        ("u4", 32, [0, 1 << 31, (1 << 32) - 1], [0, 128, 255]),
        ("u1", 4, [0, 8, 15], [0, 136, 255]),
    ],
)
def test_colours_of_every_depth_get_8_bits(kind: str, bits_stored: int, values: list[int], expected: list[int]) -> None:
    assert to_8_bits(np.array(values, kind), bits_stored).tolist() == expected


@pytest.mark.parametrize("name", ["SC_rgb_16bit.dcm", "SC_rgb_32bit.dcm", "SC_rgb_rle_16bit.dcm"])
def test_deep_colours_look_as_shallow_ones(name: str) -> None:
    np.testing.assert_array_equal(picture(pixel_files()[name]), picture(pixel_files()["SC_rgb.dcm"]))


def test_uncompressed_ybr_looks_as_its_rgb_twin() -> None:
    rgb = picture(pixel_files()["SC_rgb.dcm"]).astype(int)
    assert np.abs(picture(pixel_files()["SC_ybr_full_uncompressed.dcm"]) - rgb).mean() < 1
    assert np.abs(picture(pixel_files()["SC_ybr_full_422_uncompressed.dcm"]) - rgb).mean() < 1


def test_pixels_that_are_not_square_are_shown_square() -> None:
    file = pixel_files()["color-px.dcm"]  # 4:3
    assert picture(file).shape == (160, 256, 3)
    assert picture(file, wish=Wish(box=(128, 128))).shape == (80, 128, 3)


def test_a_part_is_as_bright_as_in_the_whole() -> None:
    file = pixel_files()["CT_small.dcm"]  # without a window: it is made to fit
    region = Region(20, 30, 40, 50)
    whole, part = picture(file), picture(file, wish=Wish(region=region))
    np.testing.assert_array_equal(part, region.cut(whole))


def test_a_window_of_the_client_changes_grey_pictures_and_leaves_colours() -> None:
    narrow = Wish(Window(1000, 10))
    grey, colour = pixel_files()["CT_small.dcm"], pixel_files()["SC_rgb.dcm"]
    assert (picture(grey) != picture(grey, wish=narrow)).any()
    np.testing.assert_array_equal(picture(colour), picture(colour, wish=narrow))


@pytest.mark.parametrize("name", sorted(pixel_files().keys() - DAMAGED))
def test_every_file_that_decodes_becomes_a_picture(name: str) -> None:
    file = pixel_files()[name]
    shown = picture(file, file.number_of_frames - 1, Wish(box=(64, 64)))
    assert shown.dtype == np.uint8
    assert 64 in shown.shape[:2]
    assert shown.flags.c_contiguous
    assert int(shown.max()) > int(shown.min()) or name in WHITE, "a picture of one colour"


@pytest.mark.parametrize("photometric_interpretation", ["YBR_PARTIAL_420", "HSV", "CMYK", "XYB", ""])
def test_other_colours_are_refused_by_name(photometric_interpretation: str) -> None:
    description = describe(pixel_files()["SC_rgb.dcm"].dataset, 0)
    with pytest.raises(UnsupportedInstance, match="is not shown"):
        render(np.zeros((2, 2, 3), np.uint8), photometric_interpretation, description, Wish())


@pytest.mark.parametrize(
    ("samples", "photometric_interpretation"),
    [
        (np.zeros((2, 2, 3), np.uint8), "MONOCHROME2"),
        (np.zeros((2, 2), np.uint8), "RGB"),
        (np.zeros((2, 2, 3), np.int8), "RGB"),
        (np.zeros((2, 2), np.uint8), "PALETTE COLOR"),
    ],
)
def test_samples_that_contradict_their_label_are_refused(samples: Array, photometric_interpretation: str) -> None:
    description = describe(pixel_files()["SC_rgb.dcm"].dataset, 0)
    with pytest.raises(UnsupportedInstance):
        render(samples, photometric_interpretation, description, Wish())
