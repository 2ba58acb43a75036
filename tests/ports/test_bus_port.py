"""What every adapter of the bus promises. A new adapter is one more line in `ADAPTERS`."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from radstream.backends import open_bus as open_bus_at
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Attempt, Bus, Consumer, Message, Record
from radstream.contract.errors import MalformedEvent, NotFound, Unavailable
from radstream.contract.topics import Topic
from tests.engines import kafka, on_engines

Open = Callable[[], Bus]

ADAPTERS: dict[str, Callable[[Path], Bus]] = {
    "embedded": lambda folder: EmbeddedBus(folder / "bus"),
    "kafka": lambda _: open_bus_at(kafka().url),
}

PATIENCE_S = 30.0


@pytest.fixture(params=on_engines(ADAPTERS, {"kafka"}))
async def open_bus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Open the same log as often as one likes, each time as another process would."""
    opened: list[Bus] = []

    def open_one() -> Bus:
        opened.append(ADAPTERS[request.param](tmp_path))
        return opened[-1]

    yield open_one
    for bus in opened:
        await bus.close()


@pytest.fixture
async def bus(open_bus: Open) -> Bus:
    return open_bus()


@pytest.fixture
async def topic(bus: Bus) -> str:
    return await new_topic(bus)


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"


async def new_topic(bus: Bus) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    await bus.create_topics([Topic(name, (), (), partitions=1)])
    return name


def messages(topic: str, *values: str) -> list[Message]:
    return [Message(topic, "1.2.3", value.encode()) for value in values]


def values(records: list[Record]) -> list[str]:
    return [record.value.decode() for record in records]


async def take(consumer: Consumer, count: int) -> list[Record]:
    """Poll until `count` records have come."""
    records: list[Record] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"only {len(records)} of {count} records came"
        records += await consumer.poll(count - len(records), 0.5)
    return records


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


async def test_a_new_group_begins_at_the_earliest_record(bus: Bus, topic: str) -> None:
    await bus.publish(messages(topic, "a", "b"))
    for _ in range(2):
        consumer = bus.consumer(f"group-{uuid.uuid4().hex}", [topic])
        assert values(await take(consumer, 2)) == ["a", "b"]
        await consumer.close()


async def test_a_member_goes_on_where_its_group_has_committed(open_bus: Open, topic: str, group: str) -> None:
    await open_bus().publish(messages(topic, *"abcd"))
    consumer = open_bus().consumer(group, [topic])
    records = await take(consumer, 3)
    await consumer.commit(records[:2])
    await consumer.close()
    successor = open_bus().consumer(group, [topic])
    assert values(await take(successor, 2)) == ["c", "d"]
    await successor.close()


async def test_a_commit_covers_all_records_before_it(bus: Bus, topic: str, group: str) -> None:
    await bus.publish(messages(topic, *"abc"))
    consumer = bus.consumer(group, [topic])
    records = await take(consumer, 3)
    await consumer.commit([records[1]])
    await consumer.close()
    assert await bus.lag(group, [topic]) == 1


async def test_committing_nothing_changes_nothing(bus: Bus, topic: str, group: str) -> None:
    await bus.publish(messages(topic, "a"))
    consumer = bus.consumer(group, [topic])
    await take(consumer, 1)
    await consumer.commit([])
    await consumer.close()
    assert await bus.lag(group, [topic]) == 1


async def test_what_was_not_committed_comes_again_after_a_rewind(bus: Bus, topic: str, group: str) -> None:
    await bus.publish(messages(topic, *"abc"))
    consumer = bus.consumer(group, [topic])
    records = await take(consumer, 3)
    await consumer.commit(records[:1])
    await consumer.rewind()
    assert values(await take(consumer, 2)) == ["b", "c"]
    await consumer.close()


async def test_a_rewind_before_any_commit_goes_to_the_earliest_record(bus: Bus, topic: str, group: str) -> None:
    await bus.publish(messages(topic, *"ab"))
    consumer = bus.consumer(group, [topic])
    await take(consumer, 2)
    await consumer.rewind()
    assert values(await take(consumer, 2)) == ["a", "b"]
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


async def test_two_groups_see_every_record_each(bus: Bus, topic: str) -> None:
    consumers = [bus.consumer(f"group-{uuid.uuid4().hex}", [topic]) for _ in range(2)]
    await bus.publish(messages(topic, "a", "b"))
    for consumer in consumers:
        assert values(await take(consumer, 2)) == ["a", "b"]
        await consumer.close()


async def test_a_partition_has_one_active_member_and_another_takes_over(open_bus: Open, topic: str, group: str) -> None:
    bus = open_bus()
    await bus.publish(messages(topic, "a"))
    active, standing_by = (open_bus().consumer(group, [topic]) for _ in range(2))
    await active.commit(await take(active, 1))
    takeover = asyncio.create_task(take(standing_by, 1))
    await bus.publish(messages(topic, "b"))
    assert values(await take(active, 1)) == ["b"]  # not committed: it must come again
    await active.close()
    assert values(await takeover) == ["b"]
    await standing_by.close()


