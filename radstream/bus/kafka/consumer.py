"""The receiving side: one member of a group, which commits what is done and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaConnectionError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from radstream.bus.kafka.endings import Endings
from radstream.bus.kafka.errors import CLIENT_ERRORS, TAKEN_AWAY, answering
from radstream.bus.kafka.records import decode
from radstream.bus.kafka.standstill import Standstill
from radstream.bus.port import Attempt, Partition, Record
from radstream.contract.errors import Unavailable
from radstream.telemetry import get_logger

log = get_logger(__name__)

Connect = Callable[[ConsumerRebalanceListener], AIOKafkaConsumer]
"""Makes a client that is not started yet and tells the listener when its partitions are taken away."""

Committed = Callable[[], Awaitable[Mapping[TopicPartition, OffsetAndMetadata]]]

JOIN_S: Final = 60.0
"""For joining the group: others may need their whole session before they agree."""

KNOCK_EVERY_S: Final = 0.5
LEAVE_S: Final = 5.0
_GRACE_S: Final = 0.5


class KafkaConsumer:
    """One member of a consumer group.

    The client below it is replaced whenever it fails, and when it stands still although there are records: some errors
    never end by themselves. A new one begins at what is committed.

    Parameters
    ----------
    connect : callable
        See `Connect`.
    committed : async callable
        Tells what the group has committed.
    prefix : str
        Of the names of topics in the cluster.
    deadline_s : float
        For commits and questions.
    """

    def __init__(self, connect: Connect, committed: Committed, *, prefix: str, deadline_s: float) -> None:
        self._connect = connect
        self._committed = committed
        self._prefix = prefix
        self._deadline_s = deadline_s
        self._joining: asyncio.Task[AIOKafkaConsumer] | None = None
        self._begun: dict[TopicPartition, int] = {}
        self._standstill = Standstill()
        self._turn = 0
        self._endings = Endings()

    async def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return what has come, partition after partition in turn, so that a busy one does not starve the others.

        Joining the group goes on in the background, and polls are empty until it is done. While no broker is there it
        goes on knocking, so that nobody's back-off delays the return; after `JOIN_S` seconds it says `Unavailable`.
        """
        try:
            with answering("give records"):
                records = await self._poll(max_records, timeout_s)
        except Unavailable:
            await self._leave()
            raise
        for record in records:
            self._begun.setdefault(self._partition(record), record.offset)
        return records

    async def commit(self, records: Sequence[Record]) -> None:
        """Commit the next offset of each partition that is still ours; of others the records come to their owner."""
        await self._commit({partition: (offset, "") for partition, offset in self._offsets(records).items()})

    async def note_attempt(self, records: Sequence[Record], number: int) -> None:
        """Note the attempt beside the offset that is committed, which is that of the record."""
        note = str(number) if number else ""
        await self._commit({partition: (next_ - 1, note) for partition, next_ in self._offsets(records).items()})

    async def unfinished_attempts(self) -> Mapping[Partition, Attempt]:
        """Return what is noted beside committed offsets."""
        return {
            (partition.topic.removeprefix(self._prefix), partition.partition): Attempt(offset, int(note))
            for partition, (offset, note) in (await self._committed()).items()
            if note.isdecimal()
        }

    async def _commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        """Commit offsets and notes; nothing happens if their partitions have just been given to somebody else."""
        client = self._client
        if client is None or not offsets:
            return
        try:
            with answering("take a commit"):
                async with asyncio.timeout(self._deadline_s):
                    await client.commit(offsets)
        except Unavailable as error:
            if not isinstance(error.__cause__, TAKEN_AWAY):
                raise
            log.info("commit_dropped", count=len(offsets), reason="the partitions were given to another member")

    async def rewind(self) -> None:
        """Seek to what is committed, or to the earliest record; before the first poll there is nothing to do."""
        client = self._client
        if client is None:
            return
        self._begun.clear()
        with answering("tell what is committed"):
            async with asyncio.timeout(self._deadline_s):
                for partition in client.assignment():
                    await _seek_to_committed(client, partition)

    async def close(self) -> None:
        """Leave the group."""
        await self._leave()
        await self._endings.wait(LEAVE_S)

    @property
    def _client(self) -> AIOKafkaConsumer | None:
        joining = self._joining
        is_member = joining is not None and joining.done() and not joining.cancelled() and not joining.exception()
        return joining.result() if joining is not None and is_member else None

    async def _poll(self, max_records: int, timeout_s: float) -> list[Record]:
        until_s = _now_s() + timeout_s
        if self._joining is None:
            self._joining = asyncio.create_task(self._join())
        await asyncio.wait([self._joining], timeout=timeout_s)
        if not self._joining.done():
            return []
        client = self._joining.result()
        records = await self._fetch(client, max_records, max(0.0, until_s - _now_s()))
        if records:
            self._standstill.moved()
        elif self._standstill.is_due(_now_s()):
            await self._look_for_standstill(client)
        return records

    async def _fetch(self, client: AIOKafkaConsumer, max_records: int, timeout_s: float) -> list[Record]:
        found: list[Record] = []
        try:
            async with asyncio.timeout(timeout_s + _GRACE_S):  # while the group rebalances, the client would wait on
                for partition in self._in_turn(client):
                    if len(found) < max_records:
                        batches = await client.getmany(partition, max_records=max_records - len(found))
                        found += decode(batches, self._prefix)
                if not found:
                    batches = await client.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records)
                    found = decode(batches, self._prefix)
        except TimeoutError:
            pass
        except KafkaError:
            if not found:  # else what has come is returned first, and the error comes again
                raise
        return found

    async def _look_for_standstill(self, client: AIOKafkaConsumer) -> None:
        """Raise `KafkaError` if nothing has come for two looks in a row of a partition that holds more."""
        ends: dict[TopicPartition, int] = {}
        positions: dict[TopicPartition, int] = {}
        with suppress(*CLIENT_ERRORS):  # nobody answers: the client itself waits for that
            async with asyncio.timeout(self._deadline_s):
                ends = await client.end_offsets(list(client.assignment()))
                positions = {partition: await client.position(partition) for partition in ends}
        if self._standstill.is_seen(positions, ends):
            log.warning("consumer_stands_still", count=len(ends))
            raise KafkaError("records are there and do not come")

    async def _join(self) -> AIOKafkaConsumer:
        async with asyncio.timeout(JOIN_S):
            while True:
                client = self._connect(_Forgetting(self._begun))
                try:
                    await client.start()
                except KafkaConnectionError:
                    self._endings.begin(client.stop())
                    await asyncio.sleep(KNOCK_EVERY_S)
                except BaseException:
                    self._endings.begin(client.stop())
                    raise
                else:
                    return client

    async def _leave(self) -> None:
        """Let go of the client, whatever state it is in; the next poll makes a new one."""
        joining, self._joining = self._joining, None
        self._begun = {}
        self._standstill = Standstill()
        if joining is None:
            return
        joining.cancel()
        await asyncio.wait([joining])
        if not joining.cancelled() and not joining.exception():
            self._endings.begin(joining.result().stop())

    def _in_turn(self, client: AIOKafkaConsumer) -> list[TopicPartition]:
        partitions = sorted(client.assignment())
        self._turn += 1
        start = self._turn % len(partitions) if partitions else 0
        return partitions[start:] + partitions[:start]

    def _offsets(self, records: Sequence[Record]) -> dict[TopicPartition, int]:
        """Return the next offset of each partition, without those that were taken away since their records came.

        Such a partition may have come back meanwhile with a later offset, which a stale commit would turn back.
        """
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            partition = self._partition(record)
            if record.offset >= self._begun.get(partition, record.offset + 1):
                offsets[partition] = max(offsets.get(partition, 0), record.offset + 1)
        return offsets

    def _partition(self, record: Record) -> TopicPartition:
        return TopicPartition(self._prefix + record.topic, record.partition)


class _Forgetting(ConsumerRebalanceListener):
    """Forgets where the records at hand began as soon as their partitions are taken away."""

    def __init__(self, begun: dict[TopicPartition, int]) -> None:
        self._begun = begun

    def on_partitions_revoked(self, revoked: object) -> None:
        self._begun.clear()

    def on_partitions_assigned(self, assigned: object) -> None:
        pass


async def _seek_to_committed(client: AIOKafkaConsumer, partition: TopicPartition) -> None:
    try:
        offset = await client.committed(partition)
        if offset is None:
            await client.seek_to_beginning(partition)
        else:
            client.seek(partition, offset)
    except IllegalStateError:
        return  # taken away meanwhile: whoever has it begins at what is committed


def _now_s() -> float:
    return asyncio.get_running_loop().time()
