"""In which media types the Pixel Data of a transfer syntax is sent, and what they may be called in a request.

References
----------
PS3.18 8.7.3.3 and table 8.7.3-2 (transfer syntaxes of bulk data media types).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.retrieval.pixel_data import PixelData
from radstream.web.accept import Offer

OCTET_STREAM: Final = "application/octet-stream"

_JPEG: Final = ("image/jpeg",)
_JPEG_LS: Final = ("image/jls", "image/x-jls")
_RLE: Final = ("image/dicom-rle", "image/x-dicom-rle")
_MPEG_2: Final = ("video/mpeg", "video/mpeg2")
_MPEG_4: Final = ("video/mp4",)
_HEVC: Final = ("video/h265", "video/hevc", "video/mp4")

# By what follows 1.2.840.10008.1.2; the first name is the one that is sent, the others are older or looser ones.
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
_ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"


def offers(transfer_syntax_uid: str, *, is_encapsulated: bool, may_be_alone: bool) -> list[Offer]:
    """Return the representations of Pixel Data, the one for ``*/*`` first.

    Native frames are sent as octets in the order of Explicit VR Little Endian, whatever they are stored in. Compressed
    ones are sent as they are, under their own media type; they are also what ``application/octet-stream`` means, but
    only with ``transfer-syntax=*`` or their own UID: without it, it means uncompressed.

    Parameters
    ----------
    may_be_alone : bool
        There is one part only, so that it may be sent without multipart.
    """
    if not is_encapsulated or transfer_syntax_uid == _ENCAPSULATED_UNCOMPRESSED:
        found = [Offer(OCTET_STREAM, True, EXPLICIT_VR_LITTLE_ENDIAN)]
    else:
        name, *others = _NAMES.get(transfer_syntax_uid.removeprefix("1.2.840.10008.1.2"), (OCTET_STREAM,))
        found = [
            Offer(name, True, transfer_syntax_uid, tuple(others), needs_transfer_syntax=name == OCTET_STREAM),
            Offer(name, True, transfer_syntax_uid, (OCTET_STREAM,), needs_transfer_syntax=True),
        ]
    alone = [replace(offer, is_multipart=False) for offer in found]
    return found + alone if may_be_alone else found


def offers_of(pixel_data: PixelData, *, may_be_alone: bool) -> list[Offer]:
    """Return the representations of the frames of an instance, see `offers`."""
    return offers(
        pixel_data.transfer_syntax_uid, is_encapsulated=pixel_data.table.is_encapsulated, may_be_alone=may_be_alone
    )
