"""What the Kafka adapter decides by itself, with clients that fail, stand still or lose their partitions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import OffsetAndMetadata
from structlog.testing import capture_logs

from radstream.bus.kafka import client_log, consumer, standstill
from radstream.bus.kafka.client_log import ClientLog, listen_to_client
from radstream.bus.kafka.consumer import KafkaConsumer
from radstream.bus.kafka.errors import acknowledging
from radstream.bus.kafka.records import LARGEST_VALUE_BYTES, decode, encode
from radstream.bus.kafka.standstill import LOOK_EVERY_S, Standstill
from radstream.bus.port import Attempt, Message, Record
from radstream.contract.errors import MalformedEvent, NotFound, Unavailable

P0, P1 = TopicPartition("x-t", 0), TopicPartition("x-t", 1)


def raw(offset: int, partition: int = 0, **changes: object) -> SimpleNamespace:
    """A record as aiokafka returns it."""
    given = {"topic": "x-t", "partition": partition, "offset": offset, "key": b"k", "value": b"v", "headers": ()}
    return SimpleNamespace(**(given | {"timestamp": 1} | changes))


@dataclass
class Client:
    """A client of the group's partition(s) with what shall happen to it."""

    listener: ConsumerRebalanceListener
    start_error: Exception | None = None
    poll_error: Exception | None = None
    commit_error: Exception | None = None
    is_stuck: bool = False
    is_rebalancing: bool = False
    partitions: tuple[TopicPartition, ...] = (P0,)
    log: dict[TopicPartition, list[SimpleNamespace]] = field(default_factory=dict)
    at: dict[TopicPartition, int] = field(default_factory=dict)
    commits: list[dict[TopicPartition, tuple[int, str]]] = field(default_factory=list)
    stopped: bool = False

    async def start(self) -> None:
        await asyncio.sleep(0)
        if self.start_error is not None:
            raise self.start_error

    async def stop(self) -> None:
        self.stopped = True

    def assignment(self) -> set[TopicPartition]:
        return set(self.partitions)

    async def getmany(self, *wanted: TopicPartition, timeout_ms: int = 0, max_records: int = 1) -> dict:
        if self.is_rebalancing:
            await asyncio.Event().wait()
        if self.poll_error is not None:
            raise self.poll_error
        found = {}
        for partition in wanted or self.partitions:
            at = self.at.get(partition, 0)
            records = [] if self.is_stuck else self.log.get(partition, [])[at : at + max_records]
            self.at[partition] = at + len(records)
            if records:
                found[partition] = records
        if not found and timeout_ms:
            await asyncio.sleep(timeout_ms / 1000)
        return found

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        if self.commit_error is not None:
            raise self.commit_error
        self.commits.append(offsets)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {partition: len(self.log.get(partition, [])) for partition in partitions}

    async def position(self, partition: TopicPartition) -> int:
        return self.at.get(partition, 0)

    def take_away(self) -> None:
        """A rebalance: all is revoked, and comes back at what is committed."""
        self.listener.on_partitions_revoked(self.assignment())
        self.at.clear()


Prepare = Callable[[Client], None]


@asynccontextmanager
async def member(*prepared: Prepare) -> AsyncIterator[tuple[KafkaConsumer, list[Client]]]:
    """A consumer whose first, second, ... client is prepared so; the last one stands for all further ones."""
    clients: list[Client] = []

    def connect(listener: ConsumerRebalanceListener) -> Client:
        clients.append(Client(listener))
        prepared[min(len(clients), len(prepared)) - 1](clients[-1])
        return clients[-1]

    async def committed() -> dict[TopicPartition, OffsetAndMetadata]:
        return {tp: OffsetAndMetadata(*each) for commits in clients[-1].commits for tp, each in commits.items()}

    opened = KafkaConsumer(connect, committed, prefix="x-", deadline_s=0.5)
    try:
        yield opened, clients
    finally:
        await opened.close()


def healthy(client: Client) -> None:
    client.log = {P0: [raw(offset) for offset in range(6)]}


def offsets(records: list[Record]) -> list[int]:
    return [record.offset for record in records]


