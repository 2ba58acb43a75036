"""The media types that a picture can be sent as, still and moving."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy.typing as npt
from PIL import Image

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import encode_jpeg, encode_png

Array = npt.NDArray[Any]

DEFAULT_QUALITY: Final = 90

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
WEBP: Final = "image/webp"
GIF: Final = "image/gif"
APNG: Final = "image/apng"

MEDIA_TYPES: Final = (JPEG, PNG, GIF, WEBP, APNG)
"""The default first (PS3.18 8.7.4: every origin server sends image/jpeg)."""

_FORMATS: Final = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP", APNG: "PNG"}
_MOVING: Final = frozenset({GIF, APNG})
_LARGEST_WEBP_SIDE: Final = 16383
_FASTEST_WEBP: Final = 1

_FAST: Final[dict[str, Callable[[Array, int], bytes]]] = {
    JPEG: encode_jpeg,
    PNG: lambda picture, _quality: encode_png(picture),
}


def encode(picture: Array, media_type: str, quality: int = DEFAULT_QUALITY, icc_profile: bytes = b"") -> bytes:
    """Return `picture`, uint8 of shape (rows, columns) or (rows, columns, 3), as `media_type`.

    Parameters
    ----------
    quality : int
        1 to 100, for JPEG and WebP.
    icc_profile : bytes
        That the file carries, of RGB pictures; a GIF cannot.

    Raises
    ------
    UnsupportedInstance
        If it is too large for the media type.
    """
    if media_type in _FAST and not (icc_profile and picture.ndim == 3):
        return _FAST[media_type](picture, quality)
    file = io.BytesIO()
    _image(picture, media_type).save(file, _FORMATS[media_type], **_options(picture, media_type, quality, icc_profile))
    return file.getvalue()


def is_moving(media_type: str) -> bool:
    """Tell whether a file of `media_type` may hold several pictures, shown one after the other."""
    return media_type in _MOVING


def encode_moving(pictures: Iterable[Array], media_type: str, quality: int, frame_ms: float) -> tuple[int, int, bytes]:
    """Return rows, columns and file of a moving picture that repeats for ever.

    Parameters
    ----------
    pictures : iterable of ndarray
        At least one; each of the same size, uint8, as of `encode`. Equal ones that follow each other become one.
    media_type : str
        One of which `is_moving` holds. A GIF has 256 colours, which are enough for grey.
    frame_ms : float
        How long each is shown.
    """
    images = [_image(picture, media_type) for picture in pictures]  # Pillow looks at them twice
    first = images[0]
    file = io.BytesIO()
    first.save(
        file,
        _FORMATS[media_type],
        save_all=True,
        append_images=images[1:],
        duration=max(1, round(frame_ms)),
        loop=0,
        **({"optimize": False} if media_type == GIF else {"compress_level": 3}),
    )
    return first.height, first.width, file.getvalue()


def _image(picture: Array, media_type: str) -> Image.Image:
    image = Image.fromarray(picture)
    if media_type == WEBP and max(image.size) > _LARGEST_WEBP_SIDE:
        raise UnsupportedInstance("the picture is too large for image/webp")
    if media_type == GIF and image.mode == "RGB":
        return image.quantize(dither=Image.Dither.FLOYDSTEINBERG)
    return image


def _options(picture: Array, media_type: str, quality: int, icc_profile: bytes) -> dict[str, Any]:
    profile = {"icc_profile": icc_profile} if icc_profile and picture.ndim == 3 and media_type != GIF else {}
    if media_type == JPEG:
        return {"quality": quality, "subsampling": "4:4:4", **profile}
    if media_type == WEBP:
        return {"quality": quality, "method": _FASTEST_WEBP, **profile}
    return profile if media_type == GIF else {"compress_level": 3, **profile}
