"""What a client may say in the query of a rendered resource (PS3.18 8.3.5). Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from radstream.contract.errors import MalformedRequest
from services.render.annotations import KEYWORDS
from services.render.encode import DEFAULT_QUALITY
from services.render.enhancement.steps import WINDOWING, Enhancement, parse_enhancement
from services.render.pixels import Wish
from services.render.profiles import CHOICES
from services.render.viewport import LARGEST_SIDE, Region
from services.render.windows import FUNCTIONS, Window


@dataclass(frozen=True)
class Viewport:
    """The viewport parameter (PS3.18 8.3.5.1.3).

    Parameters
    ----------
    width, height : int
        Of the box that the picture must fit in.
    source : (float, float, float or None, float or None)
        Left, top, width and height of the part of the image that is shown; negative ones flip it, None is all.
    """

    width: int
    height: int
    source: tuple[float, float, float | None, float | None] = (0.0, 0.0, None, None)


MOST_FRAMES: Final = 1_000
"""Of one request."""

NO_SOURCE: Final = (0.0, 0.0, None, None)


@dataclass(frozen=True)
class Parameters:
    """The parameters of a request.

    Parameters
    ----------
    voi : str
        Ours: number or explanation of a window or table that the image brings.
    annotations, unknown_annotations : tuple of str
        Of `annotations.KEYWORDS`, and others.
    icc_profile : str
        Of `profiles.CHOICES`.
    """

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = DEFAULT_QUALITY
    enhancement: Enhancement = ()
    voi: str = ""
    annotations: tuple[str, ...] = ()
    unknown_annotations: tuple[str, ...] = ()
    icc_profile: str = ""

    def wish(self, rows: int | None, columns: int | None) -> Wish:
        """Return what this means for an image of `rows` x `columns`.

        Raises
        ------
        MalformedRequest
            If the region lies beside the image.
        """
        wish = Wish(
            self.window,
            enhancement=self.enhancement,
            voi=self.voi,
            annotations=self.annotations,
            icc_profile=self.icc_profile,
        )
        if self.viewport is None:
            return wish
        wish = replace(wish, box=(self.viewport.width, self.viewport.height))
        if self.viewport.source == NO_SOURCE:
            return wish
        return replace(wish, region=_region(self.viewport.source, rows or 0, columns or 0))

    @property
    def is_for_images_only(self) -> bool:
        """Whether something is asked for that a presentation state decides (PS3.18 table 8.3.5-1)."""
        has_region = self.viewport is not None and self.viewport.source != NO_SOURCE
        return has_region or self.window is not None or bool(self.voi)


def parse_parameters(query: Mapping[str, str]) -> Parameters:
    """Return the parameters in a query; names are matched without regard to case, unknown ones ignored.

    Raises
    ------
    MalformedRequest
        If one of them means nothing, or two do not go together.
    """
    given = {name.lower(): value.strip() for name, value in query.items()}
    enhancement = parse_enhancement(given["enhance"]) if given.get("enhance") else ()
    chosen = [given.get("window"), given.get("voi"), any(step.name in WINDOWING for step in enhancement)]
    if sum(map(bool, chosen)) > 1:
        raise MalformedRequest(
            "either the client chooses the window (by window, or by voi) or a step of the enhancement"
        )
    wanted, unknown = annotations_of(given.get("annotation", ""))
    return Parameters(
        window=_window(given["window"]) if given.get("window") else None,
        viewport=_viewport(given["viewport"]) if given.get("viewport") else None,
        quality=_quality(given["quality"]) if given.get("quality") else DEFAULT_QUALITY,
        enhancement=enhancement,
        voi=given.get("voi", ""),
        annotations=wanted,
        unknown_annotations=unknown,
        icc_profile=_icc_profile(given.get("iccprofile", "")),
    )


def annotations_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the annotations in a list by comma that are known here, and the others, which are only warned of."""
    named = {name.strip().lower() for name in text.split(",") if name.strip()}
    return tuple(name for name in KEYWORDS if name in named), tuple(sorted(named - set(KEYWORDS)))


