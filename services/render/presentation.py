"""How a picture is finished once its frame has brightness or colours: what is burnt in, hidden, turned and drawn.

The order is that of PS3.4 N.2: overlays and shutters lie in the pixels of the image; then the displayed area is cut
out, turned and scaled; graphics are drawn in the pixels of the picture, so that they are sharp at every size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from services.render.graphics import Graphic, draw
from services.render.overlays import Overlay, burn
from services.render.shutters import Shutter
from services.render.viewport import Region, fitted_size, resample

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Presentation:
    """What is done to a picture in the pixels of its image, and upon it.

    Parameters
    ----------
    overlays : tuple of Overlay
        That are burnt in.
    region : Region or None
        The displayed area; None is the whole image.
    magnification : float or None
        Pixels of the picture for each column of the image; None fits it into the viewport.
    pixel_aspect : float or None
        Height of a pixel divided by its width, if it is not what the image says.
    """

    overlays: tuple[Overlay, ...] = ()
    shutter: Shutter | None = None
    region: Region | None = None
    magnification: float | None = None
    pixel_aspect: float | None = None
    graphics: tuple[Graphic, ...] = ()


AS_STORED: Final = Presentation()


def finish(
    picture: Array,
    presentation: Presentation,
    *,
    pixel_aspect: float = 1.0,
    region: Region | None = None,
    box: tuple[int, int] | None = None,
) -> Array:
    """Return `picture` as it is presented.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3), the size of the image.
    pixel_aspect : float
        Height of a pixel of the image divided by its width.
    region : Region or None
        The part that a client wants; the presentation's own comes first.
    box : (int, int) or None
        Width and height of the viewport.

    Returns
    -------
    ndarray
        uint8, C order, with square pixels.
    """
    aspect = presentation.pixel_aspect or pixel_aspect
    if presentation.overlays:
        picture = burn(picture, presentation.overlays)
    if presentation.shutter is not None:
        picture = presentation.shutter.hide(picture, aspect)
    shown = presentation.region or region or Region(0, 0, picture.shape[1], picture.shape[0])
    part = shown.cut(picture)
    size = _size(part, 1 / aspect if shown.is_on_its_side else aspect, presentation.magnification, box)
    return np.ascontiguousarray(draw(np.ascontiguousarray(resample(part, *size)), presentation.graphics, shown))


def _size(part: Array, aspect: float, magnification: float | None, box: tuple[int, int] | None) -> tuple[int, int]:
    """Return rows and columns; what is magnified beyond the viewport fits into it all the same."""
    rows, columns = fitted_size(part.shape[0], part.shape[1], aspect, box)
    if magnification is None:
        return rows, columns
    natural = fitted_size(part.shape[0], part.shape[1], aspect, None)
    wanted = round(natural[1] * magnification), round(natural[0] * magnification)
    limit = (min(wanted[0], box[0]), min(wanted[1], box[1])) if box is not None else wanted
    return fitted_size(part.shape[0], part.shape[1], aspect, (max(limit[0], 1), max(limit[1], 1)))
