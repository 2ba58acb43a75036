"""Clients that are given up are stopped in the background: a stop may wait for a broker that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from radstream.bus.kafka.errors import CLIENT_ERRORS


class Endings:
    """The stops that are under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, stop: Coroutine[Any, Any, None]) -> None:
        """Carry out `stop` and forget its error: nobody needs the client any more."""
        task = asyncio.create_task(_quietly(stop))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, timeout_s: float) -> None:
        """Return when all are done, or after `timeout_s` seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)


async def _quietly(stop: Coroutine[Any, Any, None]) -> None:
    with suppress(*CLIENT_ERRORS):
        await stop
