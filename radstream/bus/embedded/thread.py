"""A thread for blocking work, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from radstream.contract.errors import Unavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Thread:
    """One thread that does one thing after the other; started when it is needed.

    Parameters
    ----------
    timeout_s : float
        After which a caller is told that the log does not answer; what has begun goes on.
    """

    def __init__(self, name: str, timeout_s: float) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._timeout_s = timeout_s
        self._is_closed = False

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Return ``function(*arguments)``, computed in the thread.

        Raises
        ------
        Unavailable
            After the time limit, or if the thread was closed.
        """
        self.refuse_if_closed()
        return await self.wait_for(asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments))

    def start(self, function: Callable[[], None]) -> None:
        """Let the thread do `function`, which raises nothing, without waiting for it; any thread may ask.

        Raises
        ------
        Unavailable
            If the thread was closed.
        """
        self.refuse_if_closed()
        self._executor.submit(function)

    async def wait_for(self, future: asyncio.Future[T]) -> T:
        """Return the result of `future`, which the thread will provide; `Unavailable` after the time limit."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await future
        except TimeoutError as error:
            raise Unavailable("the log did not answer in time") from error

    async def close(self, last: Callable[[], None]) -> None:
        """Do what waits and then `last`; take nothing more. A thread that hangs is left behind."""
        if not self._is_closed:
            with contextlib.suppress(Unavailable):
                await self.run(last)
            self._is_closed = True
            self._executor.shutdown(wait=False)

    def refuse_if_closed(self) -> None:
        """Raise `Unavailable` if the thread was closed."""
        if self._is_closed:
            raise Unavailable("the log is closed")
