"""Malformed PDUs by the state in which they come, and what the Standard demands as the answer (PS3.8 9.2, 9.3).

Every attack is a stream of bytes: what leads to a state, then what may not come there. The same seed and number give
the same attack.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import pack
from typing import Final, Literal

from radstream.dimse.associate import encode_request
from radstream.dimse.pdus import COMMAND, PduType
from tests.dimse_wire import (
    RELEASE_RQ,
    command_pdu,
    make_request,
    p_data,
    pdv,
    store_command,
)

Demand = Literal["abort", "reject", "any"]
"""An A-ABORT, an A-ASSOCIATE-RJ, or nothing in particular: an answer, silence, or the end of the connection."""

LARGEST_PDU_BYTES: Final = 256 << 10
REQUEST: Final = encode_request(make_request())
STORE: Final = command_pdu(store_command(), 3)
DATA: Final = p_data(pdv(3, 0, bytes(100)))


@dataclass(frozen=True)
class State:
    """Where an attack begins.

    Parameters
    ----------
    opening : bytes
        What is sent to come there.
    expects : PduType or None
        The PDU by which the other end tells that it is there.
    """

    name: str
    opening: bytes
    expects: PduType | None


def _stranger() -> bytes:
    return encode_request(make_request(called_ae_title="NOBODY"))


BEFORE: Final = State("before association", b"", None)
OPEN: Final = State("open", REQUEST, PduType.A_ASSOCIATE_AC)
IN_COMMAND: Final = State("in a command", REQUEST + p_data(pdv(3, COMMAND, bytes(8))), PduType.A_ASSOCIATE_AC)
IN_DATA_SET: Final = State("in a data set", REQUEST + STORE + DATA, PduType.A_ASSOCIATE_AC)
REJECTED: Final = State("rejected", _stranger(), PduType.A_ASSOCIATE_RJ)
RELEASED: Final = State("released", REQUEST + RELEASE_RQ, PduType.A_RELEASE_RP)
ABORTED: Final = State("aborted", REQUEST + b"\xff" + bytes(9), PduType.A_ABORT)
ESTABLISHED: Final = (OPEN, IN_COMMAND, IN_DATA_SET)
OVER: Final = (REJECTED, RELEASED, ABORTED)
ALL: Final = (BEFORE, *ESTABLISHED, *OVER)

Make = Callable[[random.Random], bytes]
"""Makes what may not come, by chance."""


@dataclass(frozen=True)
class Kind:
    """One way to be malformed in one state."""

    name: str
    state: State
    make: Make
    demand: Demand


@dataclass(frozen=True)
class Attack:
    """One malformed PDU in one state."""

    number: int
    kind: Kind
    payload: bytes

    def __str__(self) -> str:
        return f"{self.kind.name}, {self.kind.state.name} (attack {self.number})"


KINDS: Final[list[Kind]] = []


def malformed(demand: Demand, *states: State, name: str = "") -> Callable[[Make], Make]:
    """Register what the decorated function makes, for each of `states`."""

    def register(make: Make) -> Make:
        KINDS.extend(Kind(name or make.__name__.replace("_", " "), state, make, demand) for state in states)
        return make

    return register


def attacks(count: int, seed: int) -> Iterator[Attack]:
    """Yield attacks: all kinds in all their states come in turn."""
    from tests.malformed import framing, messages, requests

    assert all((framing, messages, requests))
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield Attack(number, kind, kind.make(random.Random(f"{seed} {number}")))


def head(kind: int, length: int, body: bytes = b"") -> bytes:
    return pack(">BxI", kind, length) + body
