"""Detail: unsharp mask, and the Laplacian pyramid with a gain for what is weak. Pure numpy.

References
----------
P. Burt, E. Adelson: The Laplacian pyramid as a compact image code. IEEE Trans. Communications 31 (1983).
P. Vuylsteke, E. Schoeters: Multiscale image contrast amplification. SPIE 2167 (1994), for the idea of raising weak
contrast more than strong.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from services.render.enhancement.filters import BINOMIAL, gaussian, smooth
from services.render.enhancement.noise import noise_level

Array = npt.NDArray[Any]

_SMALLEST_SIDE: Final = 8
"""Pixels of a level; smaller ones hold no detail but the whole."""

_NOISE_LEFT: Final = 0.85
"""Part of white noise that is in the finest band."""


def sharpen(image: Array, *, amount: float, radius: float) -> Array:
    """Return `image` plus `amount` of what a Gaussian blur of `radius` pixels takes from it (unsharp mask)."""
    return image + np.float32(amount) * (image - smooth(image, gaussian(radius)))


def raise_detail(image: Array, *, gain: float, limit: float, levels: int, latitude: float = 1.0) -> Array:
    """Return `image` with weak contrast of every size raised, and strong contrast left nearly as it is.

    Parameters
    ----------
    image : ndarray
        float32 of shape (rows, columns), 0 to 1 being what the window shows.
    gain : float
        Factor for the weakest contrast that is not noise.
    limit : float
        Contrast beyond which little is added: a band never grows by more than ``(gain - 1) * limit``.
    levels : int
        Bands, each of twice the size of the one before.
    latitude : float
        Factor for what is larger than all bands; below 1 it makes room for detail in the darkest and brightest parts.
    """
    bands, rest = _decompose(image, levels)
    noise = noise_level(image) * _NOISE_LEFT
    # Large areas keep the brightness of their middle, so that a picture grows neither darker nor brighter.
    result = np.float32(0.5) + np.float32(latitude) * (rest - np.float32(0.5))
    for number in reversed(range(len(bands))):
        result = _expand(result, bands[number].shape) + _raised(bands[number], gain, limit, noise / 2**number)
    return result


def _raised(band: Array, gain: float, limit: float, noise: float) -> Array:
    """Return a band with its weak contrast raised; what is no stronger than noise is raised least.

    Monotone: of two contrasts the stronger one stays the stronger one.
    """
    power = band * band
    certainty = power / np.maximum(power + np.float32(noise * noise), np.float32(1e-20))
    return band + np.float32((gain - 1) * limit) * np.tanh(band / np.float32(limit)) * certainty


def _decompose(image: Array, levels: int) -> tuple[list[Array], Array]:
    """Return the bands of `image`, the finest first, and what is left."""
    bands: list[Array] = []
    while len(bands) < levels and min(image.shape) >= 2 * _SMALLEST_SIDE:
        smaller = np.ascontiguousarray(smooth(image, BINOMIAL)[::2, ::2])
        bands.append(image - _expand(smaller, image.shape))
        image = smaller
    return bands, image


def _expand(image: Array, shape: tuple[int, ...]) -> Array:
    """Return `image` at twice its size."""
    spread = np.zeros(shape, np.float32)
    spread[::2, ::2] = 4 * image
    return smooth(spread, BINOMIAL)
