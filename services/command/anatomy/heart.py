"""A beating heart for ultrasound: the four chambers as a probe at the apex sees them, with an ECG below. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.command.anatomy.canvas import Canvas, Field

DEPTH_MM: Final = 160.0
SECTOR: Final = 0.72
"""Half the angle of the sector, in radians."""

_TOP, _BOTTOM = 0.05, 0.86
"""Where the sector begins and ends, in parts of the picture's height; the ECG runs below."""


class FourChambers:
    """One heart; equal seeds give equal hearts.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, columns : int
        Of the picture.
    """

    def __init__(self, rng: np.random.Generator, rows: int, columns: int) -> None:
        self._shape = (rows, columns)
        self.spacing_mm = DEPTH_MM / ((_BOTTOM - _TOP) * rows)
        self._strength = rng.uniform(0.8, 1.2)
        self._speckle = _speckle(rng)
        x = (np.arange(columns) - columns / 2) * self.spacing_mm
        y = (np.arange(rows) - _TOP * rows) * self.spacing_mm
        self._depth = np.hypot(x[None, :], y[:, None]).astype(np.float32)
        self._angle = np.arctan2(x[None, :], np.maximum(y[:, None], 1e-6)).astype(np.float32)
        self._sector = (abs(self._angle) < SECTOR) & (self._depth > 3) & (self._depth < DEPTH_MM) & (y[:, None] > 0)

    def frame(self, rng: np.random.Generator, phase: float) -> NDArray[np.uint8]:
        """Return the picture at a moment of the heart's cycle.

        Parameters
        ----------
        rng : numpy.random.Generator
            Of the noise.
        phase : float
            0 at the R wave, 1 at the next one.

        Returns
        -------
        ndarray, shape (rows, columns, 3), uint8
            RGB.
        """
        echo = self._tissue(_contraction(phase) * self._strength)
        row = np.clip(self._depth * 6, 0, self._speckle.shape[0] - 1).astype(np.int32)
        column = np.clip((self._angle / SECTOR + 1) * 0.5 * (self._speckle.shape[1] - 1), 0, None).astype(np.int32)
        column = np.minimum(column, self._speckle.shape[1] - 1)
        grain = self._speckle[row, column]
        amplitude = echo * grain * np.exp(-self._depth / np.float32(260)) + rng.rayleigh(0.004, self._shape)
        level = np.clip((20 * np.log10(amplitude + 1e-4) + 46) / 46, 0, 1) * self._sector
        picture = np.repeat((level * 235).astype(np.uint8)[:, :, None], 3, axis=2)
        self._furniture(picture, phase)
        return picture

    def _tissue(self, contraction: float) -> Field:
        """Return how strongly each point reflects, 0 (blood) to 1 (valves, lung)."""
        rows, columns = self._shape
        canvas = Canvas(rows, columns, self.spacing_mm, 0.32)
        canvas.y = ((np.arange(rows) - _TOP * rows) * self.spacing_mm).astype(np.float32)  # the probe is the origin
        squeeze, drop = 1 - 0.3 * contraction, 9 * contraction  # walls thicken, the valves' plane comes to the apex
        base = 88 - drop
        canvas.ellipse((4, 78), (58, 66), 0.5, edge_mm=5)  # muscle
        canvas.ellipse((4, 78), (61, 69), 0.12, edge_mm=1.2)
        canvas.ellipse((4, 78), (58, 66), 0.5, edge_mm=2)
        canvas.ellipse(
            (20, 58 + 3 * contraction), (19 * squeeze, 37 * (1 - 0.1 * contraction)), 0.005, angle=-0.12, edge_mm=3
        )
        canvas.ellipse((-22, 64 + 2 * contraction), (14 * squeeze, 29), 0.006, angle=0.2, edge_mm=3)
        filling = 1 + 0.16 * contraction
        canvas.ellipse((18, 117 - drop * 0.4), (19 * filling, 20 * filling), 0.005, edge_mm=3)
        canvas.ellipse((-22, 115 - drop * 0.4), (18 * filling, 20 * filling), 0.005, edge_mm=3)
        canvas.ellipse((-1, 112), (2.2, 20), 0.42, edge_mm=2)  # septum of the atria
        opening = max(0.0, 1 - 2.4 * contraction)
        for x, width in ((18, 15.0), (-22, 14.0)):  # mitral and tricuspid valves, two leaflets each
            for side in (-1, 1):
                turn = side * (0.25 + 0.95 * opening)
                middle = (x + side * width * 0.55, base - 5 * opening)
                canvas.ellipse(middle, (width * 0.52, 0.9), 0.95, angle=turn, edge_mm=1.2)
            for side in (-1, 1):
                canvas.ellipse((x + side * (width + 3), base + 2), (3, 3), 0.8, edge_mm=2)
        canvas.ellipse((46, 140), (11, 8), 0.005, edge_mm=2)  # descending aorta
        return canvas.pixels

    def _furniture(self, picture: NDArray[np.uint8], phase: float) -> None:
        """Draw the ECG with its moving mark, the scale of grey, and ticks each centimetre."""
        rows, columns = self._shape
        times = np.linspace(0, 2, columns)
        line = ((0.95 - 0.07 * _ecg(times)) * rows).astype(int)
        for column in range(1, columns):
            low, high = sorted((line[column - 1], line[column]))
            picture[low : high + 1, column] = (70, 220, 90)
        mark = int(phase % 1 * (columns / 2))
        picture[int(0.87 * rows) : int(0.98 * rows), mark] = (230, 230, 120)
        ramp = np.linspace(235, 0, max(1, rows // 4)).astype(np.uint8)
        picture[rows // 16 : rows // 16 + len(ramp), columns // 40 : columns // 40 + columns // 60 + 1] = ramp[
            :, None, None
        ]
        ticks = (_TOP * rows + np.arange(0, DEPTH_MM + 1, 10) / self.spacing_mm).astype(int)
        picture[ticks, -columns // 50 : -columns // 100] = 180


def _speckle(rng: np.random.Generator) -> Field:
    """Return the amplitudes of many echoes that interfere, over depth and angle; finer along the beam than across."""
    noise = rng.standard_normal((2, 980, 200))
    complex_noise = noise[0] + 1j * noise[1]
    for axis, reach in ((0, 5), (1, 2)):
        complex_noise = sum(np.roll(complex_noise, step, axis) for step in range(-reach, reach + 1)) / np.sqrt(
            2 * reach + 1
        )
    return (abs(complex_noise) / np.sqrt(2)).astype(np.float32)


def _contraction(phase: float) -> float:
    """Return how contracted the ventricles are, 0 to 1: quickly to systole, slowly back."""
    phase %= 1
    if phase < 0.35:
        return float(np.sin(np.pi / 2 * phase / 0.35) ** 2)
    return float(np.cos(np.pi / 2 * min(1.0, (phase - 0.35) / 0.3)) ** 2)


def _ecg(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the voltage over some cycles: P, Q, R, S and T waves."""
    phase = (times + 0.5) % 1 - 0.5
    waves = ((-0.18, 0.025, 0.14), (-0.03, 0.008, -0.12), (0.0, 0.010, 1.0), (0.03, 0.010, -0.25), (0.28, 0.045, 0.28))
    return np.asarray(sum(height * np.exp(-(((phase - at) / width) ** 2)) for at, width, height in waves))
