"""Items and sub-items of the A-ASSOCIATE PDUs: a type, a reserved byte, a length, a value (PS3.8 9.3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from radstream.dimse.pdus import ProtocolViolation

_ITEM: Final = Struct(">BBH")
_LENGTH: Final = Struct(">H")


def walk_items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and value of each item in `data`.

    Raises
    ------
    ProtocolViolation
        If an item does not fit.
    """
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < 4:
            raise ProtocolViolation("an A-ASSOCIATE PDU ends inside the head of an item")
        kind, _, length = _ITEM.unpack_from(data, offset)
        offset += 4 + length
        if offset > end:
            raise ProtocolViolation("an item is longer than its A-ASSOCIATE PDU")
        yield kind, data[offset - length : offset]


def encode_item(kind: int, value: bytes, reserved: int = 0) -> bytes:
    """Return an item; `reserved` is zero but for the version of a sub-item that has one (PS3.7 D.3.3.6)."""
    return _ITEM.pack(kind, reserved, len(value)) + value


def take(data: bytes, offset: int) -> tuple[bytes, int]:
    """Return the value that follows its own 16-bit length at `offset`, and the offset behind it.

    Raises
    ------
    ProtocolViolation
        If it does not fit.
    """
    start = offset + 2
    if start > len(data):
        raise ProtocolViolation("a sub-item ends inside a length")
    end = start + _LENGTH.unpack_from(data, offset)[0]
    if end > len(data):
        raise ProtocolViolation("a value is longer than its sub-item")
    return data[start:end], end


def counted(value: bytes) -> bytes:
    """Return `value` behind its 16-bit length."""
    return _LENGTH.pack(len(value)) + value


def to_uid(value: bytes) -> str:
    """Return a UID as text; padding, which PS3.8 Annex F forbids but devices send, is removed.

    Raises
    ------
    ProtocolViolation
        If it has more than 64 characters or other than ASCII ones.
    """
    text = value.strip(b"\0 ")
    if len(text) > 64 or not text.isascii():
        raise ProtocolViolation("a UID of an A-ASSOCIATE PDU is longer than 64 characters or not ASCII")
    return text.decode("ascii")
