"""What is asked of Kafka beside records: which topics there are, how far they go, how far a group has come.

A fresh client each time: one that lives on asks a random node it has known, also when that one is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from radstream.bus.kafka.errors import answering
from radstream.bus.kafka.records import LARGEST_RECORD_BYTES
from radstream.contract.errors import Unavailable
from radstream.contract.topics import Topic
from radstream.telemetry import get_logger

log = get_logger(__name__)

_NO_ERROR: Final = 0
_ALREADY_THERE: Final = 36
_DAY_MS: Final = 24 * 3600 * 1000
_BATCH_OVERHEAD_BYTES: Final = 1 << 10


class Admin:
    """Questions to the cluster.

    Parameters
    ----------
    timeout_s : float
        For each.
    replicas : int
        Of a new topic, where there are as many brokers.
    """

    def __init__(self, servers: Sequence[str], timeout_s: float, replicas: int) -> None:
        self._servers = list(servers)
        self._timeout_s = timeout_s
        self._replicas = replicas

    async def check(self) -> None:
        """Return if a broker answers."""
        async with self._client() as client, self._in_time("answer"):
            await client.describe_cluster()

    async def topics(self) -> Collection[str]:
        """Return the names of all topics."""
        async with self._client() as client, self._in_time("name its topics"):
            return set(await client.list_topics())

    async def create(self, topics: Sequence[Topic]) -> None:
        """Make sure that every topic exists; those that do are left as they are."""
        async with self._client() as client, self._in_time("create topics"):
            replicas = min(self._replicas, len((await client.describe_cluster())["brokers"]))
            wanted = [_new_topic(topic, replicas) for topic in topics]
            response = await client.create_topics(wanted, timeout_ms=int(self._timeout_s * 1000))
        refused = [(name, code) for name, code, *_ in response.topic_errors if code not in (_NO_ERROR, _ALREADY_THERE)]
        if refused:
            raise Unavailable(f"Kafka did not create the topic {refused[0][0]} (error {refused[0][1]})")
        is_new = any(code == _NO_ERROR for _, code, *_ in response.topic_errors)
        if is_new and replicas < self._replicas:
            log.warning("topics_have_few_replicas", count=replicas, reason="there are no more brokers")

    async def committed(self, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Return what the group has committed, with what it noted there."""
        async with self._client() as client, self._in_time("tell what is committed"):
            return dict(await client.list_consumer_group_offsets(group))

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Return how many records of `topics` the group has not committed."""
        async with self._client() as client, self._reader() as reader, self._in_time("tell how far it goes"):
            there = await client.describe_topics(list(topics))
            partitions = [
                TopicPartition(topic["topic"], partition["partition"])
                for topic in there
                for partition in topic.get("partitions", ())
            ]
            if not partitions:
                return 0
            first, end = await reader.beginning_offsets(partitions), await reader.end_offsets(partitions)
            done = await client.list_consumer_group_offsets(group)
            committed = {partition: offset.offset for partition, offset in done.items() if offset.offset >= 0}
        return sum(max(0, end[each] - max(committed.get(each, 0), first[each])) for each in partitions)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaAdminClient]:
        client = AIOKafkaAdminClient(
            bootstrap_servers=self._servers, request_timeout_ms=int(self._timeout_s * 1000), client_id="radstream-admin"
        )
        try:
            async with self._in_time("answer"):
                await client.start()
            yield client
        finally:
            with suppress(KafkaError, OSError):
                await client.close()

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        reader = AIOKafkaConsumer(bootstrap_servers=self._servers, enable_auto_commit=False)
        try:
            async with self._in_time("answer"):
                await reader.start()
            yield reader
        finally:
            with suppress(KafkaError, OSError):
                await reader.stop()

    @asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        with answering(what):
            async with asyncio.timeout(self._timeout_s):
                yield


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    settings = {
        "retention.ms": str(topic.retention_days * _DAY_MS),
        "cleanup.policy": "delete",
        "max.message.bytes": str(LARGEST_RECORD_BYTES + _BATCH_OVERHEAD_BYTES),
        "min.insync.replicas": str(max(1, replicas - 1)),
    }
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs=settings)