async def test_a_consumer_reads_all_of_its_topics(bus: Bus, group: str) -> None:
    topics = [await new_topic(bus) for _ in range(3)]
    for name in topics:
        await bus.publish(messages(name, f"{name} 0", f"{name} 1"))
    consumer = bus.consumer(group, topics)
    records = await take(consumer, 6)
    await consumer.commit(records)
    await consumer.close()
    for name in topics:
        assert [r.value.decode() for r in records if r.topic == name] == [f"{name} 0", f"{name} 1"]
    assert await bus.lag(group, topics) == 0


async def test_members_of_one_group_may_read_different_topics(bus: Bus, group: str) -> None:
    topics = [await new_topic(bus) for _ in range(2)]
    for name in topics:
        await bus.publish(messages(name, f"{name} 0", f"{name} 1"))
    consumers = [bus.consumer(group, [name]) for name in topics]
    taken = await asyncio.gather(*(take(consumer, 2) for consumer in consumers))
    for name, consumer, records in zip(topics, consumers, taken, strict=True):
        assert set(values(records)) == {f"{name} 0", f"{name} 1"}
        await consumer.commit(records)
        await consumer.close()


async def test_a_busy_topic_does_not_starve_another_of_the_same_consumer(bus: Bus, group: str) -> None:
    busy, quiet = await new_topic(bus), await new_topic(bus)
    await bus.publish(messages(busy, *map(str, range(200))))
    await bus.publish(messages(quiet, "me too"))
    consumer = bus.consumer(group, [busy, quiet])
    seen: list[Record] = []
    while len(seen) < 201 and quiet not in {record.topic for record in seen}:
        seen += await take(consumer, 1)
    await consumer.close()
    assert len(seen) < 201


async def test_one_publish_may_be_for_several_topics(bus: Bus) -> None:
    one, other = await new_topic(bus), await new_topic(bus)
    await bus.publish([*messages(one, "a"), *messages(other, "b"), *messages(one, "c")])
    assert values(await bus.read(one)) == ["a", "c"]
    assert values(await bus.read(other)) == ["b"]


async def test_lag_counts_what_a_group_has_not_committed(bus: Bus, topic: str, group: str) -> None:
    assert await bus.lag(group, [topic]) == 0
    await bus.publish(messages(topic, *"abc"))
    assert await bus.lag(group, [topic]) == 3
    consumer = bus.consumer(group, [topic])
    records = await take(consumer, 3)
    assert await bus.lag(group, [topic]) == 3
    await consumer.commit(records)
    assert await bus.lag(group, [topic]) == 0
    await consumer.close()


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


async def test_a_closed_bus_says_that_it_does_not_answer(bus: Bus, topic: str) -> None:
    await bus.close()
    with pytest.raises(Unavailable):
        await bus.publish(messages(topic, "a"))
    with pytest.raises(Unavailable):
        await bus.check()


# --- attempts --------------------------------------------------------------------------------------------------------


async def test_an_attempt_is_known_to_others_until_its_record_is_committed(
    bus: Bus, open_bus: Open, topic: str, group: str
) -> None:
    await bus.publish(messages(topic, "a", "b", "c"))
    consumer, other = bus.consumer(group, [topic]), open_bus().consumer(group, [topic])
    records = await take(consumer, 3)
    assert await other.unfinished_attempts() == {}
    await consumer.note_attempt(records[:1], 1)
    assert await other.unfinished_attempts() == {(topic, 0): Attempt(0, 1)}
    await consumer.commit(records[:1])
    assert await other.unfinished_attempts() == {}
    await consumer.note_attempt(records[1:2], 2)
    await consumer.note_attempt(records[1:2], 3)
    assert await other.unfinished_attempts() == {(topic, 0): Attempt(1, 3)}
    await consumer.close()


async def test_an_attempt_that_is_taken_back_was_none(bus: Bus, topic: str, group: str) -> None:
    await bus.publish(messages(topic, "a"))
    consumer = bus.consumer(group, [topic])
    records = await take(consumer, 1)
    await consumer.note_attempt(records, 1)
    await consumer.note_attempt(records, 0)
    assert await consumer.unfinished_attempts() == {}
    await consumer.close()


async def test_an_attempt_commits_nothing(bus: Bus, open_bus: Open, topic: str, group: str) -> None:
    await bus.publish(messages(topic, "a", "b"))
    consumer = bus.consumer(group, [topic])
    records = await take(consumer, 2)
    await consumer.commit(records[:1])
    await consumer.note_attempt(records[1:], 1)
    assert await bus.lag(group, [topic]) == 1
    await consumer.close()
    successor = open_bus().consumer(group, [topic])
    assert values(await take(successor, 1)) == ["b"]
    await successor.close()


async def test_attempts_of_several_topics_and_groups_are_told_apart(bus: Bus, topic: str, group: str) -> None:
    second = await new_topic(bus)
    await bus.publish(messages(topic, "a") + messages(second, "b"))
    consumer, stranger = bus.consumer(group, [topic, second]), bus.consumer(f"{group}-other", [topic])
    records = await take(consumer, 2)
    await consumer.note_attempt(records, 4)
    assert await consumer.unfinished_attempts() == {(topic, 0): Attempt(0, 4), (second, 0): Attempt(0, 4)}
    assert await stranger.unfinished_attempts() == {}
    await consumer.close()
