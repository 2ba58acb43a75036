"""The log as every service sees it: topics of records, consumer groups, offsets.

The words are Kafka's. An adapter promises: a record is durable when `publish` returns; records of one partition are
read in the order of their offsets; a group sees every record at least once; an offset is durable when `commit`
returns, and only the next unread one is ever stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from radstream.contract.topics import Topic

Partition = tuple[str, int]
"""A topic and the number of one of its partitions."""


@dataclass(frozen=True)
class Message:
    """What a producer hands to the log.

    Parameters
    ----------
    topic : str
    key : str
        The Study Instance UID: records with one key stay in order.
    value : bytes
    headers : mapping of str to str
    """

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """What a consumer gets from the log.

    Parameters
    ----------
    timestamp_ms : int
        When the log took it, in milliseconds since 1970 UTC.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]
    timestamp_ms: int

    @property
    def topic_partition(self) -> Partition:
        """Where it lies: topic and partition."""
        return self.topic, self.partition


@dataclass(frozen=True)
class Attempt:
    """That a member began with a record, and neither ended nor gave up.

    Parameters
    ----------
    number : int
        How many members did so, one after the other.
    """

    offset: int
    number: int


class Consumer(Protocol):
    """One member of a consumer group."""

    async def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records` records not returned before; empty after `timeout_s` seconds without any.

        The first call after start or takeover begins at the group's committed offsets, or at the earliest record.

        Raises
        ------
        Unavailable
            If the log does not answer. The position is unchanged.
        """

    async def commit(self, records: Sequence[Record]) -> None:
        """Make durable that the group is done with `records` and all before them in their partitions.

        Raises
        ------
        Unavailable
            If the log does not answer; the records will come again, to this member or another.
        """

    async def note_attempt(self, records: Sequence[Record], number: int) -> None:
        """Make durable that `records`, each the first of its partition that is not committed, are begun with.

        Parameters
        ----------
        number : int
            Of this attempt, from 1; 0 takes back what was noted. A commit of the record does so too.

        Raises
        ------
        Unavailable
        """

    async def unfinished_attempts(self) -> Mapping[Partition, Attempt]:
        """Return what any member of the group has noted, in any partition, and neither committed nor taken back.

        Raises
        ------
        Unavailable
        """

    async def rewind(self) -> None:
        """Go back to the committed offsets, so that what was polled and not committed comes again."""

    async def close(self) -> None:
        """Leave the group; another member takes over at once."""


class Bus(Protocol):
    """The log."""

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """Make sure that every topic exists; idempotent."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append `messages` in order; all are durable on return.

        Raises
        ------
        Unavailable
            If the log did not acknowledge all of them before its deadline. They may be in it all the same.
        NotFound
            If a topic was not created.
        MalformedEvent
            If a value is longer than 1 MiB, or a key or header is not Unicode text.
        """

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """Return a new member of `group` for `topics`; it joins at its first `poll`."""

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Return how many records of `topics` the group has not committed."""

    async def read(self, topic: str, *, after: int = -1, limit: int = 100) -> list[Record]:
        """Return up to `limit` records of `topic` beyond offset `after`, outside of any group (partition 0)."""

    async def check(self) -> None:
        """Return if the log answers; raise `Unavailable` if not."""

    async def close(self) -> None:
        """Release everything; consumers of this bus must be closed before."""
