from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.render.viewport import LARGEST_SIDE, Region, fitted_size, resample

Array = np.ndarray[Any, Any]


def noise(*shape: int) -> Array:
    return np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("rows", "columns", "aspect", "box", "expected"),
    [
        (512, 512, 1.0, None, (512, 512)),
        (512, 512, 1.0, (256, 256), (256, 256)),
        (100, 200, 1.0, (256, 256), (128, 256)),
        (200, 100, 1.0, (256, 256), (256, 128)),
        (64, 64, 1.0, (256, 256), (256, 256)),  # up as well
        (1, 1000, 1.0, (100, 100), (1, 100)),  # never nothing
        (100, 100, 2.0, None, (200, 100)),  # high pixels: more rows, no column is lost
        (100, 100, 0.5, None, (100, 200)),
        (100, 100, 2.0, (100, 100), (100, 50)),
        (100, 100, 1.001, None, (100, 100)),  # a rounding error of the spacing is no reason to resample
    ],
)
def test_pictures_fit_with_square_pixels(
    rows: int, columns: int, aspect: float, box: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    assert fitted_size(rows, columns, aspect, box) == expected


@given(st.integers(1, 70000), st.integers(1, 70000), st.floats(1e-6, 1e6), st.integers(1, 8192), st.integers(1, 8192))
def test_no_picture_is_larger_than_its_box(rows: int, columns: int, aspect: float, width: int, height: int) -> None:
    out_rows, out_columns = fitted_size(rows, columns, aspect, (width, height))
    assert 1 <= out_rows <= height
    assert 1 <= out_columns <= width


@given(st.floats(1e-9, 1e9))
def test_absurd_spacing_makes_no_absurd_picture(aspect: float) -> None:
    rows, columns = fitted_size(512, 512, aspect, None)
    assert 1 <= rows <= LARGEST_SIDE
    assert 1 <= columns <= LARGEST_SIDE


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_reducing_by_whole_factors_averages_blocks(factor: int, channels: tuple[int, ...]) -> None:
    picture = noise(24, 48, *channels)
    expected = picture.reshape(24 // factor, factor, 48 // factor, factor, *channels).mean(axis=(1, 3))
    found = resample(picture, 24 // factor, 48 // factor)
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() <= 0.51


def test_reducing_by_a_broken_factor_weighs_parts_of_pixels() -> None:
    column = np.array([[0], [90], [210]], np.uint8)
    assert resample(column, 2, 1).tolist() == [[30], [170]]  # (0 + 45) / 1.5 and (45 + 210) / 1.5


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), out=st.tuples(st.integers(1, 60), st.integers(1, 60)))
@settings(deadline=None)
def test_resampling_keeps_flat_pictures_flat_and_the_mean_of_reduced_ones(
    rows: int, columns: int, out: tuple[int, int]
) -> None:
    assert np.unique(resample(np.full((rows, columns), 201, np.uint8), *out)).tolist() == [201]
    picture = noise(rows, columns)
    reduced = resample(picture, min(out[0], rows), min(out[1], columns))
    assert abs(float(reduced.mean()) - float(picture.mean())) <= 0.51


def test_enlarging_interpolates_between_centres() -> None:
    assert resample(np.array([[0, 100]], np.uint8), 1, 4).tolist() == [[0, 25, 75, 100]]


def test_enlarging_and_reducing_may_be_needed_at_once() -> None:
    assert resample(noise(100, 10, 3), 10, 100).shape == (10, 100, 3)


def test_regions_are_cut_and_flipped() -> None:
    picture = np.arange(20).reshape(4, 5)
    assert Region(1, 2, 3, 2).cut(picture).tolist() == [[11, 12, 13], [16, 17, 18]]
    assert Region(1, 2, 3, 2, is_flipped_horizontally=True).cut(picture).tolist() == [[13, 12, 11], [18, 17, 16]]
    assert Region(1, 2, 3, 2, is_flipped_vertically=True).cut(picture).tolist() == [[16, 17, 18], [11, 12, 13]]
