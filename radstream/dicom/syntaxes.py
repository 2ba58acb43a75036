"""What a transfer syntax says about the bytes: VR explicit or not, byte order, deflated or not (PS3.5 Annex A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"


@dataclass(frozen=True)
class Encoding:
    """How a data set is encoded."""

    is_implicit: bool = False
    is_little_endian: bool = True
    is_deflated: bool = False


_EXPLICIT = Encoding()
_IMPLICIT = Encoding(is_implicit=True)
_DEFLATED = Encoding(is_deflated=True)

_ENCODINGS: Final = {
    "": _IMPLICIT,  # not declared: the default one (PS3.5 10.1); the first element tells whether it is true
    IMPLICIT_VR_LITTLE_ENDIAN: _IMPLICIT,
    EXPLICIT_VR_BIG_ENDIAN: Encoding(is_little_endian=False),
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: _DEFLATED,
    "1.2.840.10008.1.2.4.95": _DEFLATED,  # JPIP Referenced Deflate
    "1.2.840.10008.1.2.4.205": _DEFLATED,  # JPIP HTJ2K Referenced Deflate
    "1.2.840.113619.5.2": _IMPLICIT,  # GE private: only its Pixel Data is big endian
    "1.2.840.10008.1.20": _IMPLICIT,  # Papyrus 3 (retired)
}


def encoding_of(transfer_syntax_uid: str) -> Encoding:
    """Return the encoding of a transfer syntax; every other one is Explicit VR Little Endian (PS3.5 A.4)."""
    return _ENCODINGS.get(transfer_syntax_uid, _EXPLICIT)


# MPEG-2, MPEG-4 AVC and HEVC: all frames are one stream (PS3.5 8.2.5 to 8.2.10), fragmentable or not.
_VIDEO: Final = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))


def is_video(transfer_syntax_uid: str) -> bool:
    """Tell whether the Pixel Data is one video stream instead of single frames."""
    return transfer_syntax_uid.removesuffix(".1") in _VIDEO


_NATIVE: Final = frozenset({IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, ""})


def is_native(transfer_syntax_uid: str) -> bool:
    """Tell whether Pixel Data is never encapsulated (PS3.5 A.1, A.2, A.3, A.5)."""
    return transfer_syntax_uid in _NATIVE or encoding_of(transfer_syntax_uid).is_deflated
