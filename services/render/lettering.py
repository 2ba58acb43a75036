"""Text burnt into a picture: white on black, as large as the picture allows. Pure but for the font in Pillow.

The font is the one that Pillow carries (Aileron, CC0), so that the same text looks the same on every machine.
"""

from __future__ import annotations

import textwrap
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Array = npt.NDArray[Any]
Corner = Literal["top left", "top right", "bottom left", "bottom right"]

_SMALLEST_FONT: Final = 10
_LARGEST_FONT: Final = 64
_FONTS_PER_HEIGHT: Final = 36
"""The height of a picture divided by that of its letters."""

_MARGIN: Final = 2
_MOST_CHARACTERS: Final = 1024


def write(picture: Array, text: str, corner: Corner) -> Array:
    """Return `picture` with `text` in a corner, over as many lines as it takes; what does not fit is cut off.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3).
    text : str
        Of which no more than 1024 characters are written.

    Returns
    -------
    ndarray
        Of the same shape and type; `picture` itself is not changed.
    """
    letters = lettered(text, picture.shape[0], picture.shape[1])
    rows, columns = min(letters.shape[0], picture.shape[0]), min(letters.shape[1], picture.shape[1])
    top = 0 if corner.startswith("top") else picture.shape[0] - rows
    left = 0 if corner.endswith("left") else picture.shape[1] - columns
    written = picture.copy()
    block = letters[:rows, :columns]
    written[top : top + rows, left : left + columns] = block if picture.ndim == 2 else block[..., None]
    return written


@lru_cache(maxsize=64)
def lettered(text: str, rows: int, columns: int) -> Array:
    """Return `text` as white letters on black, for a picture of `rows` x `columns`; uint8, two-dimensional."""
    font = _font(max(_SMALLEST_FONT, min(_LARGEST_FONT, min(rows, columns) // _FONTS_PER_HEIGHT)))
    lines = _wrapped(text[:_MOST_CHARACTERS], font, columns - 2 * _MARGIN)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), lines, font=font)
    size = (int(right - left) + 2 * _MARGIN, int(bottom - top) + 2 * _MARGIN)
    block = Image.new("L", size, 0)
    ImageDraw.Draw(block).multiline_text((_MARGIN - left, _MARGIN - top), lines, fill=255, font=font)
    return np.asarray(block)


@lru_cache(maxsize=16)
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def _wrapped(text: str, font: Any, width: int) -> str:
    """Return `text` with line breaks where it would be wider than `width` pixels."""
    characters = max(4, int(width / font.getlength("n")))
    return "\n".join(line for part in text.splitlines() for line in textwrap.wrap(part, characters)) or " "
