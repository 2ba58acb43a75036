"""A clock that jumps to the next timer as soon as there is nothing else to do: tests of deadlines wait for nothing."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer as soon as there is nothing else to do."""

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        waiting = [timer.when() for timer in self._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        if not self._ready and waiting:  # type: ignore[attr-defined]
            self._now = max(self._now, min(waiting))
        super()._run_once()  # type: ignore[misc]


def in_virtual_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        async def work() -> None:
            await test(**arguments)

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(work())

    return run
