"""Each filter by its own properties, and by independent computations where there are some."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest

from services.render.enhancement.chain import filtered
from services.render.enhancement.contrast import equalise
from services.render.enhancement.detail import raise_detail, sharpen
from services.render.enhancement.filters import box, gaussian, smooth
from services.render.enhancement.noise import noise_level, reduce_noise
from services.render.enhancement.steps import parse_enhancement

Array = np.ndarray[Any, Any]

FILTERS = ("denoise", "unsharp", "detail", "clahe", "film", "denoise,unsharp,detail,clahe")
SIZES = ((1, 1), (1, 9), (7, 2), (3, 3), (17, 64), (65, 33), (128, 200))

# scikit-image 0.26, exposure.equalize_adapthist(waves, 512 // tiles, clip / 256, 256), [8::64, 8::64] * 65535
SCIKIT_IMAGE: Final = {
    (4, 2): [
        [53754, 8296, 62807, 8556, 34286, 53466, 19361, 59871],
        [47050, 4788, 60791, 6764, 23677, 56943, 4432, 64383],
        [49286, 6120, 62511, 7788, 26505, 58495, 5328, 65071],
        [48770, 12733, 59523, 12845, 27913, 58247, 11917, 63823],
        [45310, 12477, 51770, 10937, 27897, 44150, 25197, 49734],
        [39538, 30757, 37202, 24993, 27161, 39274, 44726, 33486],
        [15481, 51014, 18445, 41542, 26433, 34054, 57835, 19525],
        [12413, 60987, 1764, 52006, 11997, 31141, 57451, 10440],
    ],
    (40, 4): [
        [55271, 7160, 63371, 10937, 37690, 56311, 18017, 57483],
        [48574, 4072, 61479, 8852, 26101, 59475, 3716, 63839],
        [49978, 5548, 62871, 10640, 29177, 60155, 4900, 64811],
        [48718, 12705, 59531, 17433, 30509, 59395, 11693, 62823],
        [45690, 12161, 51810, 14681, 30693, 45690, 24593, 43986],
        [39978, 30505, 37702, 29173, 30117, 40610, 43950, 26617],
        [14717, 51910, 18909, 45974, 29273, 35566, 57491, 12733],
        [11293, 61743, 1636, 55963, 14033, 32621, 57315, 5128],
    ],
}


def waves() -> Array:
    y, x = np.mgrid[0:512, 0:512]
    picture = 96 + 60 * np.sin(x / 17) * np.cos(y / 11) + ((x * 7 + y * 13) % 23) + 40 * (x > 320)
    return picture.clip(0, 255).astype(np.uint8)


def noisy_step(sigma: float, size: int = 128) -> tuple[Array, Array]:
    """Return an edge between 0.3 and 0.7 without noise, and with it."""
    clean = np.full((size, size), 0.3, np.float32)
    clean[:, size // 2 :] = 0.7
    return clean, clean + np.random.default_rng(1).normal(0, sigma, clean.shape).astype(np.float32)


@pytest.mark.parametrize("enhancement", FILTERS)
@pytest.mark.parametrize("size", SIZES)
def test_a_filter_keeps_the_size_and_the_type(enhancement: str, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random(size, np.float32)
    result = filtered(image, parse_enhancement(enhancement))
    assert (result.shape, result.dtype) == (size, np.float32)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("enhancement", FILTERS)
def test_a_filter_is_deterministic_and_leaves_its_input_alone(enhancement: str) -> None:
    image = np.random.default_rng(2).random((100, 90), np.float32)
    before = image.copy()
    first, second = (filtered(image, parse_enhancement(enhancement)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("enhancement", ["denoise", "unsharp", "detail"])
@pytest.mark.parametrize("value", [-0.7, 0.0, 0.25, 1.0, 2.5])
def test_what_is_even_stays_as_it_is(enhancement: str, value: float) -> None:
    image = np.full((90, 70), value, np.float32)
    np.testing.assert_allclose(filtered(image, parse_enhancement(enhancement)), image, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.25, 0.5, 1.0])
def test_equalisation_of_what_is_even_stays_even_and_near(value: float) -> None:
    result = equalise(np.full((90, 70), value, np.float32), clip=2, tiles=8)
    assert np.ptp(result) < 1e-6
    assert abs(float(result[0, 0]) - value) <= 2.5 / 256


def test_film_leaves_an_even_picture_even_and_its_middle_where_it_is() -> None:
    result = filtered(np.full((90, 70), 0.5, np.float32), parse_enhancement("film"))
    np.testing.assert_allclose(result, 0.5, atol=1e-5)


# --- contrast-limited adaptive histogram equalisation ----------------------------------------------------------------


@pytest.mark.parametrize(("clip", "tiles"), list(SCIKIT_IMAGE))
def test_equalisation_agrees_with_scikit_image_within_a_grey_level(clip: int, tiles: int) -> None:
    # An 8-bit value is the upper end of its bin there.
    image = (waves().astype(np.float32) + np.float32(0.999)) / 256
    result = equalise(image, clip=clip, tiles=tiles)[8::64, 8::64]
    expected = np.array(SCIKIT_IMAGE[clip, tiles]) / 65535
    assert np.abs(result - expected).max() * 255 < 0.25


def test_contrast_grows_by_no_more_than_the_limit() -> None:
    ramp = np.tile(np.linspace(0.4, 0.6, 200, dtype=np.float32), (200, 1))
    for clip in (1.0, 2.0, 4.0):
        steps = np.diff(equalise(ramp, clip=clip, tiles=2).astype(np.float64), axis=1)
        assert steps.max() <= (clip + 1) * (ramp[0, 1] - ramp[0, 0]) * 1.01


def test_equalisation_keeps_the_order_of_values_in_a_place() -> None:
    image = np.random.default_rng(3).random((64, 64), np.float32)
    brighter = image.copy()
    brighter[30, 30] = min(1.0, image[30, 30] + 0.2)
    assert equalise(brighter, clip=3, tiles=4)[30, 30] > equalise(image, clip=3, tiles=4)[30, 30]


def test_deep_values_stay_apart_after_equalisation() -> None:
    ramp = np.tile(np.linspace(0, 1, 4096, dtype=np.float32), (16, 1))
    row = equalise(ramp, clip=2, tiles=2)[8]
    assert len(np.unique(row)) > 4000


# --- detail -----------------------------------------------------------------------------------------------------------


def test_a_gain_of_one_gives_back_what_came() -> None:
    image = np.random.default_rng(4).random((101, 77), np.float32)
    np.testing.assert_allclose(raise_detail(image, gain=1.0, limit=0.1, levels=5), image, atol=1e-5)
    np.testing.assert_array_equal(sharpen(image, amount=0.0, radius=2.0), image)


def test_weak_contrast_is_raised_by_the_gain_and_strong_contrast_hardly() -> None:
    x = np.tile(np.arange(256), (256, 1))
    wave = np.sin(2 * np.pi * x / 16).astype(np.float32)
    factor = {}
    for amplitude in (0.005, 1.0):
        raised = raise_detail(0.5 + amplitude * wave, gain=3.0, limit=0.05, levels=5) - 0.5
        factor[amplitude] = raised[64:192, 64:192].std() / (amplitude * wave[64:192, 64:192].std())
    assert 2.2 < factor[0.005] < 3.2
    assert factor[1.0] < 1.4


def test_raised_detail_is_bounded_in_every_band() -> None:
    clean, _ = noisy_step(0)
    gain, limit, levels = 4.0, 0.05, 4
    change = raise_detail(clean, gain=gain, limit=limit, levels=levels) - clean
    assert np.abs(change).max() <= levels * (gain - 1) * limit


def test_noise_is_raised_less_than_detail_of_the_same_size() -> None:
    noisy = noisy_step(0.02, 256)[1]
    raised = raise_detail(noisy, gain=4.0, limit=0.1, levels=1)
    flat = np.s_[16:240, 16:110]
    assert raised[flat].std() / noisy[flat].std() < 3.0


def test_an_unsharp_mask_is_the_image_plus_its_difference_to_a_blur() -> None:
    image = np.zeros((41, 41), np.float32)
    image[20, 20] = 1
    sharpened = sharpen(image, amount=2.0, radius=1.5)
    y, x = np.mgrid[-20:21, -20:21]
    blur = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    np.testing.assert_allclose(sharpened, image + 2 * (image - blur / blur.sum()), atol=2e-3)
    assert abs(sharpened.sum() - 1) < 1e-4, "the mean brightness stays"


# --- noise ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.001, 0.01, 0.05])
def test_the_noise_level_is_measured_beside_an_edge(sigma: float) -> None:
    assert noise_level(noisy_step(sigma)[1]) == pytest.approx(sigma, rel=0.1)


def test_where_air_was_cut_off_no_noise_is_measured() -> None:
    image = noisy_step(0.02)[1]
    image[:100] = 0
    assert noise_level(image) == pytest.approx(0.02, rel=0.25)
    assert noise_level(np.zeros((64, 64), np.float32)) == 0
    assert noise_level(np.zeros((2, 2), np.float32)) == 0


def test_noise_falls_and_an_edge_stays() -> None:
    clean, noisy = noisy_step(0.02)
    result = reduce_noise(noisy, strength=2.0, radius=3)
    flat = np.s_[10:118, 10:50]
    assert (result - clean)[flat].std() < 0.35 * 0.02
    edge = (result[:, 66].mean() - result[:, 61].mean()) / 0.4
    assert 0.95 < edge < 1.05
    assert np.abs((result - clean).mean()) < 0.001, "the mean brightness stays"


def test_without_noise_nothing_is_reduced() -> None:
    clean, _ = noisy_step(0)
    np.testing.assert_allclose(reduce_noise(clean, strength=5.0, radius=4), clean, atol=1e-4)


def test_smoothing_is_the_convolution_that_its_taps_say() -> None:
    image = np.random.default_rng(5).random((9, 30), np.float32)
    for taps in (box(2), gaussian(1.2), [1.0]):
        kernel = np.array([*taps[:0:-1], *taps])
        padded = np.pad(image.astype(np.float64), len(taps) - 1, mode="reflect")
        rows = np.apply_along_axis(np.convolve, 0, padded, kernel, "valid")
        expected = np.apply_along_axis(np.convolve, 1, rows, kernel, "valid")
        np.testing.assert_allclose(smooth(image, taps), expected, atol=1e-5)
        assert kernel.sum() == pytest.approx(1)
