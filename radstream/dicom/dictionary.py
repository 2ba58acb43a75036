"""The data dictionary (PS3.6) as the readers need it: tag to JSON key and VR, private elements too."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydicom._private_dict import private_dictionaries
from pydicom.datadict import DicomDictionary, RepeatersDictionary, mask_match

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

_LEFT_OUT: Final = PIXEL_DATA_TAGS | {ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION}

KEYS: Final[dict[int, str]] = {
    tag: f"{tag:08X}" for tag in DicomDictionary if tag > 0x0003FFFF and tag & 0xFFFF and tag not in _LEFT_OUT
}
"""The JSON key of every standard attribute that belongs in DICOM JSON as it is."""


def standard_vr(tag: int) -> str:
    """Return the VR of a standard tag, perhaps one of the ambiguous ones ("US or SS"), "UN" if it is unknown."""
    entry = DicomDictionary.get(tag)
    if entry is None and (mask := mask_match(tag)):
        entry = RepeatersDictionary[mask]
    if entry is not None:
        vr = entry[0]
        return _SIMPLER.get(vr, vr)
    return "UN" if tag & 0xFFFF else "UL"


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
