"""Where the blocking work is done: one thread that writes for all who wait, a few that read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from radstream.catalog.sqlite.database import Connection, Database
from radstream.contract.errors import Unavailable

_Result = TypeVar("_Result")
Work = Callable[[Connection], None]

_MOST_WAITING: Final = 10_000


class Writer:
    """Commits whatever waits in one transaction: the cost of making something durable is shared by all who wait.

    Parameters
    ----------
    timeout_s : float
        After which a caller is told that the catalog does not answer. What has begun goes on.
    """

    def __init__(self, database: Database, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalog-writing")
        self._waiting: list[Work] = []
        self._turn: asyncio.Task[None] | None = None  # the one that will take what is waiting

    async def write(self, work: Sequence[Work]) -> None:
        """Do `work` within a transaction, shared with others; it is durable on return.

        Raises
        ------
        Unavailable
            If it could not be made durable in time; it may be later.
        """
        if len(self._waiting) > _MOST_WAITING:
            raise Unavailable("too much waits to be written to the catalog")
        if self._turn is None or not self._waiting:
            self._turn = asyncio.create_task(self._take_turn(self._turn))
        self._waiting.extend(work)
        await self._in_time(asyncio.shield(self._turn))

    async def create(self) -> None:
        """Make the file and its tables where they are missing."""
        await self._in_time(self._run(self._database.create))

    async def close(self) -> None:
        """Wait for what is being written, then release the file."""
        if self._turn is not None:
            await asyncio.wait([self._turn])
        await self._run(self._database.close)
        self._thread.shutdown()

    async def _take_turn(self, before: asyncio.Task[None] | None) -> None:
        """Wait for the transaction that is under way, then commit all that has come meanwhile."""
        if before is not None:
            await asyncio.wait([before])
        work, self._waiting = self._waiting, []
        await self._run(lambda: self._commit(work))

    def _commit(self, work: Sequence[Work]) -> None:
        with self._database.writing() as connection:
            for each in work:
                each(connection)

    async def _run(self, call: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _in_time(self, done: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await done
        except TimeoutError as error:
            raise Unavailable("the catalog did not answer in time") from error


class Readers:
    """A few threads, each with a connection of its own; as many reads at once.

    Parameters
    ----------
    open_database : callable
        Makes the connection of one thread.
    timeout_s : float
        After which a caller is told that the catalog does not answer.
    """

    def __init__(self, open_database: Callable[[], Database], count: int, timeout_s: float) -> None:
        self._open_database = open_database
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="catalog-reading")
        self._own = threading.local()
        self._databases: list[Database] = []

    async def read(self, query: Callable[[Connection], _Result]) -> _Result:
        """Return what `query` finds on a connection that sees one state of the catalog.

        Raises
        ------
        Unavailable
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
        except TimeoutError as error:
            raise Unavailable("the catalog did not answer in time") from error

    async def close(self) -> None:
        """Wait for what is being read, then release the file."""
        await asyncio.to_thread(self._threads.shutdown)
        for database in self._databases:
            database.close()

    def _read(self, query: Callable[[Connection], _Result]) -> _Result:
        database: Database | None = getattr(self._own, "database", None)
        if database is None:
            database = self._own.database = self._open_database()
            self._databases.append(database)
        with database.reading() as connection:
            return query(connection)
