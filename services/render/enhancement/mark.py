"""The mark of a picture that is not as it was stored: burnt into its corner, and said in the answer's header."""

from __future__ import annotations

import textwrap
from typing import Any, Final

import numpy.typing as npt

from services.render.enhancement.steps import Enhancement
from services.render.lettering import size_for, write_lines

Array = npt.NDArray[Any]

HEADER: Final = "Radstream-Enhanced"
"""Of an answer: the steps with all their settings, as they may be asked for again."""

_PART_OF_HEIGHT: Final = 0.25
"""Of the height of a picture that its mark may take; a longer text gives way to its first word."""

_LETTER_WIDTH: Final = 0.58
_LINE_HEIGHT: Final = 1.3
"""Of letters, by their size; on the safe side."""


def name_of(enhancement: Enhancement) -> str:
    """Return the steps of `enhancement` with all their settings; equal for equal pictures."""
    return ",".join(map(str, enhancement))


def mark(picture: Array, text: str) -> Array:
    """Return `picture` with `text` in its bottom right corner, shortened where the picture is small.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3).
    text : str
        Its first word says what it is about.
    """
    size = size_for(picture)
    lines = textwrap.wrap(text, max(1, int(picture.shape[1] / (_LETTER_WIDTH * size))))
    is_too_long = len(lines) * _LINE_HEIGHT * size > _PART_OF_HEIGHT * picture.shape[0]
    return write_lines(picture, [text.partition(":")[0]] if is_too_long else lines, "bottom right")


def text_of(enhancement: Enhancement) -> str:
    """Return what is burnt into the corner."""
    return "ENHANCED: " + ", ".join(str(step).replace(":", " ") for step in enhancement)
