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

_AIR_HU: Final = -950
_LUNG_HU: Final = (-950, -500)
_BONE_HU: Final = 300
_SOFT_HU: Final = -200
_LUNG_PART: Final = 0.25
_BONE_PART: Final = 0.35
_PERCENTILES: Final = (1.0, 99.5)
_ENOUGH_VALUES: Final = 1 << 20


def window_of(step: str, values: Array, subject: Subject) -> Window:
    """Return the window that a step chooses.

    Parameters
    ----------
    step : str
        One of `steps.WINDOWING`.
    values : ndarray
        Those of the whole frame that are no padding, rescaled; of any shape.

    Raises
    ------
    UnsupportedInstance
        If it has no meaning for such values.
    """
    if step in PRESETS:
        if not subject.is_hounsfield:
            raise UnsupportedInstance(f"the window {step} is for CT in Hounsfield units")
        return PRESETS[step]
    if step == "film":
        if subject.modality not in PROJECTION:
            raise UnsupportedInstance("film is for projections by X-rays: CR, DX and their like")
        return _film(values)
    return _of_tissue(values, subject) if subject.is_hounsfield else of_percentiles(values)


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
    return Window((low + high) / 2, max(high - low, 1e-6), "SIGMOID")


def _bounds(values: Array, lowest: float, highest: float) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    counted = values.ravel()[:: max(1, values.size // _ENOUGH_VALUES)]
    inside = counted[(counted > counted.min()) & (counted < counted.max())]
    low, high = np.percentile(inside if inside.size else counted, (lowest, highest))
    return float(low), float(high)


def _of_tissue(values: Array, subject: Subject) -> Window:
    """Return the window of the tissue that a CT slice holds most of; what is air around the patient does not count."""
    body = values[values > _AIR_HU]
    if not body.size:
        return PRESETS["soft-tissue"]
    lung = np.mean((body > _LUNG_HU[0]) & (body < _LUNG_HU[1]))
    dense = body[body > _SOFT_HU]
    bone = np.mean(dense > _BONE_HU) if dense.size else 0.0
    if lung > _LUNG_PART:
        return PRESETS["lung"]
    if bone > _BONE_PART:
        return PRESETS["bone"]
    return PRESETS["brain" if subject.body_part in {"HEAD", "BRAIN"} else "soft-tissue"]
