"""The SQL of the log: topics and their records. Synchronous; each object belongs to one thread at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from radstream.bus.embedded.database import Connection, Database
from radstream.bus.port import Message, Record
from radstream.contract.errors import MalformedEvent, NotFound
from radstream.contract.topics import Topic

LARGEST_VALUE_BYTES: Final = 1 << 20
"""Kafka's default: what the embedded log takes, the cluster takes too."""

EXPIRED_AT_ONCE: Final = 500
"""Records that retention deletes in one transaction, so that nobody waits for it for more than a millisecond or two."""

_OFFSET_BITS: Final = 40  # also in `_STATES`

# A record's position is its topic's id and its offset in one integer: one B-tree holds every topic in order, and a
# record lies in its leaves without an index beside it. The timestamp stands first: retention reads only the beginning.
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS identity (id INTEGER PRIMARY KEY CHECK (id = 1), log_id TEXT, checked_ms INTEGER);
    INSERT OR IGNORE INTO identity VALUES (1, lower(hex(randomblob(8))), 0);
    CREATE TABLE IF NOT EXISTS topics (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        retention_days INTEGER NOT NULL, consumers TEXT NOT NULL, next_offset INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS records (
        position INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL,
        key BLOB NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL)
"""


@dataclass(frozen=True)
class Entry:
    """A message as bytes, so that nothing can fail to encode inside a transaction that others share."""

    topic: str
    key: bytes
    headers: bytes
    value: bytes


@dataclass(frozen=True)
class TopicState:
    """What the log knows of a topic.

    Parameters
    ----------
    first_offset : int
        Of the earliest record still there; `next_offset` if there is none.
    next_offset : int
        Of the record to come.
    """

    topic_id: int
    name: str
    retention_days: int
    consumers: tuple[str, ...]
    first_offset: int
    next_offset: int


def encode(message: Message) -> Entry:
    """Return `message` as it lies in the log.

    Raises
    ------
    MalformedEvent
        If its value is longer than a log takes, or a text of it is not Unicode.
    """
    if len(message.value) > LARGEST_VALUE_BYTES:
        raise MalformedEvent(f"a record of {len(message.value)} bytes is too long for the log")
    try:
        headers = msgspec.json.encode(dict(message.headers))
        return Entry(message.topic, message.key.encode(), headers, bytes(message.value))
    except UnicodeEncodeError as error:
        raise MalformedEvent("a key or header is not Unicode text") from error


class Log:
    """Topics and records in one file."""

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder / "log.db", _SCHEMA)

    def create(self, topics: Sequence[Topic]) -> None:
        """Make sure that the file and `topics` exist, with their present retention and consumers."""
        self._database.create()
        rows = [(topic.name, topic.retention_days, ",".join(topic.consumers)) for topic in topics]
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO topics (name, retention_days, consumers) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET retention_days = excluded.retention_days, consumers = excluded.consumers",
                rows,
            )

    def append(self, requests: Sequence[Sequence[Entry]]) -> list[NotFound | None]:
        """Append every request in one transaction, all or nothing of each.

        Returns
        -------
        list
            For each request None, or the error because of which nothing of it was appended.
        """
        with self._database.writing() as connection:
            topics = _next_offsets(connection, {entry.topic for request in requests for entry in request})
            outcomes = [_unknown_topic(request, topics) for request in requests]
            accepted = [
                entry for request, outcome in zip(requests, outcomes, strict=True) if not outcome for entry in request
            ]
            _insert(connection, accepted, topics)
        return outcomes

    def read(self, name: str, offset: int, limit: int) -> list[Record]:
        """Return up to `limit` records from `offset` on; none if there is no such topic."""
        with self._database.reading() as connection:
            topic_id = _topic_id(connection, name)
            if topic_id is None:
                return []
            rows = connection.execute(
                "SELECT position, timestamp_ms, key, headers, value FROM records "
                "WHERE position >= ? AND position < ? ORDER BY position LIMIT ?",
                (_position(topic_id, max(offset, 0)), _position(topic_id + 1, 0), limit),
            )
            return [_record(name, *row) for row in rows]

    def topics(self) -> dict[str, TopicState]:
        """Return the state of every topic by its name."""
        with self._database.reading() as connection:
            return {row[1]: _state(*row) for row in connection.execute(_STATES)}

    def log_id(self) -> str:
        """Return what tells this log from every other: offsets are worth nothing in another one."""
        with self._database.reading() as connection:
            return str(connection.execute("SELECT log_id FROM identity").fetchone()[0])

    def expire(self, done: Mapping[str, int], now_ms: int) -> int:
        """Delete, in each topic, some of the records that are too old; return how many.

        Parameters
        ----------
        done : mapping of str to int
            For each topic the offset before which all of its consumers are done: what somebody still has to do is
            kept however old it is.
        now_ms : int
            Milliseconds since 1970 UTC.
        """
        deleted = 0
        for state in self.topics().values():
            oldest_ms = now_ms - state.retention_days * 86_400_000
            if done.get(state.name, 0) > state.first_offset:
                deleted += self._expire_topic(state, oldest_ms, done[state.name])
        return deleted

    def touch(self) -> None:
        """Write something, on the way that a record takes."""
        with self._database.writing() as connection:
            connection.execute("UPDATE identity SET checked_ms = ?", (_now_ms(),))

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def _expire_topic(self, state: TopicState, oldest_ms: int, done: int) -> int:
        """Delete from the front only, so that offsets stay without gaps whatever the clock did."""
        bounds = (_position(state.topic_id, 0), _position(state.topic_id, done), EXPIRED_AT_ONCE)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT position, timestamp_ms FROM records WHERE position >= ? AND position < ? "
                "ORDER BY position LIMIT ?",
                bounds,
            ).fetchall()
        kept = next((index for index, (_, timestamp_ms) in enumerate(rows) if timestamp_ms >= oldest_ms), len(rows))
        if kept == 0:
            return 0
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM records WHERE position >= ? AND position <= ?", (bounds[0], rows[kept - 1][0])
            )
        return kept


_STATES: Final = """
    SELECT id, name, retention_days, consumers, next_offset, (
        SELECT min(position) FROM records
        WHERE position >= topics.id << 40 AND position < (topics.id + 1) << 40)
    FROM topics
"""


def _state(
    topic_id: int, name: str, retention_days: int, consumers: str, next_offset: int, first: int | None
) -> TopicState:
    first_offset = next_offset if first is None else _offset(first)
    return TopicState(
        topic_id, name, retention_days, tuple(filter(None, consumers.split(","))), first_offset, next_offset
    )


def _next_offsets(connection: Connection, names: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return id and next offset of those topics only: each row read lets another thread in, which is dear."""
    rows = (
        connection.execute("SELECT id, next_offset FROM topics WHERE name = ?", (name,)).fetchone() for name in names
    )
    return {name: row for name, row in zip(names, rows, strict=True) if row is not None}


def _unknown_topic(request: Sequence[Entry], topics: Mapping[str, object]) -> NotFound | None:
    unknown = next((entry.topic for entry in request if entry.topic not in topics), None)
    return None if unknown is None else NotFound(f"the log has no topic {unknown!r}; create it first")


def _insert(connection: Connection, entries: Sequence[Entry], topics: dict[str, tuple[int, int]]) -> None:
    """Append `entries` at the next offsets in `topics`, which are moved on."""
    now_ms = _now_ms()
    rows = []
    for entry in entries:
        topic_id, offset = topics[entry.topic]
        rows.append((_position(topic_id, offset), now_ms, entry.key, entry.headers, entry.value))
        topics[entry.topic] = (topic_id, offset + 1)
    connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?)", rows)
    moved = {entry.topic: topics[entry.topic] for entry in entries}
    connection.executemany(
        "UPDATE topics SET next_offset = ? WHERE id = ?", [(offset, topic_id) for topic_id, offset in moved.values()]
    )


def _topic_id(connection: Connection, name: str) -> int | None:
    row = connection.execute("SELECT id FROM topics WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def _record(name: str, position: int, timestamp_ms: int, key: bytes, headers: bytes, value: bytes) -> Record:
    return Record(
        name, 0, _offset(position), key.decode(), value, msgspec.json.decode(headers, type=dict[str, str]), timestamp_ms
    )


def _position(topic_id: int, offset: int) -> int:
    return (topic_id << _OFFSET_BITS) + offset


def _offset(position: int) -> int:
    return position & ((1 << _OFFSET_BITS) - 1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
