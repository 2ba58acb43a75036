"""The broker is killed, away or deaf: what was acknowledged is there and consumed; nobody has to be restarted.

RADSTREAM_TEST_KILLS and RADSTREAM_TEST_OUTAGE_S shorten or lengthen the trials.
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
from tests.engines import kafka, kafka_of_three
from tests.kafka_trial import Trial, new_topic, opened
from tests.silence import silenced

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "20"))
OUTAGE_S = float(os.environ.get("RADSTREAM_TEST_OUTAGE_S", "60"))


@pytest.fixture
def engine() -> Kafka:
    return kafka()


@pytest.fixture
async def bus(engine: Kafka) -> AsyncIterator[KafkaBus]:
    async with opened(engine) as bus:
        yield bus


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
    with silenced(engine.pids):
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
