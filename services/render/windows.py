"""Windows: which values of an image become which brightness (PS3.3 C.11.2.1.2, C.11.2.1.3). Pure numpy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Window:
    """A window, in the units that come out of the modality transform.

    Parameters
    ----------
    function : str
        VOI LUT Function: LINEAR, LINEAR_EXACT or SIGMOID.
    explanation : str
        What the image calls it.
    """

    center: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether the Standard allows it: LINEAR needs a width of at least 1, the others one above 0."""
        is_wide_enough = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        return (
            math.isfinite(self.center) and math.isfinite(self.width) and is_wide_enough and self.function in FUNCTIONS
        )


def apply_window(values: Array, window: Window, maximum: float = 255.0) -> Array:
    """Return the brightness of `values`, 0 to `maximum`, as floating-point numbers of the same shape."""
    return FUNCTIONS[window.function](values, window.center, window.width) * maximum


def _linear(values: Array, center: float, width: float) -> Array:
    """C.11.2.1.2.1: the window has `width` values, so that its ends are ``width - 1`` apart."""
    if width == 1:
        return (values > center - 0.5).astype(np.float64)
    return np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


def _linear_exact(values: Array, center: float, width: float) -> Array:
    """C.11.2.1.3.2."""
    return np.clip((values - center) / width + 0.5, 0, 1)


def _sigmoid(values: Array, center: float, width: float) -> Array:
    """C.11.2.1.3.1; the exponent is clipped where the result is 0 or 1 to 300 digits."""
    return 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))


FUNCTIONS: Final[dict[str, Callable[[Array, float, float], Array]]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}


def window_of_range(low: float, high: float) -> Window:
    """Return the window in which `low` is black and `high` white."""
    return Window((low + high) / 2, max(high - low, np.finfo(np.float64).tiny), "LINEAR_EXACT")
