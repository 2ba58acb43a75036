"""Colours as a client wants them: the `iccprofile` parameter (PS3.18 8.3.5.1.5)."""

from __future__ import annotations

from typing import Any, Final

import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.colour_profiles import NAMES, convert, profile_named

Array = npt.NDArray[Any]

AS_STORED: Final = "no"
WITH_ITS_OWN: Final = "yes"
CHOICES: Final = ("", AS_STORED, WITH_ITS_OWN, *NAMES)
"""What a client may say; nothing means colours for a display of sRGB, which is what viewers take a picture for that has
no profile."""

SRGB: Final = "srgb"


def in_colours(picture: Array, profile: bytes, choice: str) -> Array:
    """Return a picture in the colours that are wanted.

    Colours without a profile, or with a damaged one, are taken for sRGB, as every viewer would.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns, 3).
    profile : bytes
        That the image brings; empty if it has none.
    choice : str
        Of `CHOICES`.
    """
    is_kept = choice in {AS_STORED, WITH_ITS_OWN} or (not profile and choice in {"", SRGB})
    return picture if is_kept else _converted(picture, profile, profile_named(choice or SRGB))


def embedded(profile: bytes, choice: str) -> bytes:
    """Return the ICC profile that goes with a picture that `in_colours` made; empty if none is wanted."""
    if choice in {"", AS_STORED}:
        return b""
    return profile or profile_named(SRGB) if choice == WITH_ITS_OWN else profile_named(choice)


def _converted(picture: Array, profile: bytes, wanted: bytes) -> Array:
    try:
        return convert(picture, profile or profile_named(SRGB), wanted)
    except UnsupportedInstance:
        return convert(picture, profile_named(SRGB), wanted)
