"""Members of a group share its partitions, and take over from those that leave, die or come again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from deploy.engines.kafka import Kafka
from radstream.bus.kafka import KafkaBus
from radstream.bus.kafka.consumer import KafkaConsumer
from radstream.bus.port import Message
from tests.engines import kafka
from tests.kafka_trial import new_topic, opened

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

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


@pytest.fixture
async def bus(engine: Kafka) -> AsyncIterator[KafkaBus]:
    async with opened(engine) as bus:
        yield bus


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


async def test_a_member_with_a_name_of_its_own_finds_its_partitions_again_after_a_restart(engine: Kafka) -> None:
    group = f"group-{uuid.uuid4().hex}"

    async def partitions_of(member: KafkaConsumer) -> set[int]:
        found: set[int] = set()
        deadline = time.monotonic() + 40
        while not found:
            assert time.monotonic() < deadline
            records = await member.poll(100, 0.5)
            await member.commit(records)
            found = {record.partition for record in records}
        return found

    async with opened(engine) as bus:
        topic = await new_topic(bus)
        other, before = bus.consumer(group, [topic]), []
        for _ in range(2):
            async with opened(engine, instance_id="index-0") as restarted:
                named = restarted.consumer(group, [topic])
                polls = [asyncio.create_task(partitions_of(member)) for member in (other, named)]
                await asyncio.sleep(0 if before else 8)  # the first time both have to join
                await bus.publish([Message(topic, f"study {number}", b"") for number in range(30)])
                before.append(tuple(await asyncio.gather(*polls)))
                await named.close()
        await other.close()
    assert before[0] == before[1]
    assert not before[0][0] & before[0][1]
