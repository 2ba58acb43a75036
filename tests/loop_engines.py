"""A log in memory that fails on demand, and a handler that does, for those who test the consume loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from radstream.bus.loop import ConsumeLoop, Handler
from radstream.bus.port import Attempt, Bus, Message, Partition, Record
from radstream.bus.retry import Retry
from radstream.contract.errors import Unavailable
from radstream.contract.topics import Topic

AT_ONCE = Retry(max_attempts=3, first_delay_s=0.0001, longest_delay_s=0.001)
DEAD = "instance-stored-index-dlq"


class FakeBus:
    """A log in memory with one topic, one group and one member; keeps account of what is asked of it."""

    def __init__(self, *values: str, headers: Mapping[str, str] | None = None) -> None:
        self.records = [
            Record("instance-stored", 0, offset, f"key {offset}", value.encode(), headers or {}, 0)
            for offset, value in enumerate(values)
        ]
        self.position = 0
        self.committed = 0
        self.dead: list[Message] = []
        self.topics: list[str] = []
        self.failing: dict[str, int] = {}
        self.is_closed = False
        self.journal: list[str] = []
        self.noted = Attempt(0, 0)

    def fail(self, action: str, times: int) -> None:
        self.failing[action] = times

    def _act(self, action: str) -> None:
        self.journal.append(action)
        if self.failing.get(action, 0) > 0:
            self.failing[action] -= 1
            raise Unavailable(f"no {action}")

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        self._act("create")
        self.topics += [topic.name for topic in topics]

    async def publish(self, messages: Sequence[Message]) -> None:
        self._act("publish")
        self.dead += messages

    def consumer(self, _group: str, _topics: Sequence[str]) -> FakeBus:
        return self

    async def lag(self, _group: str, _topics: Sequence[str]) -> int:
        self._act("lag")
        return len(self.records) - self.committed

    async def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        self._act("poll")
        found = self.records[self.position : self.position + max_records]
        self.position += len(found)
        await asyncio.sleep(0 if found else min(timeout_s, 0.001))
        return found

    async def commit(self, records: Sequence[Record]) -> None:
        self._act("commit")
        self.committed = max(self.committed, records[-1].offset + 1)

    async def note_attempt(self, records: Sequence[Record], number: int) -> None:
        self._act("note")
        assert [record.offset for record in records] == [self.committed]
        self.noted = Attempt(self.committed, number)

    async def unfinished_attempts(self) -> Mapping[Partition, Attempt]:
        is_unfinished = self.noted.number and self.noted.offset == self.committed
        return {("instance-stored", 0): self.noted} if is_unfinished else {}

    async def rewind(self) -> None:
        self._act("rewind")
        self.position = self.committed

    async def close(self) -> None:
        self.is_closed = True


class Handled:
    """A handler that notes every call and fails as it is told to."""

    def __init__(self, fail: Callable[[str, int], Exception | None] = lambda _value, _call: None) -> None:
        self.calls: list[list[str]] = []
        self._fail = fail

    async def __call__(self, records: Sequence[Record]) -> None:
        batch = [record.value.decode() for record in records]
        self.calls.append(batch)
        for value in batch:
            if error := self._fail(value, sum(value in call for call in self.calls)):
                raise error


def make_loop(bus: FakeBus, handle: Handler, **options: Any) -> ConsumeLoop:
    return ConsumeLoop(cast(Bus, bus), "index", "instance-stored", handle, **({"retry": AT_ONCE} | options))


@asynccontextmanager
async def running(loop: ConsumeLoop) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - what is claimed is spread over fakes without events
            await asyncio.sleep(0.001)


async def consume_all(bus: FakeBus, handle: Handler, **options: Any) -> None:
    async with running(make_loop(bus, handle, **options)):
        await until(lambda: bus.committed == len(bus.records))
