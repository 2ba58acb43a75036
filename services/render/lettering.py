"""Text that is burnt into a picture: readable on any ground, in the corner or at the place that is named.

The font is the one that comes with Pillow. It knows Latin letters; others are romanised, since an empty box in the
place of a name says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from anyascii import anyascii
from PIL import Image, ImageDraw, ImageFont

Array = npt.NDArray[Any]
Corner = Literal["top left", "top right", "bottom left", "bottom right"]

SMALLEST_SIZE: Final = 9
LARGEST_SIZE: Final = 48
_LINES_OF_A_PICTURE: Final = 36
_LAST_OF_THE_FONT: Final = "\u00ff"
WHITE: Final = (255, 255, 255)


def write_lines(picture: Array, lines: Sequence[str], corner: Corner) -> Array:
    """Return a copy of `picture` with `lines` in one of its corners: white, with a black outline.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3).
    lines : sequence of str
        What does not fit into the picture is cut off at its edge.

    Returns
    -------
    ndarray
        As `picture`.
    """
    image = Image.fromarray(picture)
    size = size_for(picture)
    text = "\n".join(legible(line) for line in lines)
    vertical, horizontal = corner.split()
    x = 2 if horizontal == "left" else image.width - 2
    y = 2 if vertical == "top" else image.height - 2
    anchor: Any = ("l" if horizontal == "left" else "r") + ("a" if vertical == "top" else "d")
    align: Literal["left", "right"] = "left" if horizontal == "left" else "right"
    write_at(ImageDraw.Draw(image), (x, y), text, size, anchor=anchor, align=align)
    return np.asarray(image)


def write_at(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    *,
    colour: tuple[int, int, int] = WHITE,
    anchor: str = "la",
    align: Literal["left", "center", "right"] = "left",
) -> None:
    """Write `text` at `place`, which is that part of it that `anchor` names in the words of Pillow."""
    ink: Any = colour if draw.mode == "RGB" else round(sum(colour) / 3)
    outline: Any = (0, 0, 0) if draw.mode == "RGB" else 0
    draw.multiline_text(
        place, text, ink, _font(size), anchor, spacing=1, align=align, stroke_width=1, stroke_fill=outline
    )


def size_for(picture: Array) -> int:
    """Return the height of letters, in pixels, that suits the size of a picture."""
    return int(min(max(min(picture.shape[:2]) // _LINES_OF_A_PICTURE, SMALLEST_SIZE), LARGEST_SIZE))


def legible(text: str) -> str:
    """Return `text` in letters that the font has: one line, without control characters, romanised where need be."""
    known = "".join(letter if letter <= _LAST_OF_THE_FONT else anyascii(letter) for letter in text)
    return "".join(letter if letter.isprintable() else " " for letter in known)


@lru_cache(maxsize=LARGEST_SIZE)
def _font(size: int) -> Any:
    return ImageFont.load_default(size)
