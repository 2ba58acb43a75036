"""Bytes that are no PDU, and sound PDUs where none of their kind may come (PS3.8 table 9-10)."""

from __future__ import annotations

import random

from radstream.dimse.pdus import PduType
from tests.dimse_wire import (
    ABORT,
    RELEASE_RP,
    RELEASE_RQ,
    pdv,
    store_rq,
)
from tests.malformed.attacks import (
    ALL,
    BEFORE,
    DATA,
    ESTABLISHED,
    IN_COMMAND,
    IN_DATA_SET,
    LARGEST_PDU_BYTES,
    OPEN,
    OVER,
    REQUEST,
    STORE,
    Make,
    head,
    malformed,
)


@malformed("abort", *ALL)
def unknown_type(chance: random.Random) -> bytes:
    body = chance.randbytes(chance.randint(0, 40))
    return head(chance.choice((0, *range(8, 256))), len(body), body)


@malformed("abort", *ALL)
def four_gigabytes(chance: random.Random) -> bytes:
    return head(chance.randint(1, 7), chance.choice((0xFFFFFFFF, 0xFFFFFFFE, 0x80000000, 0x7FFFFFFF)), bytes(100))


@malformed("abort", *ESTABLISHED, *OVER)
def longer_than_agreed(chance: random.Random) -> bytes:
    return head(PduType.P_DATA_TF, LARGEST_PDU_BYTES + chance.choice((1, 2, 1000)), pdv(3, 0, bytes(100)))


@malformed("abort", BEFORE)
def longer_than_any_request(chance: random.Random) -> bytes:
    return head(PduType.A_ASSOCIATE_RQ, (1 << 20) + chance.randint(1, 1000), bytes(100))


@malformed("abort", BEFORE, *ESTABLISHED)
@malformed("any", *OVER)
def accepted(chance: random.Random) -> bytes:
    return head(PduType.A_ASSOCIATE_AC, 68, bytes(68))


@malformed("abort", BEFORE, *ESTABLISHED)
def rejected(chance: random.Random) -> bytes:
    return head(PduType.A_ASSOCIATE_RJ, 4, chance.randbytes(4))


@malformed("any", *ALL)
def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((1, 5, 6, 7, 100, 5000)))


def _flipped(stream: bytes) -> Make:
    def make(chance: random.Random) -> bytes:
        data = bytearray(stream)
        for _ in range(chance.choice((1, 1, 2, 5, 20))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return bytes(data)

    return make


def _cut(stream: bytes) -> Make:
    return lambda chance: stream[: chance.randrange(1, len(stream))]


def _always(payload: bytes) -> Make:
    return lambda chance: payload


malformed("abort", BEFORE, name="data")(_always(DATA))
malformed("abort", BEFORE, name="release")(_always(RELEASE_RQ))
malformed("abort", BEFORE, name="release confirmed")(_always(RELEASE_RP))
malformed("any", BEFORE, name="request flipped")(_flipped(REQUEST))
malformed("any", BEFORE, name="request cut")(_cut(REQUEST))
malformed("abort", *ESTABLISHED, name="request again")(_always(REQUEST))
malformed("abort", *ESTABLISHED, name="release confirmed")(_always(RELEASE_RP))
malformed("abort", *ESTABLISHED, name="data of no length")(_always(head(PduType.P_DATA_TF, 0)))
malformed("any", *ESTABLISHED, name="message flipped")(_flipped(store_rq(bytes(5000), 900)))
malformed("any", *ESTABLISHED, name="message cut")(_cut(store_rq(bytes(5000), 900)))
malformed("any", IN_COMMAND, IN_DATA_SET, name="release")(_always(RELEASE_RQ))
malformed("abort", OPEN, name="data without its command")(_always(DATA))
malformed("abort", IN_DATA_SET, name="command inside")(_always(STORE))
malformed("any", IN_COMMAND, IN_DATA_SET, name="abort")(_always(ABORT))
malformed("abort", *OVER, name="request after the end")(_always(REQUEST))
malformed("any", *OVER, name="data after the end")(_always(DATA))
malformed("any", *OVER, name="release after the end")(_always(RELEASE_RQ + RELEASE_RP))
