"""Monochrome frames: modality, VOI and presentation transforms, one after the other (PS3.4 N.2). Pure numpy.

The transforms look at one value at a time. So for integers they are computed once for each value that may occur, and
the frame is looked up in the result: a CT slice of 512 x 512 costs one table of a few thousand values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.description import Description
from services.render.lookup_tables import LookupTable
from services.render.windows import Window, apply_window, window_of_range

Array = npt.NDArray[Any]

BLACK: Final = 0
LONGEST_TABLE: Final = 1 << 17
_NEAR_PIXELS: Final = 1 << 14
BLOCK_PIXELS: Final = 1 << 20
"""Pixels that are worked on at once, so that temporaries stay small beside a large frame."""


def rescale(values: Array, description: Description) -> Array:
    """Return the output of the modality transform (PS3.3 C.11.1), of the same shape, float64."""
    if description.modality_table is not None:
        return description.modality_table.look_up(values).astype(np.float64)
    return values.astype(np.float64) * description.slope + description.intercept


def choose_voi(samples: Array, description: Description, wanted: Window | None, name: str = "") -> Window | LookupTable:
    """Return what makes brightness of rescaled values: what is wanted, what the image brings, or what fits it.

    An image that brings neither table nor window is shown as it is if its samples have 8 bits or fewer (PS3.3 C.11.2:
    identity). Deeper ones would be black that way: from the smallest to the largest value, padding left out.

    Parameters
    ----------
    name : str
        Which of the alternatives that the image brings: its number, from 1, tables first, or its explanation.

    Raises
    ------
    UnsupportedInstance
        If the image brings none of that name.
    """
    if wanted is not None:
        return wanted
    alternatives: Sequence[Window | LookupTable] = (*description.voi_tables, *description.windows)
    if name:
        return _named(alternatives, name)
    if alternatives:
        return alternatives[0]
    bits = description.attributes["bits_stored"]
    if bits <= 8 and description.modality_table is None and (description.slope, description.intercept) == (1, 0):
        low = -(1 << (bits - 1)) if description.attributes["pixel_representation"] else 0
        return window_of_range(low, low + (1 << bits) - 1)
    return _window_that_fits(samples, description)


def _named(alternatives: Sequence[Window | LookupTable], name: str) -> Window | LookupTable:
    for number, alternative in enumerate(alternatives, 1):
        if name == str(number) or name.casefold() == alternative.explanation.casefold():
            return alternative
    raise UnsupportedInstance("the image has no window or lookup table of that name")


def _window_that_fits(samples: Array, description: Description) -> Window:
    shown = samples
    if description.padding is not None:
        shown = samples[~is_padding(samples, description)]
    if shown.dtype.kind == "f":
        shown = shown[np.isfinite(shown)]
    if not shown.size:
        return window_of_range(0, 1)
    present = np.unique(shown) if description.modality_table is not None else np.array([shown.min(), shown.max()])
    ends = rescale(present, description)
    return window_of_range(float(ends.min()), float(ends.max()))


def to_brightness(samples: Array, description: Description, voi: Window | LookupTable) -> Array:
    """Return what a frame of stored values looks like.

    Parameters
    ----------
    samples : ndarray
        Shape (rows, columns), integers or floating-point numbers.

    Returns
    -------
    ndarray
        Of the same shape, uint8, 0 is black.
    """
    if samples.dtype.kind == "f" or not samples.size:
        return _in_blocks(samples, lambda block: _transform(block, description, voi))
    low, high = int(samples.min()), int(samples.max())
    if high - low >= min(LONGEST_TABLE, max(4 * samples.size, 256)):
        return _in_blocks(samples, lambda block: _transform(block, description, voi))
    table = _transform(np.arange(low, high + 1), description, voi)
    # Differences of the same container wrap around to the right index, whatever the sign.
    unsigned = np.dtype(f"u{samples.dtype.itemsize}")
    offset = unsigned.type(low & ((1 << samples.dtype.itemsize * 8) - 1))
    return _looked_up(samples.view(unsigned), offset, table)


def _looked_up(samples: Array, offset: Any, table: Array) -> Array:
    """Return the entries of `table` at `samples` - `offset`, a few rows at a time so that the indexes stay near."""
    shown = np.empty(samples.shape, np.uint8)
    rows = max(1, _NEAR_PIXELS // samples.shape[1])
    for start in range(0, len(samples), rows):
        places = samples[start : start + rows]
        # None is beyond the table; "clip" spares numpy a copy that it would make to be sure.
        np.take(table, places - offset if offset else places, out=shown[start : start + rows], mode="clip")
    return shown


def _transform(stored: Array, description: Description, voi: Window | LookupTable) -> Array:
    """Carry out every transform on `stored` values."""
    shown = brightness_of(rescale(stored, description), voi, description)
    if description.padding is not None or stored.dtype.kind == "f":
        shown[is_padding(stored, description)] = BLACK
    return shown


def brightness_of(values: Array, voi: Window | LookupTable, description: Description) -> Array:
    """Return what VOI and presentation transform make of rescaled `values`: uint8 of their shape, 0 is black."""
    if isinstance(voi, LookupTable):
        brightness = voi.look_up(values) / ((1 << voi.bits) - 1)
    else:
        brightness = apply_window(values, voi, 1.0)
    if (table := description.presentation_table) is not None:
        place = np.nan_to_num(brightness) * (len(table.entries) - 1) + table.first_mapped
        brightness = table.look_up(place) / ((1 << table.bits) - 1)
    if description.is_inverse:
        brightness = 1.0 - brightness
    return np.rint(np.nan_to_num(brightness) * 255.0).astype(np.uint8)


def is_padding(stored: Array, description: Description) -> Array:
    """Tell which stored values are no picture: padding, and what is not a number.

    Returns
    -------
    ndarray
        bool, of the same shape. These are black in every presentation (PS3.3 C.7.5.1.1.2).
    """
    padding: Array = np.isnan(stored) if stored.dtype.kind == "f" else np.zeros(stored.shape, np.bool_)
    if description.padding is not None:
        low, high = description.padding
        padding |= (stored >= low) & (stored <= high)
    return padding


def _in_blocks(samples: Array, work: Any) -> Array:
    """Return `work` of `samples`, done in blocks of rows."""
    rows = max(1, BLOCK_PIXELS // max(1, samples.shape[1]))
    shown = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), rows):
        shown[start : start + rows] = work(np.ascontiguousarray(samples[start : start + rows]))
    return shown
