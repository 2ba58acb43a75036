"""An enhancement carried out, between the modality transform and the window. Pure numpy.

All steps but the choice of the window work on values with their full depth, scaled so that 0 to 1 is what the window
shows. Their way from there to a picture is that of every other frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.enhancement.contrast import equalise
from services.render.enhancement.detail import raise_detail, sharpen
from services.render.enhancement.noise import reduce_noise
from services.render.enhancement.steps import WINDOWING, Enhancement, Step
from services.render.enhancement.windowing import window_of
from services.render.lookup_tables import LookupTable
from services.render.shown import Shown
from services.render.subject import Subject
from services.render.windows import Window

Array = npt.NDArray[Any]

MOST_PIXELS: Final = 1 << 25
"""Of a frame that is enhanced: a filter takes several times its size as floating-point numbers."""

_HEADROOM: Final = 2.0
"""Widths of the window beyond both its ends in which values keep their differences: metal casts no halo."""

_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_FILM_LEVELS: Final = 6
_FILM_STRONG: Final = 0.1


def choose_window(shown: Shown, enhancement: Enhancement, subject: Subject) -> Window | None:
    """Return the window that a step of `enhancement` chooses, None if no step does.

    Parameters
    ----------
    shown : Shown
        The whole frame.

    Raises
    ------
    UnsupportedInstance
        If the step has no meaning for such values.
    """
    names = [step.name for step in enhancement if step.name in WINDOWING]
    if not names:
        return None
    is_shown = None if shown.is_padding is None else ~shown.is_padding
    return window_of(names[0], shown.values, subject, is_shown)


def enhance(shown: Shown, voi: Window | LookupTable, enhancement: Enhancement) -> Shown:
    """Return a frame with the steps of `enhancement` carried out.

    Parameters
    ----------
    shown : Shown
        The whole frame, so that the looks of a part do not depend on the cut.
    voi : Window or LookupTable
        That it will be shown with.

    Raises
    ------
    UnsupportedInstance
        If it is too large.
    """
    _refuse_giant(shown.values)
    low, high = _range(voi)
    scale = np.float32(max(high - low, 1e-6))
    image = (shown.values - np.float32(low)) / scale
    if shown.is_padding is not None:
        image[shown.is_padding] = 0
    image = filtered(np.clip(image, -_HEADROOM, 1 + _HEADROOM), enhancement)
    return replace(shown, values=image * scale + np.float32(low))


def enhance_colour(rgb: Array, enhancement: Enhancement) -> Array:
    """Return an RGB frame with its brightness enhanced; its colours keep their differences.

    Parameters
    ----------
    rgb : ndarray
        uint8 of shape (rows, columns, 3).

    Raises
    ------
    UnsupportedInstance
        If a step has no meaning for colour, or the frame is too large.
    """
    if any(step.name in WINDOWING for step in enhancement):
        raise UnsupportedInstance("windows have no meaning for colour")
    _refuse_giant(rgb)
    luma = rgb @ (_LUMA / np.float32(255))
    change = (filtered(luma, enhancement) - luma) * np.float32(255)
    return np.rint(np.clip(rgb + change[..., None], 0, 255)).astype(np.uint8)


def filtered(image: Array, enhancement: Enhancement) -> Array:
    """Return `image`, float32 in which 0 to 1 is shown, after all filters of `enhancement`."""
    for step in enhancement:
        if step.name in FILTERS:
            image = FILTERS[step.name](image, step)
    return image


def _refuse_giant(frame: Array) -> None:
    if frame.shape[0] * frame.shape[1] > MOST_PIXELS:
        raise UnsupportedInstance(f"frames of more than {MOST_PIXELS} pixels are not enhanced")


def _range(voi: Window | LookupTable) -> tuple[float, float]:
    """Return the values between which brightness changes."""
    if isinstance(voi, LookupTable):
        return voi.first_mapped, voi.first_mapped + len(voi.entries) - 1
    return voi.center - voi.width / 2, voi.center + voi.width / 2


def _film(image: Array, step: Step) -> Array:
    return raise_detail(image, limit=_FILM_STRONG, levels=_FILM_LEVELS, **step.settings)


def _denoise(image: Array, step: Step) -> Array:
    return reduce_noise(image, strength=step.settings["strength"], radius=int(step.settings["radius"]))


def _unsharp(image: Array, step: Step) -> Array:
    return sharpen(image, **step.settings)


def _detail(image: Array, step: Step) -> Array:
    levels = int(step.settings["levels"])
    return raise_detail(image, gain=step.settings["gain"], limit=step.settings["limit"], levels=levels)


def _clahe(image: Array, step: Step) -> Array:
    return equalise(image, clip=step.settings["clip"], tiles=int(step.settings["tiles"]))


FILTERS: Final[dict[str, Callable[[Array, Step], Array]]] = {
    "film": _film,
    "denoise": _denoise,
    "unsharp": _unsharp,
    "detail": _detail,
    "clahe": _clahe,
}
"""What each step does to an image in which 0 to 1 is shown."""
