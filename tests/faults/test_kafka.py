"""The broker is killed, away or deaf: what was acknowledged is there and consumed; nobody has to be restarted.

RADSTREAM_TEST_KILLS and RADSTREAM_TEST_OUTAGE_S shorten or lengthen the trials.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest

from deploy.engines.kafka import Kafka
from radstream.bus.kafka import KafkaBus
from radstream.bus.port import Message
from radstream.contract.errors import Unavailable
from radstream.contract.topics import Topic
from tests.engines import kafka, kafka_of_three

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "20"))
OUTAGE_S = float(os.environ.get("RADSTREAM_TEST_OUTAGE_S", "60"))
PUBLISHERS = 4

# A member of a group in a process of its own: says what it took, commits it, and never ends by itself.
MEMBER = """
import asyncio, sys
from radstream.bus.kafka import KafkaBus

async def main(servers, group, topic):
    consumer = KafkaBus(servers.split(",")).consumer(group, [topic])
    while True:
        records = await consumer.poll(10, 0.2)
        await consumer.commit(records)
        for record in records:
            print(record.partition, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def engine() -> Kafka:
    return kafka()


@asynccontextmanager
async def opened(engine: Kafka) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(engine.servers, deadline_s=3.0)
    try:
        yield bus
    finally:
        await bus.close()


@pytest.fixture
async def bus(engine: Kafka) -> AsyncIterator[KafkaBus]:
    async with opened(engine) as bus:
        yield bus


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


async def test_nothing_acknowledged_is_lost_by_kill_9_and_all_of_it_is_consumed(engine: Kafka, bus: KafkaBus) -> None:
    trial, chance = Trial(bus, await new_topic(bus)), random.Random(7)
    recoveries: list[float] = []

    async def kill_again_and_again() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 1.5))
            await asyncio.to_thread(engine.kill)
            await asyncio.to_thread(engine.start)
            recoveries.append(await trial.next_acknowledgement())

    await trial.run(kill_again_and_again)
    print(f"{KILLS} kills, {len(trial.acknowledged)} acknowledged; longest until the next: {max(recoveries):.1f} s")
    assert len(trial.acknowledged) > KILLS
    assert max(recoveries) < 10


async def test_producer_and_consumer_survive_a_long_outage_and_leave_nothing_behind(
    engine: Kafka, bus: KafkaBus
) -> None:
    trial = Trial(bus, await new_topic(bus))
    tasks: list[int] = []
    back: list[float] = []

    async def go_away_for_long() -> None:
        await trial.next_consumed()
        tasks.append(len(asyncio.all_tasks()))
        await asyncio.to_thread(engine.kill)
        before = len(trial.acknowledged)
        await asyncio.sleep(OUTAGE_S)
        assert len(trial.acknowledged) == before
        await asyncio.to_thread(engine.start)
        back.extend(await asyncio.gather(trial.next_acknowledgement(), trial.next_consumed()))
        await asyncio.sleep(10)  # for the ends of what was given up
        tasks.append(len(asyncio.all_tasks()))

    await trial.run(go_away_for_long)
    print(f"{OUTAGE_S:.0f} s away; acknowledged after {back[0]:.1f} s, consumed after {back[1]:.1f} s; tasks {tasks}")
    assert max(back) < 10
    assert tasks[1] <= tasks[0] + 5


async def test_a_deaf_broker_holds_nobody_up_beyond_the_deadline(engine: Kafka, bus: KafkaBus) -> None:
    topic, group = await new_topic(bus), f"group-{uuid.uuid4().hex}"
    await bus.publish([Message(topic, "k", b"before")])
    consumer = bus.consumer(group, [topic])
    records = await consumer.poll(1, 20)
    assert len(records) == 1
    with silenced(engine):
        for action in (
            lambda: bus.publish([Message(topic, "k", b"meanwhile")]),
            lambda: consumer.commit(records),
            consumer.rewind,
            bus.check,
            lambda: bus.lag(group, [topic]),
            lambda: bus.read(topic),
        ):
            started = time.monotonic()
            with pytest.raises(Unavailable):
                await action()
            assert time.monotonic() - started < 12
        started = time.monotonic()
        assert await consumer.poll(1, 0.5) == []
        await consumer.close()
        assert time.monotonic() - started < 12
    await bus.publish([Message(topic, "k", b"after")])
    successor = bus.consumer(group, [topic])
    taken: list[bytes] = []
    deadline = time.monotonic() + 40
    while b"after" not in taken:
        assert time.monotonic() < deadline
        taken += [record.value for record in await successor.poll(10, 0.5)]
    await successor.close()


