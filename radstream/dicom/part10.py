"""The DICOM file format (PS3.10 7.1): preamble, "DICM", File Meta Information, then the data set."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from radstream.contract.errors import RejectedInstance
from radstream.contract.uids import IMPLEMENTATION_CLASS_UID
from radstream.dicom.elements import Buffer, read_explicit_little

META_LIMIT_BYTES: Final = 1 << 20
"""More than this before the data set is nonsense: a real meta group has a few hundred bytes."""

MOST_META_ELEMENTS: Final = 100
"""The Standard has some twenty; so few are read again and again while a file arrives in small pieces."""

_PREAMBLE = bytes(128)
_PREFIX = b"DICM"


def encode_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return everything that stands in front of the data set in a file: preamble, prefix, meta group.

    The same arguments give the same bytes: no version name, no AE titles, no time.

    References
    ----------
    PS3.10 7.1 DICOM File Meta Information.
    """
    group = b"".join(
        (
            struct.pack("<HH2sHI2s", 0x0002, 0x0001, b"OB", 0, 2, b"\x00\x01"),
            _encode_uid(0x0002, sop_class_uid),
            _encode_uid(0x0003, sop_instance_uid),
            _encode_uid(0x0010, transfer_syntax_uid),
            _encode_uid(0x0012, IMPLEMENTATION_CLASS_UID),
        )
    )
    return _PREAMBLE + _PREFIX + struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(group)) + group


def _encode_uid(element: int, uid: str) -> bytes:
    """Return an element of VR UI, padded to even length with NUL (PS3.5 9.1)."""
    value = uid.encode("ascii")
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, b"UI", len(value)) + value


@dataclass(frozen=True)
class FileMeta:
    """What a file says about its data set.

    Parameters
    ----------
    media_storage_sop_class_uid, media_storage_sop_instance_uid, transfer_syntax_uid : str
        Without padding, not checked; "" where the file does not say.
    data_set_offset : int
        Where the data set begins, in bytes from the beginning of the file.
    """

    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_offset: int


def parse_meta(head: Buffer) -> FileMeta | None:
    """Return what the head of a file says, or None if more of it is needed.

    The group length is not believed (it is often wrong or missing): the meta group ends where another group begins.
    The preamble may be missing. A file that ends while this returns None has no data set.

    Raises
    ------
    RejectedInstance
        If this is not a Part 10 file, or its meta group is longer than `META_LIMIT_BYTES`, or has more elements than
        `MOST_META_ELEMENTS`.
    """
    position = _after_prefix(head)
    if position is None:
        return None
    uids: dict[int, str] = {}
    try:
        for _ in range(MOST_META_ELEMENTS):
            if head[position : position + 2] != _META_GROUP:
                break
            tag, _, length, value = read_explicit_little(head, position)
            position = value + length
            if position > META_LIMIT_BYTES:
                raise RejectedInstance("the File Meta Information is absurdly long")
            if tag in _UIDS and position <= len(head):
                uids.setdefault(tag, bytes(head[value:position]).decode("latin-1").strip("\0 "))
        else:
            raise RejectedInstance("the File Meta Information has absurdly many elements")
    except struct.error:
        return None
    if position + 2 > len(head):
        return None
    sop_class, sop_instance, syntax = (uids.get(tag, "") for tag in _UIDS)
    return FileMeta(sop_class, sop_instance, syntax, position)


_META_GROUP: Final = b"\x02\x00"
_UIDS: Final = (0x00020002, 0x00020003, 0x00020010)


def _after_prefix(head: Buffer) -> int | None:
    """Return the offset of the meta group; None if more bytes are needed to know."""
    if head[128:132] == _PREFIX:
        return 132
    if head[:4] == _PREFIX:
        return 4 if len(head) >= 132 else None
    if len(head) >= 132:
        raise RejectedInstance("not a DICOM file: there is no DICM prefix")
    return None
