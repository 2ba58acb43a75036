"""A-ASSOCIATE-RQ PDUs whose items lie (PS3.8 9.3.2)."""

from __future__ import annotations

import random
from struct import pack
from typing import Final

from radstream.dimse.associate import ProposedContext, encode_request
from radstream.dimse.items import encode_item
from radstream.dimse.pdus import PduType
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.user_information import UserInformation
from tests.dimse_wire import (
    CT_IMAGE_STORAGE,
    make_request,
    p_data,
    pdv,
)
from tests.malformed.attacks import (
    BEFORE,
    head,
    malformed,
)


def _request_with(
    *items: bytes, version: int = 1, titles: bytes = b"RADSTREAM".ljust(16) + b"SCANNER".ljust(16)
) -> bytes:
    body = pack(">HH", version, 0) + titles + bytes(32) + b"".join(items)
    return head(PduType.A_ASSOCIATE_RQ, len(body), body)


_APPLICATION: Final = encode_item(0x10, b"1.2.840.10008.3.1.1.1")
_ABSTRACT: Final = encode_item(0x30, CT_IMAGE_STORAGE.encode())
_TRANSFER: Final = encode_item(0x40, IMPLICIT_VR_LITTLE_ENDIAN.encode())
_USER: Final = encode_item(0x50, encode_item(0x51, pack(">I", 16384)))


def _context(number: int, content: bytes = _ABSTRACT + _TRANSFER) -> bytes:
    return encode_item(0x20, bytes((number, 0, 0, 0)) + content)


def _lying_item(kind: int, value: bytes, chance: random.Random) -> bytes:
    """Return an item that is longer than what is left of the PDU."""
    return pack(">BBH", kind, 0, len(value) + chance.choice((1, 2, 1000, 0xFFFF - len(value)))) + value


@malformed("abort", BEFORE)
def request_item_lies(chance: random.Random) -> bytes:
    return _request_with(_APPLICATION, _context(1), _lying_item(0x50, encode_item(0x51, bytes(4)), chance))


@malformed("abort", BEFORE)
def request_nested_lies(chance: random.Random) -> bytes:
    inner = chance.choice((_ABSTRACT + _lying_item(0x40, b"1.2", chance), _lying_item(0x30, b"1.2", chance)))
    return _request_with(_APPLICATION, _context(1, inner), _USER)


@malformed("abort", BEFORE)
def request_user_lies(chance: random.Random) -> bytes:
    kind = chance.choice((0x51, 0x53, 0x54, 0x56, 0x58))
    return _request_with(_APPLICATION, _context(1), encode_item(0x50, _lying_item(kind, b"\0\1", chance)))


@malformed("abort", BEFORE)
def request_of_one_context_twice(chance: random.Random) -> bytes:
    return _request_with(_APPLICATION, _context(3), _context(3), _USER)


@malformed("abort", BEFORE)
def request_of_an_even_context(chance: random.Random) -> bytes:
    return _request_with(_APPLICATION, _context(2 * chance.randrange(128)), _USER)


@malformed("abort", BEFORE)
def request_of_an_empty_context(chance: random.Random) -> bytes:
    return _request_with(
        _APPLICATION, chance.choice((_context(1, b""), encode_item(0x20, b""), _context(1, _ABSTRACT))), _USER
    )


@malformed("abort", BEFORE)
def request_without_room(chance: random.Random) -> bytes:
    user = encode_item(0x50, encode_item(0x51, pack(">I", chance.randint(1, 6))))
    return _request_with(_APPLICATION, _context(1), user)


@malformed("abort", BEFORE)
def request_that_ends_early(chance: random.Random) -> bytes:
    length = chance.randrange(68)
    return head(PduType.A_ASSOCIATE_RQ, length, bytes(length))


@malformed("reject", BEFORE)
def request_of_another_application(chance: random.Random) -> bytes:
    return _request_with(encode_item(0x10, b"1.2.3"), _context(1), _USER)


@malformed("reject", BEFORE)
def request_of_another_version(chance: random.Random) -> bytes:
    return _request_with(_APPLICATION, _context(1), _USER, version=chance.choice((0, 2, 0xFFFE)))


@malformed("reject", BEFORE)
def request_to_nobody(chance: random.Random) -> bytes:
    titles = (b"\0" * 32, b" " * 32, b"\xff" * 32, b"A" * 32, chance.randbytes(32), b"../../etc/passwd" * 2)
    return _request_with(_APPLICATION, _context(1), _USER, titles=chance.choice(titles))


@malformed("any", BEFORE)
def request_of_unknown_items(chance: random.Random) -> bytes:
    unknown = b"".join(encode_item(chance.choice((0, 0x11, 0x60, 0xFF)), chance.randbytes(9)) for _ in range(20))
    return _request_with(_APPLICATION, unknown, _context(1), _USER)


@malformed("any", BEFORE)
def request_of_countless_syntaxes(chance: random.Random) -> bytes:
    content = (_ABSTRACT + _TRANSFER * 2000)[:65_000]
    return _request_with(
        _APPLICATION, *(_context(2 * number + 1, content[: 50 + 21 * 900]) for number in range(40)), _USER
    )


@malformed("any", BEFORE)
def request_of_128_contexts(chance: random.Random) -> bytes:
    contexts = tuple(ProposedContext(2 * n + 1, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)) for n in range(128))
    request = make_request(contexts=contexts, user=UserInformation(max_pdu_bytes=chance.choice((0, 7, 0xFFFFFFFF))))
    return encode_request(request) + p_data(pdv(chance.randrange(256), chance.randrange(256), b"\0"))