@contextmanager
def silenced(engine: Kafka) -> Iterator[None]:
    """The brokers hold their connections and say nothing."""
    pids = engine.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_what_starts_while_no_broker_is_there_works_when_one_comes(engine: Kafka) -> None:
    async with opened(engine) as before:
        topic = await new_topic(before)
        await before.publish([Message(topic, "k", b"early")])
    await asyncio.to_thread(engine.kill)
    try:
        async with opened(engine) as bus:
            consumer = bus.consumer(f"group-{uuid.uuid4().hex}", [topic])
            assert await consumer.poll(1, 0.2) == []
            with pytest.raises(Unavailable):
                await bus.publish([Message(topic, "k", b"refused")])
            await asyncio.to_thread(engine.start)
            await bus.publish([Message(topic, "k", b"late")])
            taken: list[bytes] = []
            deadline = time.monotonic() + 20
            while len(taken) < 2:
                assert time.monotonic() < deadline
                taken += [record.value for record in await consumer.poll(10, 0.5)]
            assert taken == [b"early", b"late"]
            await consumer.close()
    finally:
        await asyncio.to_thread(engine.start)


async def test_the_partitions_of_a_member_that_is_killed_go_to_another(engine: Kafka, bus: KafkaBus) -> None:
    topic, group = await new_topic(bus), f"group-{uuid.uuid4().hex}"
    ours = bus.consumer(group, [topic])
    command = [sys.executable, "-c", MEMBER, ",".join(engine.servers), group, topic]
    theirs = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert theirs.stdout is not None
    try:
        have: set[int] = set()
        deadline = time.monotonic() + 60
        said = asyncio.create_task(theirs.stdout.readline())
        while not (have and said.done()):
            assert time.monotonic() < deadline
            await bus.publish([Message(topic, f"study {number}", b"early") for number in range(30)])
            records = await ours.poll(100, 0.3)
            await ours.commit(records)
            have = {record.partition for record in records}
        assert int(said.result()) in range(3)
    finally:
        theirs.kill()
        await theirs.wait()
    await bus.publish([Message(topic, f"study {number}", b"late") for number in range(30)])
    taken = []
    deadline = time.monotonic() + 40
    while len({(record.partition, record.offset) for record in taken if record.value == b"late"}) < 30:
        assert time.monotonic() < deadline, "the partitions of the dead were not given to the living"
        taken += await ours.poll(100, 0.5)
    assert {record.partition for record in taken} == {0, 1, 2}
    await ours.close()


async def test_of_three_brokers_any_one_may_die_and_two_dead_ones_stop_all_and_lose_nothing() -> None:
    engine = kafka_of_three()
    async with opened(engine) as bus:
        trial = Trial(bus, await new_topic(bus))
        gaps: list[float] = []

        async def kill_in_turn() -> None:
            for number in (1, 2, 3):
                await trial.next_acknowledgement()
                await asyncio.to_thread(engine.kill, number)
                gaps.append(await trial.next_acknowledgement())
                await asyncio.to_thread(engine.start)
            await asyncio.to_thread(engine.kill, 1, 2)
            await asyncio.sleep(4)
            before = len(trial.acknowledged)
            await asyncio.sleep(4)
            assert len(trial.acknowledged) == before  # one copy is no promise
            await asyncio.to_thread(engine.start)
            gaps.append(await trial.next_acknowledgement())

        await trial.run(kill_in_turn)
    await asyncio.to_thread(engine.stop, 5)
    print(f"{len(trial.acknowledged)} acknowledged; longest gaps {[round(gap, 1) for gap in gaps]} s")


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
