"""What an attribute said before its VR could hold it only nearly: an item of the Original Attributes Sequence. Pure.

No value that was rounded could stand where values of its VR do, so what came is told as nonconforming: where it stood,
and its text.

References
----------
PS3.18 10.5.2 (included where an attribute is coerced); PS3.3 C.12.1 (Original Attributes), 10.16 (Selector Attribute).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

ORIGINAL_ATTRIBUTES: Final = "04000561"
MODIFYING_SYSTEM: Final = "Radstream"

Json = dict[str, Any]


@dataclass(frozen=True)
class Coerced:
    """An attribute that was written otherwise than it came.

    Parameters
    ----------
    place : tuple of (int, int)
        Tags of the sequences that it is in, from the outermost, each with the number of the item, from 1.
    values : sequence
        As they came in "Value".
    """

    place: tuple[tuple[int, int], ...]
    tag: int
    values: Sequence[Any]


def with_original_attributes(attributes: Mapping[str, Any], coerced: Sequence[Coerced], now: datetime) -> Json:
    """Return a DICOM JSON object with one more item that tells what `coerced` attributes said.

    Parameters
    ----------
    attributes : mapping
        A DICOM JSON object that can be written; what it has been through before stays in front.
    now : datetime
        When they were coerced.
    """
    before = attributes.get(ORIGINAL_ATTRIBUTES, {}).get("Value") or []
    item = {
        "04000550": _entry("SQ", {}),  # Modified Attributes Sequence: none whose value could stand in it
        "04000551": _entry("SQ", *(_nonconforming(attributes, each) for each in coerced)),
        "04000562": _entry("DT", f"{now.astimezone(UTC):%Y%m%d%H%M%S.%f}+0000"),
        "04000563": _entry("LO", MODIFYING_SYSTEM),
        "04000564": {"vr": "LO"},  # Source of Previous Values: not known
        "04000565": _entry("CS", "COERCE"),
    }
    return {**attributes, ORIGINAL_ATTRIBUTES: _entry("SQ", *before, item)}


def _nonconforming(attributes: Mapping[str, Any], coerced: Coerced) -> Json:
    """Return the item of an attribute: which one it is (Selector Attribute), and what it said."""
    text = "\\".join("" if value is None else str(value) for value in coerced.values)
    item = {
        "00720026": _entry("AT", f"{coerced.tag:08X}"),
        "00720028": _entry("US", 0),  # of all its values
        "04000552": {"vr": "OB", "InlineBinary": base64.b64encode(text.encode()).decode()},
    }
    creators = _creators(attributes, coerced)
    if creators[-1]:
        item["00720056"] = _entry("LO", creators[-1])
    if coerced.place:
        item["00720052"] = _entry("AT", *(f"{tag:08X}" for tag, _ in coerced.place))
        item["00741057"] = _entry("IS", *(number for _, number in coerced.place))
        if any(creators[:-1]):
            item["00720054"] = _entry("LO", *(creator or None for creator in creators[:-1]))
    return item


def _creators(attributes: Mapping[str, Any], coerced: Coerced) -> list[str]:
    """Return the private creator of each sequence on the way and of the attribute, empty where it is not private."""
    found = []
    for tag, number in coerced.place:
        found.append(_creator(attributes, tag))
        attributes = _value(attributes, tag)[number - 1]
    return [*found, _creator(attributes, coerced.tag)]


def _creator(attributes: Mapping[str, Any], tag: int) -> str:
    """Return who reserved the block of a private attribute (PS3.5 7.8.1)."""
    if not tag >> 16 & 1:
        return ""
    values = _value(attributes, tag & 0xFFFF0000 | (tag & 0xFF00) >> 8)
    return str(values[0]) if values else ""


def _value(attributes: Mapping[str, Any], tag: int) -> list[Any]:
    """Return the values of an attribute; tags may be written in small letters."""
    entry = attributes.get(f"{tag:08X}") or attributes.get(f"{tag:08x}") or {}
    found = entry.get("Value") if isinstance(entry, Mapping) else None
    return found or []


def _entry(vr: str, *values: Any) -> Json:
    return {"vr": vr, "Value": list(values)}
