"""The receiving side: one member of a group, which commits what is done and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from radstream.bus.kafka.errors import answering
from radstream.bus.kafka.records import decode
from radstream.bus.port import Record
from radstream.contract.errors import Unavailable

_SESSION_MS: Final = 10_000
_HEARTBEAT_MS: Final = 2_000
_LONGEST_BATCH_MS: Final = 24 * 3600 * 1000
"""A batch waits as long as its dependencies are away; the heartbeat goes on meanwhile and tells that we live."""


class KafkaConsumer:
    """One member of a consumer group.

    Parameters
    ----------
    prefix : str
        Of the names of the group and its topics in the cluster.
    instance_id : str
        Of a static member, which keeps its partitions over a restart; empty for a member that comes and goes.
    """

    def __init__(
        self, servers: Sequence[str], group: str, topics: Sequence[str], *, prefix: str, instance_id: str
    ) -> None:
        self._servers = list(servers)
        self._prefix = prefix
        self._group = prefix + group
        self._topics = [prefix + topic for topic in topics]
        self._instance_id = instance_id
        self._client: AIOKafkaConsumer | None = None
        self._turn = 0

    async def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return what has come, partition after partition in turn, so that a busy one does not starve the others."""
        with answering("give records"):
            client = await self._joined()
            found: list[Record] = []
            for partition in self._in_turn(client):
                if len(found) < max_records:
                    found += self._decoded(await client.getmany(partition, max_records=max_records - len(found)))
            if found:
                return found
            return self._decoded(await client.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records))

    async def commit(self, records: Sequence[Record]) -> None:
        """Commit the next offset of each partition that is still ours; of others the records come to their owner."""
        if self._client is None or not records:
            return
        ends: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(self._prefix + record.topic, record.partition)
            ends[partition] = max(ends.get(partition, 0), record.offset + 1)
        ours = self._client.assignment()
        offsets = {partition: offset for partition, offset in ends.items() if partition in ours}
        if offsets:
            with answering("take a commit"):
                await self._client.commit(offsets)

    async def rewind(self) -> None:
        """Seek to what is committed, or to the earliest record; before the first poll there is nothing to do."""
        if self._client is None:
            return
        with answering("tell what is committed"):
            for partition in self._client.assignment():
                offset = await self._client.committed(partition)
                if offset is None:
                    await self._client.seek_to_beginning(partition)
                else:
                    self._client.seek(partition, offset)

    async def close(self) -> None:
        """Leave the group."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(KafkaError, OSError):
                await client.stop()

    def _decoded(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> list[Record]:
        return decode(batches, self._prefix)

    def _in_turn(self, client: AIOKafkaConsumer) -> list[TopicPartition]:
        partitions = sorted(client.assignment())
        self._turn += 1
        start = self._turn % len(partitions) if partitions else 0
        return partitions[start:] + partitions[:start]

    async def _joined(self) -> AIOKafkaConsumer:
        if self._client is None:
            client = AIOKafkaConsumer(
                *self._topics,
                bootstrap_servers=self._servers,
                group_id=self._group,
                group_instance_id=self._instance_id or None,
                client_id="radstream",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=(StickyPartitionAssignor,),
                session_timeout_ms=_SESSION_MS,
                heartbeat_interval_ms=_HEARTBEAT_MS,
                max_poll_interval_ms=_LONGEST_BATCH_MS,
                rebalance_timeout_ms=_SESSION_MS,
            )
            try:
                await client.start()
            except BaseException:
                with suppress(KafkaError, OSError, Unavailable):
                    await client.stop()
                raise
            self._client = client
        return self._client
