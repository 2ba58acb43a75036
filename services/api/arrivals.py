"""How many instances arrived in each of the last minutes, as the log counted them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from radstream.bus.port import Bus
from radstream.contract.errors import RadstreamError
from radstream.contract.topics import INSTANCE_STORED, INSTANCE_STORED_URGENT

MINUTES: Final = 60
PERIOD_S: Final = 10.0

_TOPICS: Final = (INSTANCE_STORED.name, INSTANCE_STORED_URGENT.name)
_NOBODY: Final = "arrivals"
"""A group that never commits: what it lags behind is all that the log holds."""


class Arrivals:
    """Looks at the log every few seconds, from when it is entered until it is left.

    Parameters
    ----------
    clock : callable
        Seconds since 1970.
    """

    def __init__(self, bus: Bus, clock: Callable[[], float] = time.time) -> None:
        self._bus = bus
        self._clock = clock
        self._before: int | None = None
        self._minutes: deque[tuple[int, int]] = deque(maxlen=MINUTES)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @property
    def per_minute(self) -> list[tuple[int, int]]:
        """Minutes since 1970 in which somebody looked, each with how many instances came in it; the latest is last."""
        return list(self._minutes)

    async def look(self) -> None:
        """Count what has come since the last look; what retention deletes meanwhile does not count.

        Raises
        ------
        Unavailable
            If the log does not answer.
        """
        held = await self._bus.lag(_NOBODY, _TOPICS)
        new = 0 if self._before is None else max(0, held - self._before)
        self._before = held
        minute = int(self._clock() // 60)
        known = self._minutes.pop()[1] if self._minutes and self._minutes[-1][0] == minute else 0
        self._minutes.append((minute, known + new))

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(RadstreamError):  # a log that is away shows as minutes without a number
                await self.look()
            await asyncio.sleep(PERIOD_S)
