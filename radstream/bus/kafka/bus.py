"""The log on Kafka: topics with their partitions and retention, an idempotent producer, consumer groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from radstream.bus.kafka.admin import Admin
from radstream.bus.kafka.client_log import listen_to_client
from radstream.bus.kafka.consumer import KafkaConsumer
from radstream.bus.kafka.member import connector
from radstream.bus.kafka.producer import Producer
from radstream.bus.kafka.reader import read
from radstream.bus.port import Message, Record
from radstream.contract.errors import NotFound, Unavailable
from radstream.contract.topics import Topic

DEADLINE_S: Final = 10.0
MOST_PARTITIONS: Final = 64
REPLICAS: Final = 3


class KafkaBus:
    """A cluster of Kafka 3 or newer.

    Parameters
    ----------
    servers : sequence of str
        Some of its brokers, as host:port.
    deadline_s : float
        For each publish and each question; longer means `Unavailable`.
    most_partitions : int
        Of a topic that is created; more members than partitions would stand by.
    replicas : int
        Of a topic that is created, as far as there are brokers. All but one of them acknowledge each record.
    prefix : str
        Of the names of all topics and groups: several installations may share a cluster.
    instance_id : str
        Of this process, where its name outlives its restarts (a StatefulSet's pod): its groups then wait for it to
        come back instead of giving its partitions to others.
    """

    def __init__(
        self,
        servers: Sequence[str],
        *,
        deadline_s: float = DEADLINE_S,
        most_partitions: int = MOST_PARTITIONS,
        replicas: int = REPLICAS,
        prefix: str = "",
        instance_id: str = "",
    ) -> None:
        self._servers = list(servers)
        self._deadline_s = deadline_s
        self._most_partitions = most_partitions
        self._prefix = prefix
        self._instance_id = instance_id
        self._admin = Admin(servers, deadline_s, replicas)
        self._producer = Producer(servers, deadline_s)
        self._known: set[str] = set()
        self._is_closed = False
        listen_to_client()

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """Make sure that every topic exists."""
        self._refuse_if_closed()
        wanted = [
            replace(topic, name=self._prefix + topic.name, partitions=min(topic.partitions, self._most_partitions))
            for topic in topics
        ]
        await self._admin.create(wanted)
        self._known |= {topic.name for topic in wanted}  # not every broker may have heard of them yet

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append `messages`; see the port. `Unavailable` means that nobody knows whether they are in the log."""
        self._refuse_if_closed()
        if messages:
            prefixed = [replace(message, topic=self._prefix + message.topic) for message in messages]
            wanted = {message.topic for message in prefixed}
            await self._refuse_unknown(wanted)
            try:
                await self._producer.publish(prefixed)
            except NotFound:
                self._known -= wanted
                raise

    def consumer(self, group: str, topics: Sequence[str]) -> KafkaConsumer:
        """Return a new member of `group`."""
        instance_id = f"{self._instance_id}-{'-'.join(topics)}" if self._instance_id else ""
        names = [self._prefix + topic for topic in topics]
        connect = connector(self._servers, self._prefix + group, names, instance_id)
        committed = partial(self._admin.committed, self._prefix + group)
        return KafkaConsumer(connect, committed, prefix=self._prefix, deadline_s=self._deadline_s)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Return how many records of `topics` the group has not committed."""
        self._refuse_if_closed()
        known = await self._admin.topics()
        there = [self._prefix + topic for topic in topics if self._prefix + topic in known]
        return await self._admin.lag(self._prefix + group, there) if there else 0

    async def read(self, topic: str, *, after: int = -1, limit: int = 100) -> list[Record]:
        """Return records of partition 0 of `topic` beyond offset `after`; none of a topic that does not exist."""
        self._refuse_if_closed()
        if self._prefix + topic not in await self._admin.topics():
            return []
        return await read(self._servers, self._prefix, topic, after, limit)

    async def check(self) -> None:
        """Return if a broker answers."""
        self._refuse_if_closed()
        await self._admin.check()

    async def close(self) -> None:
        """End all connections."""
        if not self._is_closed:
            self._is_closed = True
            await self._producer.close()

    async def _refuse_unknown(self, topics: set[str]) -> None:
        """Raise `NotFound` for a topic that nobody created: a send to it would wait for it in vain."""
        if not topics <= self._known:
            self._known |= set(await self._admin.topics())
        for topic in topics - self._known:
            raise NotFound(f"nobody created the topic {topic}")

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the log is closed")
