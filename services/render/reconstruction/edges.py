"""Letters at the edges of a picture that say what lies there: right or left, front or back, head or feet."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from services.render.lettering import size_for, write_at
from services.render.reconstruction.grid import Grid, letters, opposite
from services.render.viewport import Region

Array = npt.NDArray[Any]


def name_edges(picture: Array, grid: Grid, region: Region | None = None) -> Array:
    """Return a copy of `picture`, uint8 of shape (rows, columns), with letters at its left and upper edge.

    Parameters
    ----------
    region : Region or None
        By which the picture was cut, and perhaps turned over.
    """
    to_left, to_top = opposite(grid.right), opposite(grid.down)
    if region is not None and region.is_flipped_horizontally:
        to_left = grid.right
    if region is not None and region.is_flipped_vertically:
        to_top = grid.down
    image = Image.fromarray(picture)
    draw, size = ImageDraw.Draw(image), size_for(picture)
    write_at(draw, (2, image.height / 2), letters(to_left), size, anchor="lm")
    write_at(draw, (image.width / 2, 2), letters(to_top), size, anchor="ma")
    return np.asarray(image)
