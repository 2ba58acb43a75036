"""What a monochrome frame shows before it has 8 bits: the output of the modality transform, and what is no picture.

This is the place between decoding and windowing: whatever works on values with their full depth takes a `Shown`,
changes its values, and lets `to_picture` make brightness of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.render.description import Description
from services.render.grayscale import BLACK, brightness_of, is_padding, rescale
from services.render.lookup_tables import LookupTable
from services.render.windows import Window

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Shown:
    """The values of a frame, or of a plane that was made of several.

    Parameters
    ----------
    values : ndarray
        Output of the modality transform (PS3.3 C.11.1): Hounsfield units of a CT. Shape (rows, columns), float32.
    is_padding : ndarray or None
        Where there is no picture (PS3.3 C.7.5.1.1.2, or not a number): bool, of the same shape; None is nowhere.
    pixel_aspect : float
        Height of a pixel divided by its width.
    """

    values: Array
    is_padding: Array | None = None
    pixel_aspect: float = 1.0


def to_shown(samples: Array, description: Description) -> Shown:
    """Return what the stored values of a monochrome frame show.

    Parameters
    ----------
    samples : ndarray
        Shape (rows, columns), integers or floating-point numbers, see `radstream.dicom.codecs.decode_frame`.
    """
    values = rescale(samples, description).astype(np.float32)
    padding = is_padding(samples, description)
    return Shown(np.nan_to_num(values), padding if padding.any() else None, description.pixel_aspect)


def to_picture(shown: Shown, voi: Window | LookupTable, description: Description) -> Array:
    """Return the brightness of values, after VOI and presentation transform (PS3.4 N.2).

    Parameters
    ----------
    voi : Window or LookupTable
        See `services.render.grayscale.choose_voi`.

    Returns
    -------
    ndarray
        Shape (rows, columns), uint8, 0 is black.
    """
    picture = brightness_of(shown.values.astype(np.float64), voi, description)
    if shown.is_padding is not None:
        picture[shown.is_padding] = BLACK
    return picture
