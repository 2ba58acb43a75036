"""What pydicom sees in a data set, so that two can be compared element for element."""

from __future__ import annotations

import warnings
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from radstream.dicom.values import to_little_endian

SPECIFIC_CHARACTER_SET = 0x00080005  # which is about the bytes, not about what they mean
FIRST_PIXEL_DATA = 0x7FE00008  # pixels are compared as such, and what is behind them is padding


def seen(ds: Dataset, *, is_big_endian: bool = False) -> dict[int, Any]:
    """Return what pydicom reads, without what means nothing: padding, group lengths, empty ends of names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        elements = [element for element in ds if element.tag.element and element.tag < FIRST_PIXEL_DATA]
    return {
        int(element.tag): _plain(element.value, element.VR if is_big_endian else "")
        for element in elements
        if element.tag != SPECIFIC_CHARACTER_SET
    }


def _plain(value: Any, big_endian_vr: str) -> Any:
    if isinstance(value, Dataset):
        return seen(value, is_big_endian=bool(big_endian_vr))
    if isinstance(value, bytes):
        return (to_little_endian(value, big_endian_vr) if big_endian_vr else value).rstrip(b"\0")
    if isinstance(value, PersonName | str):
        return str(value).rstrip("\0 =^") or None
    if isinstance(value, MultiValue | Sequence):
        values = [_plain(each, big_endian_vr) for each in value]
        return values or None
    return value
