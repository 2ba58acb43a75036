"""In which media types the Pixel Data of each transfer syntax travels outside of a data set (PS3.18 8.7.3.3)."""

from __future__ import annotations

from typing import Final

from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

OCTET_STREAM: Final = "application/octet-stream"

_PREFIX: Final = "1.2.840.10008.1.2"
_JPEG: Final = ("image/jpeg",)
_JPEG_LS: Final = ("image/jls", "image/x-jls")
_RLE: Final = ("image/dicom-rle", "image/x-dicom-rle")
_MPEG_2: Final = ("video/mpeg", "video/mpeg2")
_MPEG_4: Final = ("video/mp4",)
_HEVC: Final = ("video/h265", "video/hevc", "video/mp4")

_NAMES: Final[dict[str, tuple[str, ...]]] = {
    ".5": _RLE,
    **{f".4.{number}": _JPEG for number in (*range(50, 67), 70)},
    **{f".4.{number}": _JPEG_LS for number in (80, 81)},
    **{f".4.{number}": ("image/jp2", "image/jpeg2000", "image/j2k") for number in (90, 91)},
    **{f".4.{number}": ("image/jpx",) for number in (92, 93)},
    **{f".4.{number}": ("image/jxl",) for number in (110, 111, 112)},
    **{f".4.{number}": ("image/jphc", "image/jph") for number in (201, 202, 203)},
    **{f".4.{number}{kind}": _MPEG_2 for number in (100, 101) for kind in ("", ".1")},
    **{f".4.{number}{kind}": _MPEG_4 for number in range(102, 107) for kind in ("", ".1")},
    **{f".4.{number}": _HEVC for number in (107, 108)},
}
"""By what follows 1.2.840.10008.1.2; the first name is the one that is sent, the others are older or looser ones."""

COMPRESSED: Final = frozenset(name for names in _NAMES.values() for name in names)
"""All of them but octets."""


def media_types_of(transfer_syntax_uid: str) -> tuple[str, ...]:
    """Return the media types of frames in a transfer syntax, the usual one first; octets where there is none."""
    return _NAMES.get(transfer_syntax_uid.removeprefix(_PREFIX), (OCTET_STREAM,))


def media_type_of(transfer_syntax_uid: str) -> str:
    """Return the usual one of `media_types_of`."""
    is_native = transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    return OCTET_STREAM if is_native else media_types_of(transfer_syntax_uid)[0]
