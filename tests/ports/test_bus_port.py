"""What every adapter of the bus promises. The adapters are in `tests.bus_adapters`."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from radstream.bus.port import Bus, Message
from radstream.contract.errors import MalformedEvent, NotFound, Unavailable
from radstream.contract.topics import Topic
from tests.bus_adapters import Open
from tests.bus_trial import messages, new_topic, take, values


async def test_a_record_comes_back_as_it_was_published(bus: Bus, topic: str, group: str) -> None:
    before_ms = time.time_ns() // 1_000_000
    await bus.publish([Message(topic, "1.2.840.1", bytes(range(256)), {"traceparent": "00-ab-cd-01", "grüße": "世界"})])
    consumer = bus.consumer(group, [topic])
    [record] = await take(consumer, 1)
    await consumer.close()
    assert (record.topic, record.partition, record.offset, record.key) == (topic, 0, 0, "1.2.840.1")
    assert record.value == bytes(range(256))
    assert dict(record.headers) == {"traceparent": "00-ab-cd-01", "grüße": "世界"}
    assert before_ms - 1000 <= record.timestamp_ms <= time.time_ns() // 1_000_000 + 1000


async def test_an_empty_value_and_an_empty_publish_are_possible(bus: Bus, topic: str) -> None:
    await bus.publish([])
    await bus.publish([Message(topic, "k", b"")])
    assert [record.value for record in await bus.read(topic)] == [b""]


async def test_records_of_a_partition_are_read_in_order_with_consecutive_offsets(
    bus: Bus, topic: str, group: str
) -> None:
    await bus.publish(messages(topic, "a", "b"))
    await bus.publish(messages(topic, "c"))
    consumer = bus.consumer(group, [topic])
    records = await take(consumer, 3)
    await consumer.close()
    assert values(records) == ["a", "b", "c"]
    assert [record.offset for record in records] == [0, 1, 2]


async def test_publishers_at_once_lose_nothing_and_each_keeps_its_order(open_bus: Open, topic: str) -> None:
    buses = [open_bus() for _ in range(3)]

    async def publish(name: int) -> None:
        for step in range(20):
            await buses[name % 3].publish(messages(topic, f"{name} {step}", f"{name} {step}b"))

    await asyncio.gather(*(publish(name) for name in range(9)))
    found = values(await buses[0].read(topic, limit=1000))
    assert len(found) == 9 * 40
    for name in range(9):
        mine = [value for value in found if value.startswith(f"{name} ")]
        assert mine == [value for step in range(20) for value in (f"{name} {step}", f"{name} {step}b")]


async def test_a_poll_returns_no_more_than_it_may_and_nothing_twice(bus: Bus, topic: str, group: str) -> None:
    await bus.publish(messages(topic, *"abcde"))
    consumer = bus.consumer(group, [topic])
    first = await take(consumer, 1)
    second = await consumer.poll(3, 5)
    third = await take(consumer, 4 - len(second))
    await consumer.close()
    assert len(second) <= 3
    assert values(first + second + third) == list("abcde")


async def test_a_poll_without_news_is_empty_after_its_time(bus: Bus, topic: str, group: str) -> None:
    consumer = bus.consumer(group, [topic])
    assert await consumer.poll(10, 0.05) == []
    await consumer.close()


async def test_a_waiting_poll_gets_what_another_process_publishes(open_bus: Open, topic: str, group: str) -> None:
    consumer = open_bus().consumer(group, [topic])
    assert await consumer.poll(1, 0.1) == []
    waiting = asyncio.create_task(take(consumer, 1))
    await asyncio.sleep(0.05)
    await open_bus().publish(messages(topic, "news"))
    assert values(await waiting) == ["news"]
    await consumer.close()


async def test_a_poll_that_was_given_up_loses_nothing(bus: Bus, topic: str, group: str) -> None:
    consumer = bus.consumer(group, [topic])
    assert await consumer.poll(1, 0.1) == []
    given_up = asyncio.create_task(consumer.poll(10, 20))
    await asyncio.sleep(0.02)
    given_up.cancel()
    await asyncio.wait([given_up])
    await bus.publish(messages(topic, "a"))
    assert values(await take(consumer, 1)) == ["a"]
    await consumer.close()


async def test_one_publish_may_be_for_several_topics(bus: Bus) -> None:
    one, other = await new_topic(bus), await new_topic(bus)
    await bus.publish([*messages(one, "a"), *messages(other, "b"), *messages(one, "c")])
    assert values(await bus.read(one)) == ["a", "c"]
    assert values(await bus.read(other)) == ["b"]


async def test_a_topic_is_read_in_pages_outside_of_any_group(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, *"abcde"))
    assert values(await bus.read(topic, limit=2)) == ["a", "b"]
    assert values(await bus.read(topic, after=1, limit=2)) == ["c", "d"]
    assert values(await bus.read(topic, after=3)) == ["e"]
    assert await bus.read(topic, after=4) == []


async def test_creating_a_topic_again_keeps_its_records(open_bus: Open, topic: str) -> None:
    await open_bus().publish(messages(topic, "a"))
    await open_bus().create_topics([Topic(topic, (), (), retention_days=30, partitions=1)])
    assert values(await open_bus().read(topic)) == ["a"]


async def test_publishing_to_a_topic_that_nobody_created_says_so_and_harms_no_neighbour(bus: Bus, topic: str) -> None:
    unknown = f"topic-{uuid.uuid4().hex}"
    outcomes = await asyncio.gather(
        bus.publish(messages(unknown, "a")), bus.publish(messages(topic, "b")), return_exceptions=True
    )
    assert isinstance(outcomes[0], NotFound)
    assert unknown in str(outcomes[0])
    assert outcomes[1] is None
    assert values(await bus.read(topic)) == ["b"]


async def test_a_record_that_is_too_long_for_a_log_is_refused(bus: Bus, topic: str) -> None:
    with pytest.raises(MalformedEvent):
        await bus.publish([Message(topic, "k", bytes((1 << 20) + 1))])
    assert await bus.read(topic) == []


async def test_the_longest_record_that_is_taken_comes_back(bus: Bus, topic: str, group: str) -> None:
    await bus.publish([Message(topic, "k", bytes(1 << 20), {"traceparent": "00-ab-cd-01"})])
    consumer = bus.consumer(group, [topic])
    [record] = await take(consumer, 1)
    await consumer.close()
    assert record.value == bytes(1 << 20)


async def test_the_log_says_that_it_answers(bus: Bus, topic: str) -> None:
    await bus.check()
    await bus.publish(messages(topic, "a"))
    assert values(await bus.read(topic)) == ["a"]  # it does not only say so


async def test_a_closed_bus_says_that_it_does_not_answer(bus: Bus, topic: str) -> None:
    await bus.close()
    with pytest.raises(Unavailable):
        await bus.publish(messages(topic, "a"))
    with pytest.raises(Unavailable):
        await bus.check()