async def test_a_client_that_fails_is_stopped_and_replaced() -> None:
    def failing(client: Client) -> None:
        client.poll_error = KafkaError("Unexpected error during coordination")

    async with member(failing, healthy) as (consumer, clients):
        with pytest.raises(Unavailable):
            await consumer.poll(2, 0.1)
        assert offsets(await consumer.poll(2, 0.1)) == [0, 1]
        assert [client.stopped for client in clients] == [True, False]
    assert all(client.stopped for client in clients)


async def test_a_topic_that_is_not_there_yet_is_waited_for_and_ends_no_consume_loop() -> None:
    def early(client: Client) -> None:
        client.start_error = UnknownTopicOrPartitionError()

    async with member(early, healthy) as (consumer, _):
        with pytest.raises(Unavailable):
            await consumer.poll(2, 0.1)
        assert offsets(await consumer.poll(2, 0.1)) == [0, 1]


async def test_a_member_knocks_until_a_broker_is_there_and_polls_are_empty_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "KNOCK_EVERY_S", 0.01)

    def alone(client: Client) -> None:
        client.start_error = KafkaConnectionError()

    async with member(alone, alone, alone, healthy) as (opened, clients):
        assert await opened.poll(2, 0) == []
        assert offsets(await opened.poll(2, 5)) == [0, 1]
        assert [client.stopped for client in clients] == [True, True, True, False]


async def test_a_member_that_knocks_for_long_says_that_the_log_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "KNOCK_EVERY_S", 0.01)
    monkeypatch.setattr(consumer, "JOIN_S", 0.05)

    def alone(client: Client) -> None:
        client.start_error = KafkaConnectionError()

    async with member(alone) as (opened, _):
        with pytest.raises(Unavailable):
            await opened.poll(2, 5)


async def test_a_poll_ends_in_time_while_the_group_rebalances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_GRACE_S", 0.05)

    def unsettled(client: Client) -> None:
        healthy(client)
        client.is_rebalancing = True

    async with member(unsettled) as (opened, clients):
        assert await opened.poll(2, 0.05) == []
        clients[0].is_rebalancing = False
        assert offsets(await opened.poll(2, 0.05)) == [0, 1]


async def test_the_next_offset_of_each_partition_is_committed() -> None:
    def two(client: Client) -> None:
        client.partitions = (P0, P1)
        client.log = {P0: [raw(0), raw(1)], P1: [raw(0, 1)]}

    async with member(two) as (consumer, clients):
        await consumer.commit(await consumer.poll(10, 0.1))
        assert clients[0].commits == [{P0: (2, ""), P1: (1, "")}]


async def test_an_attempt_is_noted_beside_what_is_committed_until_the_record_is_committed_itself() -> None:
    async with member(healthy) as (consumer, clients):
        records = await consumer.poll(2, 0.1)
        await consumer.note_attempt(records[:1], 2)
        assert clients[0].commits == [{P0: (0, "2")}]
        assert await consumer.unfinished_attempts() == {("t", 0): Attempt(0, 2)}
        await consumer.note_attempt(records[:1], 0)
        assert await consumer.unfinished_attempts() == {}
        await consumer.note_attempt(records[:1], 3)
        await consumer.commit(records)
        assert await consumer.unfinished_attempts() == {}


async def test_notes_of_strangers_are_none_of_ours() -> None:
    async with member(healthy) as (consumer, clients):
        await consumer.poll(2, 0.1)
        clients[0].commits.append({P0: (3, "by another program")})
        assert await consumer.unfinished_attempts() == {}


async def test_records_whose_partition_was_taken_away_are_not_committed() -> None:
    async with member(healthy) as (consumer, clients):
        stale = await consumer.poll(2, 0.1)
        clients[0].take_away()
        await consumer.note_attempt(stale[:1], 1)
        await consumer.commit(stale)
        assert clients[0].commits == []


async def test_a_stale_commit_does_not_turn_back_what_another_member_has_done() -> None:
    async with member(healthy) as (consumer, clients):
        stale = await consumer.poll(2, 0.1)
        clients[0].take_away()
        clients[0].at[P0] = 4  # another member has done four meanwhile, and it came back
        fresh = await consumer.poll(1, 0.1)
        await consumer.commit(stale)
        await consumer.commit(fresh)
        assert clients[0].commits == [{P0: (5, "")}]


