"""The SQL of the offsets: for each group and topic, the next record to do. Synchronous; one thread at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from radstream.bus.embedded.database import Database
from radstream.bus.port import Attempt

_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS offsets (
        log_id TEXT NOT NULL, consumer_group TEXT NOT NULL, topic TEXT NOT NULL, next_offset INTEGER NOT NULL,
        PRIMARY KEY (log_id, consumer_group, topic)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS attempts (
        log_id TEXT NOT NULL, consumer_group TEXT NOT NULL, topic TEXT NOT NULL,
        record_offset INTEGER NOT NULL, number INTEGER NOT NULL,
        PRIMARY KEY (log_id, consumer_group, topic)) WITHOUT ROWID
"""

_UNFINISHED: Final = """
    SELECT topic, record_offset, number FROM attempts LEFT JOIN offsets USING (log_id, consumer_group, topic)
    WHERE log_id = ? AND consumer_group = ? AND number > 0 AND record_offset >= coalesce(next_offset, 0)
"""


class Offsets:
    """What the groups have committed, in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder / "offsets.db", _SCHEMA)

    def create(self) -> None:
        """Make sure that the file exists."""
        self._database.create()

    def committed(self, log_id: str, group: str) -> dict[str, int]:
        """Return the offset of the next record to do, by topic; a topic without a commit is left out."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT topic, next_offset FROM offsets WHERE log_id = ? AND consumer_group = ?", (log_id, group)
            )
            return dict(rows.fetchall())

    def commit(self, log_id: str, group: str, next_offsets: Mapping[str, int]) -> None:
        """Make `next_offsets` durable; an offset never goes back."""
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO offsets VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET next_offset = max(next_offset, excluded.next_offset)",
                [(log_id, group, topic, offset) for topic, offset in next_offsets.items()],
            )

    def note_attempts(self, log_id: str, group: str, offsets: Mapping[str, int], number: int) -> None:
        """Make durable that attempt `number` at the record at an offset of each topic is made."""
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)",
                [(log_id, group, topic, offset, number) for topic, offset in offsets.items()],
            )

    def unfinished_attempts(self, log_id: str, group: str) -> dict[str, Attempt]:
        """Return by topic the attempts that were noted, if the record is not committed."""
        with self._database.reading() as connection:
            rows = connection.execute(_UNFINISHED, (log_id, group)).fetchall()
        return {topic: Attempt(offset, number) for topic, offset, number in rows}

    def close(self) -> None:
        """Release the file."""
        self._database.close()
