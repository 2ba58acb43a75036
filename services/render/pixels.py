"""From the stored values of one frame to a picture of 8 bits: the order of all transforms. Pure numpy.

See PS3.4 N.2 for the pipeline, PS3.18 8.3.5 for what a client may ask of a rendering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt

from services.render.colour import colour_above, pseudo_coloured, to_rgb
from services.render.description import Description
from services.render.enhancement.chain import enhance_colour
from services.render.enhancement.looks import enhanced_brightness
from services.render.enhancement.mark import mark, text_of
from services.render.enhancement.steps import Enhancement
from services.render.grayscale import choose_voi, to_brightness
from services.render.presentation import AS_STORED, Presentation, finish
from services.render.profiles import in_colours
from services.render.viewport import Region
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
    enhancement : Enhancement
        What is done so that more is seen; nothing if empty.
    voi : str
        Which of the windows and tables that the image brings, see `services.render.grayscale.choose_voi`.
    annotations : tuple of str
        Of `services.render.annotations.KEYWORDS`.
    icc_profile : str
        Of `services.render.profiles.CHOICES`.
    """

    window: Window | None = None
    box: tuple[int, int] | None = None
    region: Region | None = None
    enhancement: Enhancement = ()
    voi: str = ""
    annotations: tuple[str, ...] = ()
    icc_profile: str = ""


def shaded(samples: Array, photometric_interpretation: str, description: Description, wish: Wish) -> Array:
    """Return brightness or colours of a whole frame: of a part too, for a window that is made to fit fits the frame.

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
    if not is_monochrome(samples, photometric_interpretation):
        picture = _colour(samples, photometric_interpretation, description, wish)
    elif wish.enhancement:
        picture = enhanced_brightness(samples, description, wish.enhancement, wish.window, wish.voi)
    else:
        picture = _monochrome(samples, description, wish)
    if description.pseudo_colours is not None and picture.ndim == 2:
        picture = pseudo_coloured(picture, description.pseudo_colours)
    if picture.ndim == 3:
        picture = in_colours(picture, description.icc_profile, wish.icc_profile)
    return picture


def fitted(picture: Array, description: Description, wish: Wish, presentation: Presentation = AS_STORED) -> Array:
    """Return what `shaded` gave as it is presented, cut and sized; uint8 of shape (rows, columns) or (…, 3)."""
    finished = finish(picture, presentation, pixel_aspect=description.pixel_aspect, region=wish.region, box=wish.box)
    return mark(finished, text_of(wish.enhancement)) if wish.enhancement else finished


def is_monochrome(samples: Array, photometric_interpretation: str) -> bool:
    """Tell whether decoded samples are brightness, not colours."""
    return photometric_interpretation in _MONOCHROME and samples.ndim == 2


def _monochrome(samples: Array, description: Description, wish: Wish) -> Array:
    picture = to_brightness(samples, description, choose_voi(samples, description, wish.window, wish.voi))
    return picture if description.palette is None else colour_above(picture, samples, description.palette)


def _colour(samples: Array, photometric_interpretation: str, description: Description, wish: Wish) -> Array:
    picture = to_rgb(samples, photometric_interpretation, description)
    return enhance_colour(picture, wish.enhancement) if wish.enhancement else picture
