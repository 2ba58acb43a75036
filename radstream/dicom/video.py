"""What a video says about itself, as far as it stands at its beginning: codec, profile, level and size.

References
----------
ISO/IEC 14496-12 8.5.2 and 14496-15 5.3.3, 8.3.3 (MP4 with AVC or HEVC); ISO/IEC 13818-2 6.2.2 (MPEG-2); PS3.5 8.2.5 to
8.2.10 for the profiles and levels of each transfer syntax.
"""

from __future__ import annotations

from typing import Final

from radstream.dicom.codestream import Codestream

MPEG2_MAIN: Final = "1.2.840.10008.1.2.4.100"
MPEG2_HIGH: Final = "1.2.840.10008.1.2.4.101"
H264_41: Final = "1.2.840.10008.1.2.4.102"
H264_42: Final = "1.2.840.10008.1.2.4.104"
HEVC_MAIN: Final = "1.2.840.10008.1.2.4.107"
HEVC_MAIN_10: Final = "1.2.840.10008.1.2.4.108"

_AVC_PROFILES: Final = frozenset({66, 77, 100})  # Baseline and Main can be decoded by whoever decodes High
_SEQUENCE_HEADER: Final = b"\x00\x00\x01\xb3"
_EXTENSION: Final = b"\x00\x00\x01\xb5"
_SAMPLE_ENTRY_BYTES: Final = 78
"""Of a visual sample entry, before the boxes in it."""


def read_video(head: bytes) -> tuple[str, Codestream] | None:
    """Return the transfer syntax and the size of a video, None if its beginning does not tell them.

    An MP4 file tells if its tables stand in front of the pictures.
    """
    if head[4:8] == b"ftyp":
        return _read_mp4(head)
    return _read_mpeg2(head)


def _read_mp4(head: bytes) -> tuple[str, Codestream] | None:
    """Look for the sample entry of the pictures; its four letters come in the tables, and hardly before them."""
    tables = head.find(b"moov")
    for kinds, configuration, read in (((b"avc1", b"avc3"), b"avcC", _avc), ((b"hvc1", b"hev1"), b"hvcC", _hevc)):
        for at in (head.find(kind, tables) for kind in kinds):
            entry = head[at + 4 : at + 4 + _SAMPLE_ENTRY_BYTES + 256]
            settings = entry[entry.find(configuration, _SAMPLE_ENTRY_BYTES) + 4 :]
            if tables < 0 or at < 0 or configuration not in entry or len(settings) < 13:
                continue
            syntax, precision = read(settings)
            columns, rows = int.from_bytes(entry[24:26], "big"), int.from_bytes(entry[26:28], "big")
            return (syntax, Codestream(rows, columns, 3, precision, False, "YBR")) if syntax else None
    return None


def _avc(settings: bytes) -> tuple[str, int]:
    """Return transfer syntax and bits of an AVC decoder configuration."""
    profile, level = settings[1], settings[3]
    if profile not in _AVC_PROFILES or level > 42:
        return "", 0
    return (H264_41 if level <= 41 else H264_42), 8


def _hevc(settings: bytes) -> tuple[str, int]:
    """Return transfer syntax and bits of an HEVC decoder configuration."""
    profile, level = settings[1] & 0x1F, settings[12]
    if level > 153:  # 5.1
        return "", 0
    return {1: (HEVC_MAIN, 8), 2: (HEVC_MAIN_10, 10)}.get(profile, ("", 0))


def _read_mpeg2(head: bytes) -> tuple[str, Codestream] | None:
    """Read the first sequence header and its extension, which names profile and level; also within a container."""
    at = head.find(_SEQUENCE_HEADER)
    extension = head.find(_EXTENSION, at)
    if at < 0 or extension < 0 or extension + 6 > len(head) or head[extension + 4] >> 4 != 1:
        return None
    size = int.from_bytes(head[at + 4 : at + 7], "big")
    profile_and_level = (head[extension + 4] & 0x0F) << 4 | head[extension + 5] >> 4
    syntax = {0x48: MPEG2_MAIN, 0x46: MPEG2_HIGH, 0x44: MPEG2_HIGH}.get(profile_and_level)
    return (syntax, Codestream(size & 0xFFF, size >> 12, 3, 8, False, "YBR")) if syntax else None
