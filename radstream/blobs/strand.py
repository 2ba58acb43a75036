"""Work that is done in order, by whichever thread of a pool is free: each thread goes on as long as there is more."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

_Result = TypeVar("_Result")
_Value = TypeVar("_Value")


class Threads(Protocol):
    """What does the work of strands, such as `Workers` or a `ThreadPoolExecutor`."""

    def submit(self, work: Callable[[], None], /) -> object:
        """Let a thread do `work`."""


class Strand:
    """A queue of work; two pieces of it are never done at once.

    To a busy strand more work costs no hop to a thread, which is dear: the thread at work takes it as well.

    Attributes
    ----------
    error : Exception or None
        The last that work given to `do` has raised.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._work: deque[Callable[[], None]] = deque()
        self._is_working = False
        self.error: Exception | None = None

    def __len__(self) -> int:
        """How much has not been begun."""
        return len(self._work)

    def do(self, work: Callable[[], None]) -> None:
        """Let `work` be done after all that was given before; what it raises becomes the `error`."""
        with self._lock:
            self._work.append(work)
            is_working, self._is_working = self._is_working, True
        if not is_working:
            self._threads.submit(self._work_off)

    def start(self, function: Callable[[], _Result]) -> Answer[_Result]:
        """Return what ``function()`` will return, done after all that was given before, whoever waits for it."""
        answer: Answer[_Result] = Answer()
        self.do(lambda: answer.give(function))
        return answer

    def _work_off(self) -> None:
        while True:
            with self._lock:
                if not self._work:
                    self._is_working = False
                    return
                work = self._work.popleft()
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a boundary between threads: who gave the work looks at it
                self.error = error


class Answer(Generic[_Result]):
    """What a thread will have found out. The event loop is woken only if somebody waits already: a wake is dear."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_given = False
        self._result: _Result
        self._error: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None

    def give(self, function: Callable[[], _Result]) -> None:
        """Take what ``function()`` returns or raises, in the thread."""
        try:
            self._result = function()
        except Exception as error:  # noqa: BLE001 - a boundary between threads: goes to who waits
            self._error = error
        with self._lock:
            self._is_given = True
        if self._waiting is not None:
            tell(self._waiting, None)

    async def wait(self) -> _Result:
        """Return the result, or raise the error, when it is there; by one task at a time."""
        with self._lock:
            if not self._is_given:
                self._waiting = asyncio.get_running_loop().create_future()
        if self._waiting is not None:
            await self._waiting
        if self._error is not None:
            raise self._error
        return self._result


def tell(future: asyncio.Future[_Value], result: _Value) -> None:
    """Let the loop end `future`, from any thread; without effect if nobody waits for it any more."""
    with suppress(RuntimeError):  # the loop was closed meanwhile
        future.get_loop().call_soon_threadsafe(lambda: None if future.done() else future.set_result(result))
