"""Alive is whoever a restart would not help: away engines and bad records are no reason, a stand-still is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from radstream.bus import loop as loop_module
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.loop import DEAD_AFTER_S, ConsumeLoop, Handler
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
        async with asyncio.timeout(60):
            await running
        await bus.close()


class Clock:
    """What the loop takes for the time, in seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def later(self) -> None:
        self.now_s += DEAD_AFTER_S + 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loop_module, "_now_s", lambda: clock.now_s)
    monkeypatch.setattr(loop_module, "IDLE_S", 0.02)
    return clock


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def refusal(check: Check) -> str:
    try:
        await check()
    except Unavailable as error:
        return str(error)
    return ""


async def test_a_handler_that_never_returns_is_no_life(tmp_path: Path, clock: Clock) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def hang(_records: Sequence[Record]) -> None:
        begun.set()
        await release.wait()

    async with consuming(tmp_path, hang) as loop:
        await begun.wait()
        assert await refusal(loop.check_alive) == ""
        clock.later()
        assert "has not moved for" in await refusal(loop.check_alive)
        release.set()


async def test_an_engine_that_is_away_is_no_reason_for_a_restart(tmp_path: Path, clock: Clock) -> None:
    calls = 0

    async def refuse(_records: Sequence[Record]) -> None:
        nonlocal calls
        calls += 1
        raise Unavailable("the catalog does not answer")

    async def is_called_again() -> bool:
        return calls > before

    async with consuming(tmp_path, refuse) as loop:
        for _ in range(3):
            before = calls
            clock.later()
            await until(is_called_again)
            assert await refusal(loop.check_alive) == ""


async def test_a_quiet_log_is_no_reason_for_a_restart(tmp_path: Path, clock: Clock) -> None:
    async def pass_over(_records: Sequence[Record]) -> None: ...

    async def is_alive() -> bool:
        return await refusal(loop.check_alive) == ""

    async with consuming(tmp_path, pass_over, records=0) as loop:
        for _ in range(3):
            await until(is_alive)
            clock.later()
        await until(is_alive)


async def test_a_loop_halted_by_dead_letters_is_not_ready_and_alive(tmp_path: Path, clock: Clock) -> None:
    async def reject(_records: Sequence[Record]) -> None:
        raise RejectedInstance("no UID")

    async def is_halted() -> bool:
        return "dead letters in a row" in await refusal(loop.check)

    async with consuming(tmp_path, reject, records=25) as loop:
        await until(is_halted)
        clock.later()
        assert await refusal(loop.check_alive) == ""
