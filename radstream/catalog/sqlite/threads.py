"""Where the blocking work is done: one thread that writes for all who wait, a few that read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from radstream.catalog.sqlite.database import Connection, Database
from radstream.contract.errors import Unavailable

_Result = TypeVar("_Result")
Work = Callable[[Connection], None]

_MOST_WAITING: Final = 10_000


@dataclass(frozen=True)
class _Call:
    """What one caller wants to be done, and the future by which it hears of it."""

    work: Sequence[Work]
    done: asyncio.Future[None]

    def answer(self, error: BaseException | None) -> None:
        """Tell the caller how it went, unless it has given up."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


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
        self._waiting: list[_Call] = []
        self._turns: asyncio.Task[None] | None = None  # runs while there is something to write
        self._is_closed = False

    async def write(self, work: Sequence[Work]) -> None:
        """Do `work` within a transaction, shared with others; it is durable on return.

        Raises
        ------
        Unavailable
            If it could not be made durable in time; it may be later.
        """
        if sum(len(call.work) for call in self._waiting) > _MOST_WAITING:
            raise Unavailable("too much waits to be written to the catalog")
        self._refuse_if_closed()
        call = _Call(work, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._turns is None:
            self._turns = asyncio.create_task(self._take_turns())
        await _in_time(call.done, self._timeout_s)

    async def create(self) -> None:
        """Make the file and its tables where they are missing."""
        self._refuse_if_closed()
        await _in_time(self._run(self._database.create), self._timeout_s)

    async def close(self) -> None:
        """Write what waits, then release the file; what still hangs after the time-out is left to the system."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(Unavailable):
            if self._turns is not None:
                await _in_time(asyncio.shield(self._turns), self._timeout_s)
            await _in_time(self._run(self._database.close), self._timeout_s)
        self._thread.shutdown(wait=False)

    async def _take_turns(self) -> None:
        """Commit all that has come while the transaction before was under way, until nothing waits."""
        try:
            while self._waiting:
                calls, self._waiting = self._waiting, []
                await self._commit([call for call in calls if not call.done.done()])
        finally:
            self._turns = None

    async def _commit(self, calls: Sequence[_Call]) -> None:
        """Commit `calls` together, or in halves if one of them cannot be carried out: it must not harm the others."""
        running = asyncio.ensure_future(self._run(lambda: self._transact(calls)))
        await asyncio.wait([running])
        error = running.exception()
        if error is None or isinstance(error, Unavailable) or len(calls) == 1:
            for call in calls:
                call.answer(error)
            return
        middle = len(calls) // 2
        await self._commit(calls[:middle])
        await self._commit(calls[middle:])

    def _transact(self, calls: Sequence[_Call]) -> None:
        with self._database.writing() as connection:
            for call in calls:
                for work in call.work:
                    work(connection)

    async def _run(self, call: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("the catalog is closed")


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
        self._is_closed = False

    async def read(self, query: Callable[[Connection], _Result]) -> _Result:
        """Return what `query` finds on a connection that sees one state of the catalog.

        A query that nobody waits for any more is stopped, so that it does not keep its thread from others.

        Raises
        ------
        Unavailable
        """
        if self._is_closed:
            raise Unavailable("the catalog is closed")
        given_up = threading.Event()
        reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, query, given_up)
        try:
            return await _in_time(reading, self._timeout_s)
        finally:
            given_up.set()

    async def close(self) -> None:
        """Wait for what is being read, then release the file."""
        self._is_closed = True
        await asyncio.to_thread(self._release)

    def _read(self, query: Callable[[Connection], _Result], given_up: threading.Event) -> _Result:
        database: Database | None = getattr(self._own, "database", None)
        if database is None:
            database = self._own.database = self._open_database()
            self._databases.append(database)
        with database.reading(given_up.is_set) as connection:
            return query(connection)

    def _release(self) -> None:
        self._threads.shutdown()
        for database in self._databases:
            database.close()


async def _in_time(done: Awaitable[_Result], timeout_s: float) -> _Result:
    try:
        async with asyncio.timeout(timeout_s):
            return await done
    except TimeoutError as error:
        raise Unavailable("the catalog did not answer in time") from error
