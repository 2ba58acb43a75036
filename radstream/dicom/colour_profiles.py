"""ICC profiles: those that a client may ask for by name, and colours from one to another (PS3.3 C.11.15)."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codec_calls import call

LARGEST_PROFILE_BYTES: Final = 1 << 22
NAMES: Final = ("srgb", "adobergb", "rommrgb", "displayp3")
"""As PS3.18 8.3.5.1.5 calls them."""

_DATE: Final = slice(24, 36)
_CREATED: Final = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
"""In place of the time of its making: equal pictures are equal files."""

_D50: Final = (0.3457, 0.3585)
_D65: Final = (0.3127, 0.3290)
_POINTS_OF_A_CURVE: Final = 1024


@lru_cache(maxsize=len(NAMES))
def profile_named(name: str) -> bytes:
    """Return the ICC profile of a colour space of `NAMES`, the same one every time."""
    made = _made(name)
    return made[: _DATE.start] + _CREATED + made[_DATE.stop :]


def _made(name: str) -> bytes:
    if name == "rommrgb":  # ISO 22028-2
        primaries = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
        return bytes(call("cms_profile", "rgb", whitepoint=_D50, primaries=primaries, gamma=1.8))
    if name == "displayp3":  # SMPTE EG 432-1 with the curve of sRGB
        primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
        curve = _curve_of_srgb()
        return bytes(call("cms_profile", "rgb", whitepoint=_D65, primaries=primaries, transferfunction=curve))
    return bytes(call("cms_profile", name))


def _curve_of_srgb() -> npt.NDArray[np.float32]:
    encoded = np.linspace(0, 1, _POINTS_OF_A_CURVE)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def convert(picture: npt.NDArray[Any], profile: bytes, wanted: bytes) -> npt.NDArray[Any]:
    """Return the colours of `picture` in another colour space, by relative colorimetry.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns, 3), RGB.
    profile, wanted : bytes
        ICC profiles of what it is and what it becomes.

    Raises
    ------
    UnsupportedInstance
        If a profile is none of RGB colours, or damaged.
    """
    if len(profile) > LARGEST_PROFILE_BYTES or profile[16:20] != b"RGB ":
        raise UnsupportedInstance("the ICC profile is not one of RGB colours, or too long")
    relative_colorimetric = 1
    options = {"colorspace": "rgb", "outcolorspace": "rgb", "intent": relative_colorimetric}
    return np.asarray(call("cms_transform", np.ascontiguousarray(picture), profile, wanted, **options))
