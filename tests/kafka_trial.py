"""Publishers and consumers that work on Kafka while something happens to its brokers."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.engines.kafka import Kafka
from radstream.bus.kafka import KafkaBus
from radstream.bus.port import Message
from radstream.contract.errors import Unavailable
from radstream.contract.topics import Topic

PUBLISHERS = 4


@asynccontextmanager
async def opened(engine: Kafka, **options: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(engine.servers, deadline_s=3.0, **options)
    try:
        yield bus
    finally:
        await bus.close()


async def new_topic(bus: KafkaBus) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    await bus.create_topics([Topic(name, (), (), partitions=3)])
    return name


async def publish(bus: KafkaBus, topic: str, number: int, stop: asyncio.Event, acknowledged: list[str]) -> None:
    """Publish until told to stop; what was not acknowledged goes again, as ingest's sender would send it."""
    turn = 0
    while not stop.is_set():
        turn += 1
        value = f"{number} {turn}"
        while True:
            try:
                await bus.publish([Message(topic, f"study {number}", value.encode())])
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                acknowledged.append(value)
                break
        await asyncio.sleep(0.005)


async def consume(bus: KafkaBus, topic: str, group: str, stop: asyncio.Event, seen: set[str]) -> None:
    """Consume as the consume loop does: the effect, then the commit; what fails is rewound and comes again."""
    consumer = bus.consumer(group, [topic])
    while not stop.is_set():
        try:
            records = await consumer.poll(100, 0.3)
            seen |= {record.value.decode() for record in records}
            await consumer.commit(records)
        except Unavailable:
            await asyncio.sleep(0.1)
            try:
                await consumer.rewind()
            except Unavailable:
                continue
    await consumer.close()


@dataclass
class Trial:
    """Publishers and a consumer that work while something happens to the brokers."""

    bus: KafkaBus
    topic: str
    group: str = field(default_factory=lambda: f"group-{uuid.uuid4().hex}")
    acknowledged: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    async def run(self, disturb: Callable[[], Awaitable[None]]) -> None:
        """Publish and consume while `disturb` goes on, then return when all that was acknowledged is consumed."""
        stop_publishing, stop_consuming = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            publishers = [
                tasks.create_task(publish(self.bus, self.topic, number, stop_publishing, self.acknowledged))
                for number in range(PUBLISHERS)
            ]
            tasks.create_task(consume(self.bus, self.topic, self.group, stop_consuming, self.seen))
            await disturb()
            stop_publishing.set()
            await asyncio.gather(*publishers)
            await self.all_is_consumed()
            stop_consuming.set()
        assert await self.bus.lag(self.group, [self.topic]) == 0
        assert await self.in_log() >= set(self.acknowledged)

    async def in_log(self) -> set[str]:
        """Return what a group that has never read anything gets."""
        auditor = self.bus.consumer(f"group-{uuid.uuid4().hex}", [self.topic])
        found = set()
        deadline, quiet = time.monotonic() + 60, 0
        while quiet < 4:
            assert time.monotonic() < deadline
            records = await auditor.poll(1000, 0.5)
            quiet = 0 if records or not found else quiet + 1
            found |= {record.value.decode() for record in records}
        await auditor.close()
        return found

    async def all_is_consumed(self) -> None:
        deadline = time.monotonic() + 60
        while not self.seen >= set(self.acknowledged):
            assert time.monotonic() < deadline, f"{len(set(self.acknowledged) - self.seen)} records were not consumed"
            await asyncio.sleep(0.1)

    async def next_acknowledgement(self) -> float:
        """Return how many seconds pass until the next one."""
        return await self._until_more(lambda: len(self.acknowledged))

    async def next_consumed(self) -> float:
        return await self._until_more(lambda: len(self.seen))

    async def _until_more(self, count: Callable[[], int]) -> float:
        started, before = time.monotonic(), count()
        while count() == before:
            assert time.monotonic() < started + 30, "nothing goes on although the broker is back"
            await asyncio.sleep(0.02)
        return time.monotonic() - started
