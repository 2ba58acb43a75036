"""Reading attributes of data sets that strangers made: nothing is taken for granted, neither presence nor kind. Pure.

Attributes of enhanced objects are looked for in the Per-frame Functional Groups, then in the Shared ones, then at the
top (PS3.3 C.7.6.16). Every function raises `UnsupportedInstance` where a value is not what its attribute is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag, Tag

from radstream.contract.errors import UnsupportedInstance


def frame_group(dataset: Dataset, frame_index: int, name: str) -> Dataset:
    """Return the item of a functional group that holds for the frame, or the data set itself if there is none."""
    per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
    if per_frame and frame_index >= len(per_frame):
        raise UnsupportedInstance("there are fewer functional groups than frames")
    for groups in (*per_frame[frame_index : frame_index + 1], *items(dataset, "SharedFunctionalGroupsSequence")[:1]):
        item = first_item(groups, name)
        if item is not None and len(item):
            return item
    return dataset


def items(dataset: Dataset, keyword: str | int) -> Sequence[Dataset]:
    """Return the items of a sequence; none if it is missing."""
    return [item for item in values(dataset, keyword) if isinstance(item, Dataset)]


def first_item(dataset: Dataset, keyword: str | int) -> Dataset | None:
    """Return the first item of a sequence, if there is one."""
    return next(iter(items(dataset, keyword)), None)


def text(dataset: Dataset, keyword: str | int) -> str:
    """Return the first value as text without padding; empty if there is none."""
    raw = _raw(dataset, keyword)
    if raw is not None and raw.VR == "CS":
        return (raw.value or b"").rstrip(b" \0").partition(b"\\")[0].decode("latin-1").strip()
    return str(values(dataset, keyword)[0]).strip() if values(dataset, keyword) else ""


def number(dataset: Dataset, keyword: str | int, default: float) -> float:
    """Return the first value, which has to be finite."""
    found = numbers(dataset, keyword)
    if not found:
        return default
    if not math.isfinite(found[0]):
        raise UnsupportedInstance(f"{keyword} is not finite")
    return found[0]


def integer(dataset: Dataset, keyword: str | int, default: int | None = None) -> int:
    """Return the first value as a whole number; without a default it has to be there."""
    found = numbers(dataset, keyword)
    if found and math.isfinite(found[0]):
        return int(found[0])
    if default is None:
        raise UnsupportedInstance(f"{keyword} is missing")
    return default


def numbers(dataset: Dataset, keyword: str | int) -> list[float]:
    """Return all values as numbers."""
    raw = _raw(dataset, keyword)
    if raw is not None and raw.value:
        if raw.VR == "US" and len(raw.value) == 2:
            return [float(int.from_bytes(raw.value, "little" if raw.is_little_endian else "big"))]
        if raw.VR == "DS":
            with suppress(ValueError):  # which pydicom may see otherwise
                return [float(value) for value in raw.value.split(b"\\")]
    try:
        return [float(value) for value in values(dataset, keyword)]
    except (TypeError, ValueError) as error:
        raise UnsupportedInstance(f"{keyword} is not a number") from error


def values(dataset: Dataset, keyword: str | int) -> Sequence[Any]:
    """Return the values of an attribute, named by its keyword or tag; none if it is missing or empty."""
    tag = _tag(keyword) if isinstance(keyword, str) else keyword
    if tag not in dataset.keys():  # noqa: SIM118 - most are missing, and this tells it in a tenth of the time
        return ()
    try:
        value = dataset[tag].value
    except (ValueError, TypeError, OverflowError, NotImplementedError, KeyError, OSError) as error:
        raise UnsupportedInstance(f"{keyword} cannot be read") from error
    if value is None or value == "":
        return ()
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,)


def _raw(dataset: Dataset, keyword: str | int) -> RawDataElement | None:
    """Return an element as it was read, if nobody has asked for its value: the short ones are told without pydicom.

    What stands in the way of most pictures is that pydicom makes objects of a dozen numbers.
    """
    element = dataset.get_item(_tag(keyword) if isinstance(keyword, str) else keyword)
    return element if isinstance(element, RawDataElement) else None


@cache
def _tag(keyword: str) -> BaseTag:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return Tag(tag)
