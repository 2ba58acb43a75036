"""What a compressed frame that comes without a data set is: its transfer syntax, and the attributes it implies.

Nothing is decoded: all of it stands in the first bytes of the codestream.

References
----------
PS3.18 10.5.2 and table 10.5.2-1 (which attributes a sender may leave out); PS3.5 8.2; PS3.3 C.7.6.3.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.codestream import Codestream, coding_style, jpeg_segments, read_jpeg, read_jpeg_2000
from radstream.dicom.media import COMPRESSED, OCTET_STREAM, media_types_of
from radstream.dicom.syntaxes import IMPLICIT_VR_LITTLE_ENDIAN, encoding_of, is_native, is_video
from radstream.dicom.video import read_video

HEAD_BYTES: Final = 1 << 16
"""So many of a frame's first bytes are looked at; profiles and comments may stand in front of what counts."""

NOT_SUPPORTED: Final = 0xC122
"""*Referenced Transfer Syntax not supported* (PS3.18 table I.2-2)."""

_PREFIX: Final = "1.2.840.10008.1.2.4."
_BY_FRAME_HEADER: Final = {0xC0: "50", 0xC1: "51", 0xC2: "55"}
_WIDER: Final = {
    _PREFIX + narrow: tuple(_PREFIX + each for each in wide)
    for narrow, wide in {
        **{"50": ("51",), "70": ("57",), "80": ("81",), "90": ("91",), "92": ("93",), "201": ("202", "203")},
        **{"100": ("100.1", "101", "101.1"), "101": ("101.1",), "104": ("104.1", "105", "105.1", "106", "106.1")},
        "102": ("102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1"),
    }.items()
}
"""By transfer syntax, those that allow all that it allows; 202 asks for more, of which nothing is looked at here."""

_LOSSLESS: Final = 0xC3
_JPEG_LS: Final = 0xF7
_HIGH_THROUGHPUT: Final = 0x4000
"""The bit of Rsiz that says so (ISO/IEC 15444-15 A.3)."""


@dataclass(frozen=True)
class Recognized:
    """What a frame is.

    Parameters
    ----------
    transfer_syntax_uid : str
        Empty for native pixels.
    codestream : Codestream, optional
        Its header, if that can be read.
    photometric_interpretation : str
        What its colours are where the data set does not say.
    is_as_named : bool
        Whether the codestream may be one of that transfer syntax.
    frames : int
        So many native ones.
    """

    transfer_syntax_uid: str
    codestream: Codestream | None = None
    photometric_interpretation: str = ""
    is_as_named: bool = True
    frames: int = 1

    @property
    def is_video(self) -> bool:
        """Whether it is a stream of all frames."""
        return is_video(self.transfer_syntax_uid)

    @property
    def image_pixel(self) -> dict[str, Any]:
        """The attributes of the Image Pixel Description Macro as DICOM JSON, none if they are not known."""
        stream = self.codestream
        if stream is None:
            return {}
        numbers = {
            "00280002": stream.components,
            "00280010": stream.rows,
            "00280011": stream.columns,
            "00280100": 8 if stream.precision <= 8 else 16,
            "00280101": stream.precision,
            "00280102": stream.precision - 1,
            "00280103": int(stream.is_signed),
            **({"00280006": 0} if stream.components > 1 else {}),
        }
        found: dict[str, Any] = {tag: {"vr": "US", "Value": [number]} for tag, number in numbers.items()}
        if self.frames > 1:
            found["00280008"] = {"vr": "IS", "Value": [self.frames]}
        return found | {"00280004": {"vr": "CS", "Value": [self.photometric_interpretation]}}


def recognize(media_type: str, transfer_syntax_uid: str, head: bytes) -> Recognized:
    """Return what a part of Pixel Data is.

    Parameters
    ----------
    media_type : str
        In lower case, without parameters.
    transfer_syntax_uid : str
        That its sender names; empty if it does not.
    head : bytes
        The first `HEAD_BYTES` of it, without the boxes of a JP2 file.

    Raises
    ------
    RejectedInstance
        With `NOT_SUPPORTED`, if that is no way in which Pixel Data can be stored as it comes, or the sender has to
        name the transfer syntax and does not.
    """
    if media_type == OCTET_STREAM and transfer_syntax_uid in ("", IMPLICIT_VR_LITTLE_ENDIAN):
        return Recognized("")
    if media_type == OCTET_STREAM and is_native(transfer_syntax_uid):
        if not encoding_of(transfer_syntax_uid).is_little_endian:
            raise RejectedInstance("uncompressed pixels are sent in little endian", NOT_SUPPORTED)
        return Recognized("")
    if media_type not in COMPRESSED | {OCTET_STREAM}:
        raise RejectedInstance("Pixel Data is not stored in this media type", NOT_SUPPORTED)
    if transfer_syntax_uid and media_type not in (*media_types_of(transfer_syntax_uid), OCTET_STREAM):
        raise RejectedInstance("the media type of Pixel Data is not one of its transfer syntax", NOT_SUPPORTED)
    found = _read(media_type, head)
    syntax = transfer_syntax_uid or found.transfer_syntax_uid
    if not syntax:
        raise RejectedInstance("the transfer syntax of Pixel Data is not named and cannot be seen", NOT_SUPPORTED)
    is_as_named = syntax in (found.transfer_syntax_uid, *_WIDER.get(found.transfer_syntax_uid, ()))
    return replace(found, transfer_syntax_uid=syntax, is_as_named=is_as_named or not found.transfer_syntax_uid)


