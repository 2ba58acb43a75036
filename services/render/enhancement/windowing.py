"""Windows chosen by what a frame holds: robust percentiles, and for CT the tissue that there is most of. Pure numpy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.enhancement.presets import PRESETS
from services.render.subject import Subject
from services.render.windows import Window

Array = npt.NDArray[Any]

PROJECTION: Final = frozenset({"CR", "DX", "MG", "IO", "PX", "RG", "RF", "XA"})
"""Modalities whose images are shadows of X-rays, and once were films."""

_AIR_HU: Final = np.float32(-1000)
_BODY_HU: Final = -300
"""Above it is the patient; below it air, also that in the lungs."""

_LUNG_HU: Final = (-950, -500)
_SOFT_HU: Final = (-200, 300)
"""Fat, water, muscle, organs and blood with contrast agent; bone is above."""

_LUNG_PART: Final = 0.25
_BONE_PART: Final = 0.35
_NARROWEST_HU: Final = 80.0
_SOFT_PERCENTILES: Final = (15, 85)
"""Less than this is skin, the edges of bones, and what a table is made of."""

_MARGIN: Final = 1.6
_SMALLEST_SIDE: Final = 128
_TOE_AND_SHOULDER: Final = 0.75
"""Width of a sigmoid by that of the values: at their ends it is 6 % from black and white."""

_BLOCK: Final = 4
"""Pixels along each side whose mean is looked at, so that noise in air is not taken for lung."""

_PERCENTILES: Final = (1.0, 99.5)
_ENOUGH_VALUES: Final = 1 << 20


def window_of(step: str, values: Array, subject: Subject, is_shown: Array | None = None) -> Window:
    """Return the window that a step chooses.

    Parameters
    ----------
    step : str
        One of `steps.WINDOWING`.
    values : ndarray
        Of the whole frame, rescaled, of shape (rows, columns).
    is_shown : ndarray or None
        Where they are no padding; None is everywhere.

    Raises
    ------
    UnsupportedInstance
        If it has no meaning for such values.
    """
    if step in PRESETS:
        if not subject.is_hounsfield:
            raise UnsupportedInstance(f"the window {step} is for CT in Hounsfield units")
        return PRESETS[step]
    shown = values if is_shown is None else values[is_shown]
    if step == "film":
        if subject.modality not in PROJECTION:
            raise UnsupportedInstance("film is for projections by X-rays: CR, DX and their like")
        return _film(shown)
    if subject.is_hounsfield:
        return _of_tissue(values if is_shown is None else np.where(is_shown, values, _AIR_HU))
    return of_percentiles(shown)


def of_percentiles(values: Array) -> Window:
    """Return the window of all values but the darkest 1 % and the brightest 0.5 %.

    The smallest and the largest value do not count if many pixels have them: they are air that was cut off, the border
    of a collimator, or a detector that was saturated.
    """
    low, high = _bounds(values, *_PERCENTILES)
    return Window((low + high) / 2, max(high - low, 1e-6), "LINEAR_EXACT")


def _film(values: Array) -> Window:
    """Return the window of a film: a sigmoid, like the curve of its blackening."""
    low, high = _bounds(values, 2.0, 98.0)
    return Window((low + high) / 2, max(_TOE_AND_SHOULDER * (high - low), 1e-6), "SIGMOID")


def _bounds(values: Array, lowest: float, highest: float) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    counted = values.ravel()[:: max(1, values.size // _ENOUGH_VALUES)]
    inside = counted[(counted > counted.min()) & (counted < counted.max())]
    low, high = np.percentile(inside if inside.size else counted, (lowest, highest))
    return float(low), float(high)


def _of_tissue(values: Array) -> Window:
    """Return the window of what a CT slice holds most of: lung, bone, or soft tissue by its own range.

    What is air around the patient does not count.
    """
    body = _body(values)
    solid = body[body > _BODY_HU]
    if not solid.size:
        return PRESETS["soft-tissue"]
    if np.mean((body > _LUNG_HU[0]) & (body < _LUNG_HU[1])) > _LUNG_PART:
        return PRESETS["lung"]
    if np.mean(solid > _SOFT_HU[1]) > _BONE_PART:
        return PRESETS["bone"]
    return _of_soft_tissue(solid[(solid > _SOFT_HU[0]) & (solid < _SOFT_HU[1])])


def _of_soft_tissue(values: Array) -> Window:
    """Return the window of soft tissue: narrow for a brain, wider where there is fat or contrast agent."""
    if not values.size:
        return PRESETS["soft-tissue"]
    low, high = np.percentile(values, _SOFT_PERCENTILES).tolist()
    return Window(round((low + high) / 2), round(max(_MARGIN * (high - low), _NARROWEST_HU)))


def _body(values: Array) -> Array:
    """Return the means of blocks inside of the patient: what has something solid on all four sides."""
    block = _BLOCK if min(values.shape) >= _SMALLEST_SIDE else 1
    rows, columns = (length // block * block for length in values.shape)
    tiles = values[:rows, :columns].reshape(rows // block, block, columns // block, block)
    means = tiles.mean(axis=(1, 3))
    solid = means > _BODY_HU
    sides = [
        np.flip(np.logical_or.accumulate(np.flip(solid, axis), axis=axis), axis)
        if is_far
        else np.logical_or.accumulate(solid, axis=axis)
        for axis in (0, 1)
        for is_far in (False, True)
    ]
    return means[np.logical_and.reduce(sides)]
