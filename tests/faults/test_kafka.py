"""The broker is killed or away: what was acknowledged is there, in order, and consumed; nobody has to be restarted.

RADSTREAM_TEST_KILLS shortens or lengthens the trial.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from deploy.engines.kafka import Kafka
from radstream.bus.kafka import KafkaBus
from radstream.bus.port import Message
from radstream.contract.errors import Unavailable
from radstream.contract.topics import Topic
from tests.engines import kafka

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "20"))
PUBLISHERS = 4


@pytest.fixture
def engine() -> Kafka:
    return kafka()


@pytest.fixture
async def bus(engine: Kafka) -> AsyncIterator[KafkaBus]:
    opened = KafkaBus([engine.url.removeprefix("kafka://")], deadline_s=3.0)
    yield opened
    await opened.close()


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
    """Consume as the consume loop does: what fails is rewound and comes again."""
    consumer = bus.consumer(group, [topic])
    while not stop.is_set():
        try:
            records = await consumer.poll(100, 0.3)
            await consumer.commit(records)
            seen |= {record.value.decode() for record in records}
        except Unavailable:
            await asyncio.sleep(0.1)
            try:
                await consumer.rewind()
            except Unavailable:
                continue
    await consumer.close()


async def test_nothing_acknowledged_is_lost_by_kill_9_and_all_of_it_is_consumed(engine: Kafka, bus: KafkaBus) -> None:
    topic, group, chance = await new_topic(bus), f"group-{uuid.uuid4().hex}", random.Random(7)
    acknowledged: list[str] = []
    seen: set[str] = set()
    stop_publishing, stop_consuming = asyncio.Event(), asyncio.Event()
    recoveries: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        publishers = [
            tasks.create_task(publish(bus, topic, number, stop_publishing, acknowledged))
            for number in range(PUBLISHERS)
        ]
        tasks.create_task(consume(bus, topic, group, stop_consuming, seen))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 1.5))
            await asyncio.to_thread(engine.kill)
            await asyncio.to_thread(engine.start)
            returned, before = time.monotonic(), len(acknowledged)
            while len(acknowledged) == before:
                assert time.monotonic() < returned + 30, "nothing is acknowledged although the broker is back"
                await asyncio.sleep(0.02)
            recoveries.append(time.monotonic() - returned)
        stop_publishing.set()
        await asyncio.gather(*publishers)
        deadline = time.monotonic() + 60
        while not seen >= set(acknowledged):
            assert time.monotonic() < deadline, f"{len(set(acknowledged) - seen)} records were not consumed"
            await asyncio.sleep(0.1)
        stop_consuming.set()
    print(f"{len(acknowledged)} acknowledged; longest until the next one after a return: {max(recoveries):.1f} s")
    assert len(acknowledged) > KILLS
    assert max(recoveries) < 10
    assert await bus.lag(group, [topic]) == 0


async def test_an_outage_is_told_within_the_deadline_and_ends_by_itself(engine: Kafka, bus: KafkaBus) -> None:
    topic = await new_topic(bus)
    await bus.publish([Message(topic, "k", b"before")])
    await asyncio.to_thread(engine.kill)
    try:
        for _ in range(3):
            started = time.monotonic()
            with pytest.raises(Unavailable):
                await bus.publish([Message(topic, "k", b"meanwhile")])
            assert time.monotonic() - started < 10
        with pytest.raises(Unavailable):
            await bus.check()
        with pytest.raises(Unavailable):
            await bus.lag("group", [topic])
    finally:
        await asyncio.to_thread(engine.start)
    await bus.publish([Message(topic, "k", b"after")])
    await bus.check()


async def test_members_share_partitions_and_take_over_from_one_that_leaves(bus: KafkaBus) -> None:
    topic, group = await new_topic(bus), f"group-{uuid.uuid4().hex}"
    first, second = bus.consumer(group, [topic]), bus.consumer(group, [topic])
    polls = [asyncio.create_task(member.poll(1, 15)) for member in (first, second)]
    await asyncio.sleep(6)
    await bus.publish([Message(topic, f"study {number}", str(number).encode()) for number in range(30)])
    await asyncio.gather(*polls)
    found = {"first": polls[0].result(), "second": polls[1].result()}
    for _ in range(20):
        found["first"] += await first.poll(50, 0.2)
        found["second"] += await second.poll(50, 0.2)
    partitions = {name: {record.partition for record in records} for name, records in found.items()}
    assert all(partitions.values())
    assert not partitions["first"] & partitions["second"]
    await first.commit(found["first"])
    await first.close()
    await bus.publish([Message(topic, f"study {number}", b"later") for number in range(30)])
    taken: list[bytes] = []
    deadline = time.monotonic() + 30
    while taken.count(b"later") < 30:
        assert time.monotonic() < deadline
        taken += [record.value for record in await second.poll(50, 0.5)]
    await second.close()
