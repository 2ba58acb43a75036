"""Work that is done in order, by whichever thread of a pool is free: each thread goes on as long as there is more."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TypeVar

_Result = TypeVar("_Result")
_Value = TypeVar("_Value")


class Strand:
    """A queue of work; two pieces of it are never done at once.

    To a busy strand more work costs no hop to a thread, which is dear: the thread at work takes it as well.

    Attributes
    ----------
    error : Exception or None
        The last that work given to `do` has raised.
    """

    def __init__(self, threads: Executor) -> None:
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

    def start(self, function: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Return the future result of ``function()``, done after all that was given before, whoever waits for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()
        future.add_done_callback(_take_error)
        self.do(lambda: _answer(loop, future, function))
        return future

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


def _answer(loop: asyncio.AbstractEventLoop, future: asyncio.Future[_Result], function: Callable[[], _Result]) -> None:
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - a boundary between threads: goes to who waits
        tell(loop, future, future.set_exception, error)
    else:
        tell(loop, future, future.set_result, result)


def tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[_Result], end: Callable[[_Value], None], value: _Value
) -> None:
    """Let the loop end `future`, from any thread; without effect if nobody waits for it any more."""
    with suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(lambda: None if future.done() else end(value))


def _take_error(future: asyncio.Future[_Result]) -> None:
    """Take note of an error, for which nobody may be waiting any more."""
    if not future.cancelled():
        future.exception()
