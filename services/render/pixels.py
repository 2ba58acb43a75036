"""From the stored values of one frame to a picture of 8 bits: the order of all transforms. Pure numpy.

See PS3.4 N.2 for the pipeline, PS3.18 8.3.5 for what a client may ask of a rendering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from services.render.colour import colour_above, to_rgb
from services.render.description import Description
from services.render.grayscale import choose_voi, to_brightness
from services.render.viewport import Region, fitted_size, resample
from services.render.windows import Window

Array = npt.NDArray[Any]

_MONOCHROME: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})


@dataclass(frozen=True)
class Wish:
    """What a client wants of a rendering.

    Parameters
    ----------
    window : Window or None
        Instead of what the image brings; without meaning for colour.
    box : (int, int) or None
        Width and height of the viewport.
    region : Region or None
        The part of the picture to show.
    """

    window: Window | None = None
    box: tuple[int, int] | None = None
    region: Region | None = None


def render(samples: Array, photometric_interpretation: str, description: Description, wish: Wish) -> Array:
    """Return the picture of a frame.

    Parameters
    ----------
    samples : ndarray
        Stored values, shape (rows, columns) or (rows, columns, 3).
    photometric_interpretation : str
        Of `samples`; that of the data set may be another, see `radstream.dicom.codecs`.

    Returns
    -------
    ndarray
        uint8, shape (rows, columns), 0 is black; or (rows, columns, 3), RGB.

    Raises
    ------
    UnsupportedInstance
        If pictures of this kind are not shown.
    """
    is_monochrome = photometric_interpretation in _MONOCHROME and samples.ndim == 2
    # A window that is made to fit must fit the whole frame: the brightness of a part does not depend on the cut.
    voi = choose_voi(samples, description, wish.window) if is_monochrome else None
    if wish.region is not None:
        samples = wish.region.cut(samples)
    if voi is None:
        picture = to_rgb(samples, photometric_interpretation, description)
    else:
        picture = to_brightness(samples, description, voi)
        if description.palette is not None:
            picture = colour_above(picture, samples, description.palette)
    rows, columns = fitted_size(picture.shape[0], picture.shape[1], description.pixel_aspect, wish.box)
    return np.ascontiguousarray(resample(picture, rows, columns))