def codestream_place(head: bytes, size_bytes: int) -> tuple[int, int]:
    """Return offset and length of the codestream in a frame: all of it, unless it is a JP2 file (PS3.5 A.4.4).

    Raises
    ------
    RejectedInstance
        If the file has no codestream, or none that begins in its `head`.
    """
    if not head.startswith(b"\x00\x00\x00\x0cjP  \r\n\x87\n"):
        return 0, size_bytes
    position = 0
    while position + 16 <= len(head):
        length, kind, begin = int.from_bytes(head[position : position + 4], "big"), head[position + 4 : position + 8], 8
        if length == 1:
            length, begin = int.from_bytes(head[position + 8 : position + 16], "big"), 16
        if kind == b"jp2c":
            end = size_bytes if length == 0 else min(size_bytes, position + length)
            return position + begin, end - position - begin
        if length < begin:
            break
        position += length
    raise RejectedInstance("the JP2 file has no codestream")


def _read(media_type: str, head: bytes) -> Recognized:
    """Return what the codestream says of itself, nothing if it is none that is known."""
    if media_type.startswith("video/"):
        video = read_video(head)
        return Recognized(*video, "YBR_PARTIAL_420") if video else Recognized("")
    with suppress(UnsupportedInstance):
        if head.startswith(b"\xff\xd8"):
            return _read_jpeg(head)
        if head.startswith(b"\xff\x4f\xff\x51"):
            return _read_jpeg_2000(head, is_part_2=media_type == "image/jpx")
    return Recognized("1.2.840.10008.1.2.5" if "dicom-rle" in media_type else "")


def _read_jpeg(head: bytes) -> Recognized:
    stream = read_jpeg(head)
    syntax, frame_header, is_subsampled = "", 0, False
    for marker, segment in jpeg_segments(head):
        if marker in (*_BY_FRAME_HEADER, _LOSSLESS, _JPEG_LS):
            frame_header, is_subsampled = marker, len({*segment[7::3]}) > 1
            syntax = _BY_FRAME_HEADER.get(marker, "")
        elif marker == 0xDA and not syntax and len(segment) >= 3:
            syntax = _lossless(frame_header, segment)
    is_rgb = stream.colour == "RGB" or syntax not in _BY_FRAME_HEADER.values()
    colours = "RGB" if is_rgb else "YBR_FULL_422" if is_subsampled else "YBR_FULL"
    return Recognized(_PREFIX + syntax if syntax else "", stream, colours if stream.components > 1 else "MONOCHROME2")


def _lossless(frame_header: int, scan: bytes) -> str:
    """Return the end of the UID by the scan header: selection value of lossless JPEG, NEAR of JPEG-LS."""
    selection_or_near = scan[-3]
    if frame_header == _JPEG_LS:
        return "80" if selection_or_near == 0 else "81"
    return "70" if selection_or_near == 1 else "57"


def _read_jpeg_2000(head: bytes, *, is_part_2: bool) -> Recognized:
    stream = read_jpeg_2000(head)
    style = coding_style(head, 4 + int.from_bytes(head[4:6], "big"))
    is_reversible = style[9:10] == b"\1"
    if int.from_bytes(head[6:8], "big") & _HIGH_THROUGHPUT:
        syntax = "201" if is_reversible else "203"
    elif is_part_2:
        syntax = "92" if is_reversible else "93"
    else:
        syntax = "90" if is_reversible else "91"
    transformed = "YBR_RCT" if is_reversible else "YBR_ICT"
    colours = transformed if stream.colour == "YBR" else "RGB"
    return Recognized(_PREFIX + syntax, stream, colours if stream.components > 1 else "MONOCHROME2")
