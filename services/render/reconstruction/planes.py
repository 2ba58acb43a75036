"""Where the frames of an instance lie in the patient, by its DICOM JSON. Pure.

References
----------
PS3.3 C.7.6.2 (Image Plane), C.7.6.16.2.1, C.7.6.16.2.3, C.7.6.16.2.4 (the same of enhanced objects, by frame).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from radstream.contract.errors import UnsupportedInstance

Attributes = Mapping[str, Any]
Vector = tuple[float, float, float]

_POSITION: Final = ("00209113", "00200032")
_ORIENTATION: Final = ("00209116", "00200037")
_SPACING: Final = ("00289110", "00280030")
_SLOPE: Final = ("00289145", "00281053")
_INTERCEPT: Final = ("00289145", "00281052")
_PER_FRAME: Final = "52009230"
_SHARED: Final = "52009229"
_MODALITY_LUT: Final = "00283000"


@dataclass(frozen=True)
class Plane:
    """A frame as a plane; lengths in millimetres, in the patient's coordinates (x to the left, y back, z up).

    Parameters
    ----------
    position : Vector
        Of the centre of the first pixel.
    row_direction, column_direction : Vector
        Unit vectors along which the column index and the row index grow.
    row_spacing, column_spacing : float
        Between the centres of two rows, of two columns.
    rescale : (float, float) or None
        Slope and intercept; None if there is a table.
    stored : str
        Type of the stored values, as numpy names it; empty if they have not 8 or 16 bits.
    """

    position: Vector
    row_direction: Vector
    column_direction: Vector
    row_spacing: float
    column_spacing: float
    rows: int
    columns: int
    rescale: tuple[float, float] | None = (1.0, 0.0)
    stored: str = "int16"


def planes_of(attributes: Attributes, number_of_frames: int) -> list[Plane]:
    """Return the plane of every frame of an instance.

    Parameters
    ----------
    attributes : mapping
        DICOM JSON of the instance.

    Raises
    ------
    UnsupportedInstance
        If they do not say where the frames lie, or the frames are coloured.
    """
    if _first(attributes, "00280002") not in {1, None}:
        raise UnsupportedInstance("a volume is made of monochrome images")
    per_frame = _items(attributes, _PER_FRAME)
    if number_of_frames > 1 and len(per_frame) < number_of_frames:
        raise UnsupportedInstance("the series has an image of several frames that does not say where each of them lies")
    shared = _items(attributes, _SHARED)[:1]
    return [
        _plane(attributes, [*per_frame[index : index + 1], *shared, attributes]) for index in range(number_of_frames)
    ]


def _plane(attributes: Attributes, places: Sequence[Attributes]) -> Plane:
    x, y, z = _numbers(places, _POSITION, 3)
    directions = _numbers(places, _ORIENTATION, 6)
    row_spacing, column_spacing = _numbers(places, _SPACING, 2)
    rows, columns = _first(attributes, "00280010"), _first(attributes, "00280011")
    if row_spacing <= 0 or column_spacing <= 0 or not rows or not columns:
        raise UnsupportedInstance("the series has an image without a size in millimetres")
    return Plane(
        (x, y, z),
        _unit(directions[:3]),
        _unit(directions[3:]),
        row_spacing,
        column_spacing,
        int(rows),
        int(columns),
        _rescale(places),
        _stored(attributes),
    )


def _rescale(places: Sequence[Attributes]) -> tuple[float, float] | None:
    if any(_MODALITY_LUT in _group(place, _SLOPE[0]) for place in places):
        return None
    slope, intercept = (_values(places, name) or [default] for name, default in ((_SLOPE, 1.0), (_INTERCEPT, 0.0)))
    return float(slope[0]), float(intercept[0])


def _stored(attributes: Attributes) -> str:
    bits, is_signed = _first(attributes, "00280100"), _first(attributes, "00280103") == 1
    return f"{'int' if is_signed else 'uint'}{bits}" if bits in {8, 16} else ""


def _numbers(places: Sequence[Attributes], name: tuple[str, str], count: int) -> list[float]:
    """Return the numbers of an attribute from the first of `places` that has it."""
    values = _values(places, name)
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise UnsupportedInstance("the series has an image that does not say where it lies in the patient")
    return numbers


def _values(places: Sequence[Attributes], name: tuple[str, str]) -> list[Any]:
    group, tag = name
    return next((found for place in places if (found := _group(place, group).get(tag, {}).get("Value"))), [])


def _group(place: Attributes, tag: str) -> Attributes:
    """Return the item of a functional group, or the place itself if it has none."""
    return next(iter(_items(place, tag)), place)


def _items(attributes: Attributes, tag: str) -> list[Attributes]:
    return [item for item in attributes.get(tag, {}).get("Value") or [] if isinstance(item, dict)]


def _first(attributes: Attributes, tag: str) -> Any:
    return next(iter(attributes.get(tag, {}).get("Value") or []), None)


def _unit(vector: Sequence[float]) -> Vector:
    length = math.hypot(*vector)
    if not 0.99 < length < 1.01:
        raise UnsupportedInstance("the series has an image whose orientation has no meaning")
    x, y, z = (component / length for component in vector)
    return x, y, z
