"""Alive is whoever a restart would not help: away engines and bad records are no reason, a stand-still is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from radstream.bus import loop as loop_module
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.loop import ConsumeLoop, Handler
from radstream.bus.port import Message, Record
from radstream.bus.retry import Retry
from radstream.contract.errors import RejectedInstance, Unavailable
from radstream.contract.topics import INSTANCE_STORED
from radstream.telemetry import Check

AT_ONCE = Retry(first_delay_s=0.001, longest_delay_s=0.01)


@asynccontextmanager
async def consuming(home: Path, handle: Handler, records: int = 1) -> AsyncIterator[ConsumeLoop]:
    bus = EmbeddedBus(home)
    await bus.create_topics([INSTANCE_STORED])
    await bus.publish([Message(INSTANCE_STORED.name, "1.2.3", b"{}")] * records)
    loop, stop = ConsumeLoop(bus, "index", INSTANCE_STORED.name, handle, retry=AT_ONCE), asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    try:
        yield loop
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await running
        await bus.close()


async def until_refused(check: Check, reason: str) -> str:
    async with asyncio.timeout(10):
        while True:
            try:
                await check()
            except Unavailable as error:
                if reason in str(error):
                    return str(error)
            await asyncio.sleep(0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Shorten how long a loop may stand still; longer than its polls wait."""
    monkeypatch.setattr(loop_module, "DEAD_AFTER_S", 0.2)
    monkeypatch.setattr(loop_module, "IDLE_S", 0.02)
    return 0.2


@pytest.mark.usefixtures("impatient")
async def test_a_handler_that_never_returns_is_no_life(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def hang(_records: Sequence[Record]) -> None:
        await release.wait()

    async with consuming(tmp_path, hang) as loop:
        assert await until_refused(loop.check_alive, "has not moved for")
        release.set()


async def test_an_engine_that_is_away_is_no_reason_for_a_restart(tmp_path: Path, impatient: float) -> None:
    calls = 0

    async def refuse(_records: Sequence[Record]) -> None:
        nonlocal calls
        calls += 1
        raise Unavailable("the catalog does not answer")

    async with consuming(tmp_path, refuse) as loop:
        until_s = asyncio.get_running_loop().time() + 3 * impatient
        while asyncio.get_running_loop().time() < until_s:
            await loop.check_alive()
            await asyncio.sleep(0.01)
        assert calls > 3


async def test_a_quiet_log_is_no_reason_for_a_restart(tmp_path: Path, impatient: float) -> None:
    async def pass_over(_records: Sequence[Record]) -> None: ...

    async with consuming(tmp_path, pass_over, records=0) as loop:
        await asyncio.sleep(2 * impatient)
        await loop.check_alive()


async def test_a_loop_halted_by_dead_letters_is_not_ready_and_alive(tmp_path: Path, impatient: float) -> None:
    async def reject(_records: Sequence[Record]) -> None:
        raise RejectedInstance("no UID")

    async with consuming(tmp_path, reject, records=25) as loop:
        assert await until_refused(loop.check, "dead letters in a row")
        await asyncio.sleep(2 * impatient)
        await loop.check_alive()
