"""Finds the record that ends whatever process handles it: a crash in native code, no memory left, a hang that is shot.

Such a record raises nothing, so the consume loop alone would be at it for ever, one process after the other. Therefore
the log is told of an attempt before it is made, and the attempt is taken back as soon as the handler returns, however
it does: what is found noted later was begun by a process that died of it.

It costs nothing where nothing dies. Whatever kills a process lies within one batch behind what its group has
committed; so only the first records of a partition that a loop gets, as many as a batch may have, are noted. And only
after a death they are handled one by one, which tells the deadly one from its neighbours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from radstream.bus.port import Attempt, Consumer, Partition, Record
from radstream.contract.errors import RadstreamError, Unavailable
from radstream.telemetry import get_logger

log = get_logger(__name__)

MOST_DEATHS: Final = 3
"""A process may be killed by chance while it handles a record; of so many, one after the other, it is the record."""


class DeadlyRecord(RadstreamError):
    """The reason in the dead letter of a record that its consumers died of; nobody raises it."""


@dataclass(frozen=True)
class _Watch:
    """The records of a partition before `end` are noted; if a process has died of one of them, each is handled alone.

    Parameters
    ----------
    unfinished : Attempt or None
        What was found noted when the partition came to us.
    """

    end: int
    unfinished: Attempt | None


class Suspicion:
    """What one consume loop knows of earlier deaths.

    Parameters
    ----------
    max_batch : int
        As many records at most as the loop handles at once.
    """

    def __init__(self, consumer: Consumer, max_batch: int) -> None:
        self._consumer = consumer
        self._max_batch = max_batch
        self._watches: dict[Partition, _Watch] = {}
        self._next: dict[Partition, int] = {}
        self._noted: dict[Partition, Attempt] = {}

    async def part(self, records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
        """Return those of `records` that have to be handled one by one, and the others.

        Raises
        ------
        Unavailable
        """
        await self._look_at_what_came(records)
        suspects: list[Record] = []
        others: list[Record] = []
        for record in records:
            is_suspect = self._is_watched(record) and self._watches[record.topic_partition].unfinished is not None
            (suspects if is_suspect else others).append(record)
        return suspects, others

    def deaths(self, record: Record) -> int:
        """Return how many processes have died, one after the other, while they handled `record`."""
        watch = self._watches.get(record.topic_partition)
        unfinished = watch.unfinished if watch is not None else None
        return unfinished.number if unfinished is not None and unfinished.offset == record.offset else 0

    @asynccontextmanager
    async def watching(self, records: Sequence[Record]) -> AsyncIterator[None]:
        """Note that `records` are handled within the block, and take it back if it raises; a commit forgets it.

        Raises
        ------
        Unavailable
        """
        firsts = self._first_watched(records)
        if not firsts:
            yield
            return
        number = self.deaths(records[0]) + 1
        self._noted.update({record.topic_partition: Attempt(record.offset, number) for record in firsts})
        await self._consumer.note_attempt(firsts, number)
        try:
            yield
        except BaseException:
            with suppress(Unavailable):  # should we die before we commit, it counts as one death too many
                await self._consumer.note_attempt(firsts, number - 1)
            raise

    async def _look_at_what_came(self, records: Sequence[Record]) -> None:
        """Begin to watch the partitions that do not go on where they stood: somebody else may have had them."""
        firsts = {record.topic_partition: record.offset for record in _first_of_each(records)}
        new = {partition: offset for partition, offset in firsts.items() if self._next.get(partition) != offset}
        found = await self._consumer.unfinished_attempts() if new else {}
        for partition, offset in new.items():
            self._watches[partition] = _Watch(offset + self._max_batch, self._left_by_others(partition, found))
        self._next.update({record.topic_partition: record.offset + 1 for record in records})

    def _left_by_others(self, partition: Partition, found: Mapping[Partition, Attempt]) -> Attempt | None:
        """Return the attempt that was noted by a process that died: ours is none, we are alive."""
        attempt = found.get(partition)
        if attempt is not None and attempt == self._noted.get(partition):
            attempt = replace(attempt, number=attempt.number - 1)
        if attempt is None or attempt.number == 0:
            return None
        log.warning("records_are_suspects", topic=partition[0], partition=partition[1], attempt=attempt.number)
        return attempt

    def _is_watched(self, record: Record) -> bool:
        return record.offset < self._watches[record.topic_partition].end

    def _first_watched(self, records: Sequence[Record]) -> list[Record]:
        return [record for record in _first_of_each(records) if self._is_watched(record)]


def _first_of_each(records: Sequence[Record]) -> list[Record]:
    """Return the first record of each partition."""
    firsts: dict[Partition, Record] = {}
    for record in records:
        firsts.setdefault(record.topic_partition, record)
    return list(firsts.values())
