from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstream.dicom.image_pixel import FrameAttributes
from services.render import grayscale
from services.render.description import Description
from services.render.grayscale import choose_voi, rescale, to_brightness
from services.render.lookup_tables import LookupTable
from services.render.windows import Window

Array = np.ndarray[Any, Any]


def described(samples: Array, bits_stored: int | None = None, **changes: Any) -> Description:
    attributes = FrameAttributes(
        rows=samples.shape[0],
        columns=samples.shape[1],
        samples_per_pixel=1,
        bits_allocated=samples.dtype.itemsize * 8,
        bits_stored=bits_stored or samples.dtype.itemsize * 8,
        pixel_representation=int(samples.dtype.kind == "i"),
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
        is_float=samples.dtype.kind == "f",
    )
    return Description(attributes, **changes)


def shown(samples: Array, description: Description, window: Window | None = None) -> list[list[int]]:
    brightness = to_brightness(samples, description, choose_voi(samples, description, window))
    assert brightness.dtype == np.uint8
    assert brightness.shape == samples.shape
    return brightness.tolist()


def test_slope_and_intercept_come_before_the_window() -> None:
    samples = np.array([[0, 1024, 1064, 2000]], np.uint16)
    description = described(samples, 12, intercept=-1024.0, windows=(Window(40, 81),))
    assert shown(samples, description) == [[0, 2, 129, 255]]  # (0 - 39.5) / 80 + 0.5 of 255 is 1.6


def test_a_modality_table_takes_the_place_of_the_slope() -> None:
    samples = np.array([[-1, 0, 1]], np.int16)
    table = LookupTable(-1, np.array([100, 0, 50]), 8)
    assert rescale(samples, described(samples, slope=7.0, modality_table=table)).tolist() == [[100, 0, 50]]


def test_what_the_client_wants_comes_first_then_the_table_then_the_first_window() -> None:
    samples = np.array([[0, 100]], np.uint16)
    table = LookupTable(0, np.arange(256), 8)
    both = described(samples, voi_tables=(table,), windows=(Window(1, 2), Window(3, 4)))
    assert choose_voi(samples, both, Window(9, 9)) == Window(9, 9)
    assert choose_voi(samples, both, None) is table
    assert choose_voi(samples, replace(both, voi_tables=()), None) == Window(1, 2)


def test_a_voi_table_is_scaled_from_its_own_range() -> None:
    samples = np.array([[0, 1, 2, 3]], np.uint16)
    table = LookupTable(0, np.array([0, 1023, 2046, 4095], np.uint16), 12)
    assert shown(samples, described(samples, voi_tables=(table,))) == [[0, 64, 127, 255]]


def test_8_bits_without_a_window_are_shown_as_they_are() -> None:
    samples = np.array([[10, 20, 128]], np.uint8)
    assert shown(samples, described(samples)) == [[10, 20, 128]]


def test_single_bits_are_black_and_white() -> None:
    samples = np.array([[0, 1]], np.uint8)
    assert shown(samples, described(samples, 1)) == [[0, 255]]


def test_deeper_pixels_without_a_window_are_shown_from_smallest_to_largest() -> None:
    samples = np.array([[-1000, 0, 1000]], np.int16)
    assert shown(samples, described(samples)) == [[0, 128, 255]]
    assert shown(samples, described(samples, slope=-2.0)) == [[255, 128, 0]]


def test_padding_is_black_and_does_not_count_for_the_range() -> None:
    samples = np.array([[-2000, 0, 50, 100]], np.int16)
    assert shown(samples, described(samples, padding=(-2000, -2000))) == [[0, 0, 128, 255]]
    assert shown(samples, described(samples, padding=(-2000, -2000), is_inverse=True)) == [[0, 255, 128, 0]]


def test_bright_padding_is_black_too() -> None:
    samples = np.array([[0, 50, 100, 60000, 65535]], np.uint16)
    assert shown(samples, described(samples, padding=(60000, 65535))) == [[0, 128, 255, 0, 0]]


def test_an_image_of_nothing_but_padding_is_black() -> None:
    samples = np.full((2, 2), 7, np.uint16)
    assert shown(samples, described(samples, padding=(7, 7))) == [[0, 0], [0, 0]]


def test_inverse_images_are_turned_round() -> None:
    samples = np.array([[0, 1, 254, 255]], np.uint8)
    assert shown(samples, described(samples, is_inverse=True)) == [[255, 254, 1, 0]]


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_floating_point_pixels_that_are_no_numbers_are_black(kind: str) -> None:
    samples = np.array([[0.0, 0.5, 1.0, np.nan]], kind)
    assert shown(samples, described(samples)) == [[0, 128, 255, 0]]
    assert shown(samples, described(samples, is_inverse=True)) == [[255, 128, 0, 0]]
    infinite = np.array([[-np.inf, 0.0, 1.0, np.inf]], kind)
    assert shown(infinite, described(infinite)) == [[0, 0, 255, 255]]


def test_32_bit_pixels_of_a_wide_range_are_shown() -> None:
    samples = np.array([[0, 1 << 30, (1 << 31) - 1]], np.int32)
    assert shown(samples, described(samples)) == [[0, 128, 255]]
    unsigned = np.array([[0, 1 << 31, (1 << 32) - 1]], np.uint32)
    assert shown(unsigned, described(unsigned)) == [[0, 128, 255]]


@given(
    kind=st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4"]),
    seed=st.integers(0, 1000),
    width=st.floats(1, 70000),
    center=st.floats(-40000, 70000),
    slope=st.floats(-3, 3).filter(lambda slope: abs(slope) > 0.01),
    is_inverse=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_looking_up_gives_the_same_as_computing_each_pixel(
    kind: str, seed: int, width: float, center: float, slope: float, is_inverse: bool
) -> None:
    info = np.iinfo(kind)
    low, high = sorted(np.random.default_rng(seed).integers(info.min, info.max, 2, endpoint=True).tolist())
    samples = np.random.default_rng(seed).integers(low, high, (40, 50), endpoint=True).astype(kind)
    description = described(samples, slope=slope, padding=(low, low), is_inverse=is_inverse)
    window = Window(center, width)
    np.testing.assert_array_equal(
        to_brightness(samples, description, window), grayscale._transform(samples, description, window)
    )


def test_large_frames_are_worked_on_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(1).integers(0, 4096, (37, 11)).astype(np.uint16)
    description = described(samples, 12, windows=(Window(2000, 3000),))
    whole = shown(samples, description)
    monkeypatch.setattr(grayscale, "BLOCK_PIXELS", 50)
    assert shown(samples, description) == whole
