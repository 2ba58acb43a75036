"""Random fields: what tissue looks like between its boundaries. Pure; all chance comes from a given generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


class Waves:
    """A smooth random field in space with one dominant wavelength, about normally distributed (mean 0, variance 1).

    A sum of plane waves; each is a product of factors in x, y and z, so a slice is one product of small matrices.

    Parameters
    ----------
    rng : numpy.random.Generator
    wavelength_mm : float
    count : int
        Number of waves: more are smoother and cost more.
    """

    def __init__(self, rng: np.random.Generator, wavelength_mm: float, count: int = 48) -> None:
        directions = rng.normal(size=(3, count))
        directions /= np.linalg.norm(directions, axis=0)
        lengths = wavelength_mm * rng.uniform(0.7, 1.4, count)
        self._frequencies = 2 * np.pi * directions / lengths
        self._phases = rng.uniform(0, 2 * np.pi, count)

    def slice(self, x_mm: Field, y_mm: Field, z_mm: float) -> Field:
        """Return the field at a height, shape (len(y_mm), len(x_mm)), float32."""
        kx, ky, kz = self._frequencies
        along_x = np.exp(1j * kx[:, None] * x_mm[None, :])
        along_y = np.exp(1j * (ky[None, :] * y_mm[:, None] + (kz * z_mm + self._phases)[None, :]))
        field = (along_y.astype(np.complex64) @ along_x.astype(np.complex64)).real
        return np.asarray(field * np.float32(np.sqrt(2 / len(kx))), np.float32)


def grain(rng: np.random.Generator, shape: tuple[int, int], deviation: float) -> Field:
    """Return noise as a reconstruction leaves it: neighbours are alike.

    Parameters
    ----------
    deviation : float
        Standard deviation, in the unit of the picture.
    """
    white = rng.standard_normal((shape[0] + 1, shape[1] + 1), np.float32)
    blurred = white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]
    return np.asarray(blurred * np.float32(deviation / 2), np.float32)
