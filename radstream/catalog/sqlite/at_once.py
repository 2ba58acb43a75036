"""Reads in the event loop what takes less time than the way to a thread and back (docs/adr/0016)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from radstream.catalog.sqlite.database import Connection, Database
from radstream.contract.errors import Unavailable

_Result = TypeVar("_Result")

LONGEST_S: Final = 0.002
"""What has not ended by then is stopped, and left to a thread."""

_STEPS_BETWEEN_LOOKS: Final = 1000  # some hundredths of a millisecond

PAUSE: Final = 20
"""So many times as long as the loop was held up, all is left to threads: a slow disk costs the loop a twentieth."""


class AtOnce:
    """One connection of the event loop's own.

    Parameters
    ----------
    database : Database
        Must not wait for others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._not_before = 0.0

    def read(self, query: Callable[[Connection], _Result]) -> _Result | None:
        """Return what `query` finds, which is not None; None if that has to be found out in a thread."""
        started_at = time.perf_counter()
        if started_at < self._not_before:
            return None
        deadline = started_at + LONGEST_S
        try:
            with self._database.reading(lambda: time.perf_counter() > deadline, _STEPS_BETWEEN_LOOKS) as connection:
                return query(connection)
        except Unavailable:
            return None
        finally:
            if (ended_at := time.perf_counter()) > deadline:
                self._not_before = ended_at + PAUSE * (ended_at - started_at)

    def close(self) -> None:
        """Release the file; nothing is read any more."""
        self._not_before = float("inf")
        self._database.close()
