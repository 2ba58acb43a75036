from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.pixels import apply_windowing

from services.render.windows import Window, apply_window, window_of_range


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        # PS3.3 C.11.2.1.2.1, the examples of the Standard in its note: y from 0 to 255.
        (Window(2048, 4096), {0: 0, 4095: 255}),
        (Window(2048, 1), {2047: 0, 2048: 255}),
        (Window(0, 100), {-50: 0, 49: 255}),
        (Window(0, 1), {-1: 0, 0: 255}),
        # C.11.2.1.3.2 LINEAR_EXACT: x <= c - w/2, x > c + w/2, and the middle.
        (Window(0, 100, "LINEAR_EXACT"), {-50: 0, 0: 127.5, 50: 255, 51: 255}),
        (Window(0, 0.5, "LINEAR_EXACT"), {-0.25: 0, 0: 127.5, 0.25: 255}),
        # C.11.2.1.3.1 SIGMOID: half at the center; 1/(1 + e^4) and 1/(1 + e^-4) one width away.
        (Window(10, 20, "SIGMOID"), {10: 127.5, -10: 255 / (1 + np.exp(4)), 30: 255 / (1 + np.exp(-4))}),
    ],
)
def test_windows_meet_the_formulas_at_their_corners(window: Window, expected: dict[float, float]) -> None:
    values = np.array(list(expected), np.float64)
    np.testing.assert_allclose(apply_window(values, window), list(expected.values()), atol=1e-9)


def test_values_outside_of_a_window_are_black_and_white() -> None:
    values = np.array([-1e9, 1e9])
    for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        np.testing.assert_allclose(apply_window(values, Window(40, 400, function)), [0, 255], atol=1e-9)


@given(
    center=st.floats(-3000, 3000),
    width=st.floats(1.001, 5000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_agree_with_pydicom(center: float, width: float, function: str) -> None:
    ds = Dataset()
    ds.PhotometricInterpretation, ds.BitsStored, ds.PixelRepresentation = "MONOCHROME2", 16, 1
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = center, width, function
    values = np.linspace(-4000, 4000, 101).astype(np.int16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = apply_windowing(values, ds)  # of the range -32768 to 32767
    expected = (reference + 32768) / 65535 * 255
    ours = apply_window(values.astype(np.float64), Window(float(ds.WindowCenter), float(ds.WindowWidth), function))
    np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize(
    "window",
    [
        Window(0, 0),
        Window(0, 0.5),
        Window(0, -10),
        Window(float("nan"), 10),
        Window(0, float("inf")),
        Window(0, 0, "LINEAR_EXACT"),
        Window(0, 0, "SIGMOID"),
        Window(0, 10, "CUBIC"),
    ],
)
def test_windows_that_the_standard_does_not_allow_are_not_valid(window: Window) -> None:
    assert not window.is_valid


def test_a_window_of_a_range_shows_its_ends_as_black_and_white() -> None:
    np.testing.assert_allclose(apply_window(np.array([-7.0, 0.5, 8.0]), window_of_range(-7, 8)), [0, 127.5, 255])


def test_an_image_of_one_value_has_a_window_too() -> None:
    shown = apply_window(np.array([5.0]), window_of_range(5, 5))
    assert np.isfinite(shown).all()