def _icc_profile(text: str) -> str:
    if text.lower() not in CHOICES:
        raise MalformedRequest(f"iccprofile is one of {', '.join(filter(None, CHOICES))}")
    return text.lower()


def _window(text: str) -> Window:
    """Return a window: ``center,width,function``; a client that leaves out the function means LINEAR."""
    center, width, *function = text.split(",") if 2 <= text.count(",") + 1 <= 3 else ("", "")
    return window_of(center, width, function[0].strip().upper().replace("-", "_") if function else "LINEAR")


def window_of(center: str, width: str, function: str) -> Window:
    """Return a window from what a client says of it.

    Raises
    ------
    MalformedRequest
        If that means nothing.
    """
    window = Window(_number(center, "window"), _number(width, "window"), function)
    if function not in FUNCTIONS:
        raise MalformedRequest("the function of a window is linear, linear-exact or sigmoid")
    if not window.is_valid:
        raise MalformedRequest("the width of a window is at least 1, or above 0 unless it is linear")
    return window


def _viewport(text: str) -> Viewport:
    """Return a viewport: ``vw,vh`` and optionally ``,sx,sy,sw,sh``, each of which may be left empty."""
    fields = [field.strip() for field in text.split(",")]
    if not 2 <= len(fields) <= 6:
        raise MalformedRequest("a viewport has two to six numbers")
    width, height = (_side(field) for field in fields[:2])
    left, top, source_width, source_height = [*fields[2:], *[""] * (6 - len(fields))]
    source = (
        _number(left, "viewport") if left else 0.0,
        _number(top, "viewport") if top else 0.0,
        _number(source_width, "viewport") if source_width else None,
        _number(source_height, "viewport") if source_height else None,
    )
    return Viewport(width, height, source)


def _region(source: tuple[float, float, float | None, float | None], rows: int, columns: int) -> Region:
    """Return the whole pixels of the image that `source` names."""
    left, top, width, height = source
    x, x_length = _interval(left, columns - left if width is None else abs(width), columns)
    y, y_length = _interval(top, rows - top if height is None else abs(height), rows)
    return Region(x, y, x_length, y_length, (width or 0) < 0, (height or 0) < 0)


def _interval(start: float, length: float, size: int) -> tuple[int, int]:
    """Return first pixel and number of pixels of the part of an interval that is inside of the image."""
    first, end = max(0, round(start)), min(size, round(start + length))
    if length <= 0 or end <= first:
        raise MalformedRequest("the region of the viewport has nothing of the image")
    return first, end - first


def _side(text: str) -> int:
    return whole_number(text, "viewport", 1, LARGEST_SIDE)


def _quality(text: str) -> int:
    return whole_number(text, "quality", 1, 100)


def whole_number(text: str, parameter: str, smallest: int, largest: int) -> int:
    """Return the number that a parameter is.

    Raises
    ------
    MalformedRequest
        If it is no whole number from `smallest` to `largest`.
    """
    number = _number(text, parameter)
    if not smallest <= number <= largest or number != int(number):
        raise MalformedRequest(f"{parameter} has whole numbers from {smallest} to {largest}")
    return int(number)


def _number(text: str, parameter: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise MalformedRequest(f"{parameter} is not made of numbers") from error
    if not math.isfinite(number) or abs(number) > 1e12:
        raise MalformedRequest(f"{parameter} has a number that is out of all bounds")
    return number


def representative_frame(frames: int) -> int:
    """Return the index of the frame that stands for all: the middle one, as a clip or a volume begins with little."""
    return frames // 2


def frame_indexes(text: str) -> tuple[int, ...]:
    """Return the indexes of the frames that a path names by their numbers, from 1, separated by commas.

    Raises
    ------
    MalformedRequest
        If it is no such list, or names more than `MOST_FRAMES`.
    """
    numbers = text.split(",")
    if len(numbers) > MOST_FRAMES:
        raise MalformedRequest(f"at most {MOST_FRAMES} frames are rendered at once")
    if not all(number.isascii() and number.isdecimal() and len(number) <= 10 and int(number) for number in numbers):
        raise MalformedRequest("frames are named by their numbers, from 1, separated by commas")
    return tuple(int(number) - 1 for number in numbers)
