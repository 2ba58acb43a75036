"""Many who wait, one transaction: the cost of making records durable is shared by all who publish meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from radstream.bus.embedded.log import Entry
from radstream.bus.embedded.thread import Thread

Requests = Sequence[Sequence[Entry]]


@dataclass(frozen=True)
class _Call:
    """What one caller wants to be appended, and the future by which it hears of it."""

    entries: Sequence[Entry]
    done: asyncio.Future[None]


class Appender:
    """Collects requests while a transaction is under way, then appends all of them in the next one.

    The thread goes on to the next transaction by itself: the event loop may be busy with what arrives.

    Parameters
    ----------
    append : callable
        Carries out a sequence of requests in `thread`; returns an error or None for each, or raises for all.
    notify : callable
        Told of requests that were carried out, after who waits for them: raises nothing.
    """

    def __init__(
        self,
        thread: Thread,
        append: Callable[[Requests], Sequence[Exception | None]],
        notify: Callable[[Requests], None],
    ) -> None:
        self._thread = thread
        self._append = append
        self._notify = notify
        self._lock = threading.Lock()
        self._waiting: list[_Call] = []
        self._is_working = False

    async def append(self, entries: Sequence[Entry]) -> None:
        """Append `entries`, all or none; done also if the caller no longer waits for it.

        Raises
        ------
        Unavailable
            If they are not durable in time; they may be later.
        """
        self._thread.refuse_if_closed()
        call = _Call(entries, asyncio.get_running_loop().create_future())
        with self._lock:
            is_working = self._is_working
            self._waiting.append(call)
            self._is_working = True
        if not is_working:
            self._thread.start(self._work)
        await self._thread.wait_for(call.done)

    async def settle(self) -> None:
        """Return when everything given so far has been carried out or has failed."""
        while self._is_working:
            await self._thread.run(lambda: None)

    def _work(self) -> None:
        """Carry out one transaction, then let the thread's other work have its turn."""
        with self._lock:
            calls, self._waiting = self._waiting, []
        requests = [call.entries for call in calls]
        errors: Sequence[Exception | None]
        try:
            errors = self._append(requests)
        except Exception as error:  # noqa: BLE001 - a boundary between threads: goes to who waits
            errors = [error] * len(calls)
        with suppress(RuntimeError):  # the loop was closed meanwhile
            calls[0].done.get_loop().call_soon_threadsafe(_answer, calls, errors)
        self._notify([request for request, error in zip(requests, errors, strict=True) if error is None])
        with self._lock:
            self._is_working = bool(self._waiting)
        if self._is_working:
            self._thread.start(self._work)


def _answer(calls: Sequence[_Call], errors: Sequence[Exception | None]) -> None:
    for call, error in zip(calls, errors, strict=True):
        if call.done.done():
            continue  # its caller has given up
        if error is None:
            call.done.set_result(None)
        else:
            call.done.set_exception(error)
