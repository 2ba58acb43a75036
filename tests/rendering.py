"""A frame's picture as the pipeline makes it, in one call."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from services.render.description import Description
from services.render.pixels import Wish, fitted, shaded
from services.render.presentation import AS_STORED, Presentation

Array = npt.NDArray[Any]


def render(
    samples: Array,
    photometric_interpretation: str,
    description: Description,
    wish: Wish,
    presentation: Presentation = AS_STORED,
) -> Array:
    shown = shaded(samples, photometric_interpretation, description, wish)
    return fitted(shown, description, wish, presentation)
