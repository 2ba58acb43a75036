"""The media types that a picture can be sent as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy.typing as npt

from radstream.dicom.codecs import encode_jpeg, encode_png

DEFAULT_QUALITY: Final = 90

_ENCODERS: Final[dict[str, Callable[[npt.NDArray[Any], int], bytes]]] = {
    "image/jpeg": encode_jpeg,
    "image/png": lambda picture, _quality: encode_png(picture),
}

MEDIA_TYPES: Final = tuple(_ENCODERS)
"""The default first (PS3.18 8.7.4: every origin server sends image/jpeg)."""


def encode(picture: npt.NDArray[Any], media_type: str, quality: int = DEFAULT_QUALITY) -> bytes:
    """Return `picture`, uint8 of shape (rows, columns) or (rows, columns, 3), as `media_type`.

    Parameters
    ----------
    quality : int
        1 to 100, for image/jpeg.
    """
    return _ENCODERS[media_type](picture, quality)
