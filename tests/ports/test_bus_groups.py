"""What every adapter of the bus promises to consumer groups: where they begin, go on, and who of them reads."""

from __future__ import annotations

import asyncio
import uuid

from radstream.bus.port import Attempt, Bus, Record
from tests.bus_adapters import Open
from tests.bus_trial import messages, new_topic, take, values


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
