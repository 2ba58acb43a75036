"""Peers that send malformed PDUs, many at a time and at a steady pace, and what each of them is answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from struct import unpack

from radstream.dimse.pdus import HEAD_BYTES, PduType
from tests.malformed.attacks import Attack

AT_ONCE = 24
PATIENCE_S = 1.0
"""In this time the answer that the Standard demands has to be here."""

INDIFFERENT_S = 0.02
"""So long is waited where it demands none."""


@dataclass(frozen=True)
class Outcome:
    """What an attack met with.

    Parameters
    ----------
    answer : str
        "abort", "reject", "closed", or "silence".
    after_s : float
        Time from the last byte to the answer.
    """

    attack: Attack
    answer: str
    after_s: float

    @property
    def is_right(self) -> bool:
        return self.attack.kind.demand in ("any", self.answer)


async def attack_all(port: int, attacks: Iterable[Attack], per_s: float) -> list[Outcome]:
    """Carry out `attacks` at a steady pace; return what each met with."""
    outcomes: list[Outcome] = []
    places = asyncio.Semaphore(AT_ONCE)
    begun_at = time.monotonic()

    async def carry_out(attack: Attack) -> None:
        try:
            outcomes.append(await _carry_out(port, attack))
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:
        for number, attack in enumerate(attacks):
            await places.acquire()
            await asyncio.sleep(begun_at + number / per_s - time.monotonic())
            group.create_task(carry_out(attack))
    return outcomes


async def _carry_out(port: int, attack: Attack) -> Outcome:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        state = attack.kind.state
        writer.write(state.opening)
        if state.expects is not None:
            async with asyncio.timeout(10 * PATIENCE_S):
                await _until(reader, state.expects)
        sent_at = time.monotonic()
        writer.write(attack.payload)
        answer = await _answer(reader, PATIENCE_S if attack.kind.demand != "any" else INDIFFERENT_S)
        return Outcome(attack, answer, time.monotonic() - sent_at)
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _until(reader: asyncio.StreamReader, kind: PduType) -> None:
    """Read PDUs up to one of `kind`."""
    while (await _pdu(reader))[0] != kind:
        pass


async def _answer(reader: asyncio.StreamReader, patience_s: float) -> str:
    """Return how the association ends; responses to messages may come before."""
    try:
        async with asyncio.timeout(patience_s):
            while True:
                kind, _ = await _pdu(reader)
                if kind == PduType.A_ABORT:
                    return "abort"
                if kind == PduType.A_ASSOCIATE_RJ:
                    return "reject"
    except (asyncio.IncompleteReadError, ConnectionError):
        return "closed"
    except TimeoutError:
        return "silence"


async def _pdu(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, length = unpack(">BxI", await reader.readexactly(HEAD_BYTES))
    return kind, await reader.readexactly(length)
