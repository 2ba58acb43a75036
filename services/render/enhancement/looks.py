"""What an enhanced frame looks like, in 8 bits: its way through the grayscale pipeline. Pure."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.description import Description
from services.render.enhancement.chain import choose_window, enhance
from services.render.enhancement.steps import Enhancement
from services.render.grayscale import choose_voi
from services.render.lookup_tables import LookupTable
from services.render.shown import Shown, to_picture, to_shown
from services.render.viewport import Region
from services.render.windows import Window

Array = npt.NDArray[Any]


def enhanced_brightness(
    samples: Array,
    description: Description,
    enhancement: Enhancement,
    window: Window | None = None,
    voi: str = "",
) -> Array:
    """Return the brightness of a monochrome frame after its enhancement.

    Parameters
    ----------
    samples : ndarray
        Stored values of the whole frame, of shape (rows, columns).
    window : Window or None
        That the client chose.
    voi : str
        Which of the alternatives that the image brings, see `services.render.grayscale.choose_voi`.

    Returns
    -------
    ndarray
        uint8, 0 is black.

    Raises
    ------
    UnsupportedInstance
        If a step has no meaning for the frame.
    """
    if description.palette is not None:
        raise UnsupportedInstance("a frame with a Supplemental Palette is not enhanced")
    shown = to_shown(samples, description)
    chosen = window or choose_window(shown, enhancement, description.subject)
    return enhanced_picture(shown, choose_voi(samples, description, chosen, voi), description, enhancement)


def enhanced_picture(
    shown: Shown,
    voi: Window | LookupTable,
    description: Description,
    enhancement: Enhancement,
    region: Region | None = None,
) -> Array:
    """Return the brightness of values with their full depth after an enhancement; of the `region` that is cut out."""
    picture = to_picture(enhance(shown, voi, enhancement) if enhancement else shown, voi, description)
    return picture if region is None else region.cut(picture)
