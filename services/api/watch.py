"""What changes in the catalog, told to whoever listens. Why the catalog and not the log: docs/adr/0013.

One look for all listeners, a few times a second and only while there are any. Times of change are made by the index
before its documents are durable, and by several processes: a look goes back a little before the newest known time, and
what it finds a second time is passed over.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from radstream.catalog.filters import And, In, Predicate, Range
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import REMOVALS, STUDIES
from radstream.contract.errors import RadstreamError, Unavailable
from radstream.contract.events import from_timestamp, to_timestamp
from radstream.telemetry import get_logger

log = get_logger(__name__)

PERIOD_S: Final = 0.25
OVERLAP: Final = timedelta(seconds=2)
MOST_LISTENERS: Final = 200
MOST_WAITING: Final = 1000
MOST_AT_ONCE: Final = 1000

_FIELDS: Final = ("last_indexed_at", "NumberOfStudyRelatedInstances")


@dataclass(frozen=True)
class Change:
    """That something of a study was indexed, or that it has gone.

    Parameters
    ----------
    at : str
        When, see `events.to_timestamp`.
    number_of_instances : int
        That it has now; 0 if the study has left the catalog.
    """

    study_instance_uid: str
    at: str
    number_of_instances: int


class Listener:
    """What one client has still to be told; a client that does not listen is lost, and has to come again."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Change] = asyncio.Queue(MOST_WAITING)
        self.is_lost = False

    def tell(self, changes: Sequence[Change]) -> None:
        """Let it have `changes`."""
        for change in changes:
            try:
                self._queue.put_nowait(change)
            except asyncio.QueueFull:
                self.is_lost = True
                return

    async def next(self, timeout_s: float) -> list[Change]:
        """Return what there is, at least one change if there is any within `timeout_s`."""
        try:
            changes = [await asyncio.wait_for(self._queue.get(), timeout_s)]
        except TimeoutError:
            return []
        while not self._queue.empty():
            changes.append(self._queue.get_nowait())
        return changes


class Watch:
    """Looks for changes while there are listeners."""

    def __init__(self, catalog: Catalog, period_s: float = PERIOD_S) -> None:
        self._catalog = catalog
        self._period_s = period_s
        self._listeners: set[Listener] = set()
        self._known: frozenset[Change] = frozenset()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Give a listener that is told of every change from now on.

        Raises
        ------
        Unavailable
            If there are too many.
        """
        if len(self._listeners) >= MOST_LISTENERS:
            raise Unavailable("too many pages listen to this process")
        listener = Listener()
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._known = frozenset()
            self._task = asyncio.create_task(self._run())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def since(self, at: str | None) -> list[Change]:
        """Return the changes after `at` and some of just before, oldest first; more than `MOST_AT_ONCE` are too many.

        Parameters
        ----------
        at : str or None
            A time of a change; None is the newest one.

        Raises
        ------
        Unavailable
            If the catalog does not answer.
        """
        newest = at or await self.newest()
        low = to_timestamp(from_timestamp(newest) - OVERLAP) if newest else ""
        changes = await asyncio.gather(self._indexed(low), self._removed(low))
        return sorted(itertools.chain(*changes), key=lambda change: change.at)

    async def newest(self) -> str | None:
        """Return the time of the newest change; None if there is none yet. Errors as of `since`."""
        changes = await asyncio.gather(self._indexed(newest=True), self._removed(newest=True))
        return max((change.at for change in itertools.chain(*changes)), default=None)

    async def _indexed(self, low: str = "", *, newest: bool = False) -> list[Change]:
        """Return what was indexed since `low`, oldest first, or the newest one alone."""
        # Both values of the first field of an index let the second one lead.
        where: Predicate = And([In("is_complete", (0, 1)), Range("last_indexed_at", low=low)])
        rows = await self._find(STUDIES.name, where, _FIELDS, newest=newest)
        return [Change(row["_id"], row["last_indexed_at"], row["NumberOfStudyRelatedInstances"] or 0) for row in rows]

    async def _removed(self, low: str = "", *, newest: bool = False) -> list[Change]:
        """Return the studies that have gone since `low`, oldest first, or the newest one alone."""
        rows = await self._find(REMOVALS.name, Range("removed_at", low=low), ("removed_at",), newest=newest)
        return [Change(row["_id"], row["removed_at"], 0) for row in rows]

    async def _find(
        self, collection: str, where: Predicate, fields: tuple[str, ...], *, newest: bool
    ) -> list[Document]:
        sort, limit = (f"-{fields[0]}", 1) if newest else (fields[0], MOST_AT_ONCE + 1)
        return await self._catalog.find(collection, where, fields=fields, sort=(sort,), limit=limit)

    async def _run(self) -> None:
        newest: str | None = None
        while self._listeners:
            try:
                newest = self._look(await self.since(newest), newest)
            except RadstreamError as error:
                log.debug("catalog_not_watched", error_type=type(error).__name__, reason=str(error))
            await asyncio.sleep(self._period_s)

    def _look(self, changes: Sequence[Change], newest: str | None) -> str | None:
        """Tell of those of `changes` that are new, and return the newest time; None if they are too many to tell."""
        if len(changes) > MOST_AT_ONCE:
            for listener in self._listeners:
                listener.is_lost = True
            return None
        told = [change for change in changes if change not in self._known]
        self._known = frozenset(changes)
        for listener in self._listeners:
            listener.tell(told)
        return changes[-1].at if changes else newest