@pytest.mark.parametrize("error", [CommitFailedError(), IllegalStateError()])
async def test_a_commit_that_comes_during_a_rebalance_is_dropped(error: Exception) -> None:
    async with member(healthy) as (consumer, clients):
        records = await consumer.poll(2, 0.1)
        clients[0].commit_error = error
        await consumer.commit(records)
        assert not clients[0].stopped


async def test_a_commit_that_fails_otherwise_says_so() -> None:
    async with member(healthy) as (consumer, clients):
        records = await consumer.poll(2, 0.1)
        clients[0].commit_error = UnknownMemberIdError()
        with pytest.raises(Unavailable):
            await consumer.commit(records)


async def test_a_client_that_stands_still_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "LOOK_EVERY_S", 0.0)

    def stuck(client: Client) -> None:
        healthy(client)
        client.is_stuck = True

    async with member(stuck, healthy) as (consumer, clients):
        assert await consumer.poll(2, 0.01) == []
        with pytest.raises(Unavailable):
            await consumer.poll(2, 0.01)
        assert offsets(await consumer.poll(2, 0.01)) == [0, 1]
        assert clients[0].stopped


def test_a_standstill_is_seen_at_the_second_look_at_the_same_offset() -> None:
    watch = Standstill()
    assert not watch.is_seen({P0: 3}, {P0: 4})
    assert not watch.is_seen({P0: 4}, {P0: 5})  # it moved
    assert watch.is_seen({P0: 4}, {P0: 5})


def test_no_standstill_is_seen_where_all_is_read_or_something_came_in_between() -> None:
    watch = Standstill()
    assert not watch.is_seen({P0: 4}, {P0: 4})
    assert not watch.is_seen({P0: 4}, {P0: 4})
    assert not watch.is_seen({P0: 4}, {P0: 9})
    watch.moved()
    assert not watch.is_seen({P0: 4}, {P0: 9})


def test_looks_for_a_standstill_are_due_one_interval_apart() -> None:
    watch = Standstill()
    assert [watch.is_due(at) for at in (5, 6, 5 + LOOK_EVERY_S, 6 + LOOK_EVERY_S)] == [False, False, True, False]


def test_a_foreign_record_without_key_value_or_header_values_is_read_all_the_same() -> None:
    foreign = raw(0, key=None, value=None, headers=(("h", None), ("g", b"\xff")))
    [record] = decode({P0: [foreign]}, "x-")
    assert (record.topic, record.key, record.value) == ("t", "", b"")
    assert record.headers == {"h": "", "g": "\ufffd"}


@pytest.mark.parametrize(
    "message",
    [
        Message("t", "k", bytes(LARGEST_VALUE_BYTES + 1)),
        Message("t", "\ud800", b""),
        Message("t", "k", b"", {"h": "\ud800"}),
        Message("t", "k", b"", {"\ud800": "v"}),
    ],
)
def test_a_message_that_no_log_takes_is_refused(message: Message) -> None:
    with pytest.raises(MalformedEvent):
        encode(message)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (UnknownTopicOrPartitionError(), NotFound),
        (KafkaConnectionError(), Unavailable),
        (TimeoutError(), Unavailable),
        (ConnectionResetError(), Unavailable),
    ],
)
def test_what_a_producer_says_becomes_an_error_of_ours(error: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours), acknowledging():
        raise error


def test_the_client_says_each_kind_of_complaint_once_and_nothing_of_what_it_was_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logger = logging.getLogger("aiokafka.conn")
    parent = logging.getLogger("aiokafka")
    monkeypatch.setattr(parent, "handlers", [])
    monkeypatch.setattr(parent, "propagate", parent.propagate)
    monkeypatch.setattr(client_log, "log", client_log.get_logger("test"))
    listen_to_client()
    listen_to_client()
    assert [type(handler) for handler in parent.handlers] == [ClientLog]
    with capture_logs() as lines:
        for port in range(100):
            logger.error("Unable connect to %s", port)
        logger.warning("Heartbeat failed for %s", "group")
        logger.info("Discovered coordinator %s", 1)
    assert [line["reason"] for line in lines] == ["Unable connect to %s", "Heartbeat failed for %s"]
