"""The data dictionary (PS3.6) as the readers need it: tag to JSON key and VR, private elements too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pydicom._private_dict import private_dictionaries
from pydicom.datadict import DicomDictionary, RepeatersDictionary

ITEM: Final = 0xFFFEE000
ITEM_DELIMITATION: Final = 0xFFFEE00D
SEQUENCE_DELIMITATION: Final = 0xFFFEE0DD

FLOAT_PIXEL_DATA: Final = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA: Final = 0x7FE00009
PIXEL_DATA: Final = 0x7FE00010
PIXEL_DATA_TAGS: Final = frozenset({FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA, PIXEL_DATA})

UNDEFINED_LENGTH: Final = 0xFFFFFFFF

MAX_DEPTH: Final = 64
"""Sequences within sequences that are accepted; real data rarely exceeds ten."""

US_OR_SS: Final = "US or SS"
US_OR_OW: Final = "US or OW"

BULK_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
"""VRs whose values are bytes, given inline or as bulk data (PS3.18 F.2.7)."""


def _key(tag: int) -> str:
    return f"{tag:08X}" if tag >> 16 not in (0x0000, 0x0002) and tag & 0xFFFF else ""


class _Keys(dict[int, str]):
    """Makes the keys of other tags when they are asked for, and keeps none of them: there are 2^32."""

    def __missing__(self, tag: int) -> str:
        return _key(tag)


KEYS: Final = _Keys({tag: key for tag in DicomDictionary if (key := _key(tag))})
"""By tag, the key in DICOM JSON; "" for what is no attribute: command and meta elements, group lengths."""


def _by_mask() -> dict[int, dict[int, str]]:
    """Return the VRs of repeating groups (PS3.5 7.6), by what of a tag counts ("60xx3000": FF00FFFF)."""
    found: dict[int, dict[int, str]] = {}
    for pattern, entry in RepeatersDictionary.items():
        mask = int("".join("0" if digit == "x" else "F" for digit in pattern), 16)
        found.setdefault(mask, {})[int(pattern.replace("x", "0"), 16)] = entry[0]
    return found


_REPEATING: Final = _by_mask()


def standard_vr(tag: int) -> str:
    """Return the VR of a standard tag, perhaps one of the ambiguous ones ("US or SS"), "UN" if it is unknown."""
    entry = DicomDictionary.get(tag)
    if entry is not None:
        return _SIMPLER.get(entry[0], entry[0])
    if not tag & 0xFFFF:
        return "UL"
    for mask, vrs in _REPEATING.items():
        if tag & mask in vrs:
            return _SIMPLER.get(vrs[tag & mask], vrs[tag & mask])
    return "UN"


# Where VR is implicit these are OW (PS3.5 A.1); "US or SS" and "US or OW" depend on other attributes.
_SIMPLER: Final = {"OB or OW": "OW", "US or SS or OW": "OW", "NONE": "UN"}


@lru_cache(maxsize=4096)
def private_vr(creator: str, tag: int) -> str:
    """Return the VR of the private element `tag` within the block of `creator`; "UN" if it is unknown.

    References
    ----------
    PS3.5 7.8.1 Private Data Element Tags.
    """
    elements = private_dictionaries.get(creator, {})
    group, low = f"{tag >> 16:04X}", f"{tag & 0xFF:02X}"
    for key in (f"{tag:08X}", f"{group}xx{low}", f"{group[:2]}xxxx{low}"):
        if key in elements:
            vr = str(elements[key][0])
            return _SIMPLER.get(vr, vr)
    return "UN"


def is_private(tag: int) -> bool:
    """Tell whether the group is odd."""
    return bool(tag & 0x00010000)


def is_private_creator(tag: int) -> bool:
    """Tell whether `tag` reserves a block of private elements (PS3.5 7.8.1)."""
    return is_private(tag) and 0x10 <= tag & 0xFFFF <= 0xFF


def implied_vr(tag: int, creators: Mapping[int, str]) -> str:
    """Return the VR of an element that does not tell it (or tells that it is unknown), by the dictionaries.

    Parameters
    ----------
    creators : dict
        By group and block of private elements (the tag without its last byte), the private creator.
    """
    if not is_private(tag):
        return standard_vr(tag)
    if not tag & 0xFFFF:
        return "UL"
    if is_private_creator(tag):
        return "LO"
    creator = creators.get(tag & 0xFFFFFF00)
    return private_vr(creator, tag) if creator is not None else "UN"
