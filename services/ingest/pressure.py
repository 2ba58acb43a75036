"""Back-pressure: stores are refused while too many instances wait to be indexed.

Off unless the operator sets a limit: keeping instances does not depend on finding them. The blob store presses by
itself when it is full.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from radstream.backends import Backends
from radstream.contract.blob_keys import pending_prefix
from radstream.contract.errors import Unavailable
from radstream.contract.topics import INSTANCE_STORED, INSTANCE_STORED_URGENT
from radstream.settings import Settings
from radstream.telemetry import get_logger

log = get_logger(__name__)

LOOK_EVERY_S: Final = 2.0

_INDEX: Final = "index"
_TOPICS: Final = (INSTANCE_STORED.name, INSTANCE_STORED_URGENT.name)


class Pressure:
    """How far the index is behind, looked at now and then while instances arrive; nobody waits for the look.

    Parameters
    ----------
    settings : Settings
        `max_lag` is how many instances may wait, as records of the log or as pending markers; 0 for any number.
    """

    def __init__(self, backends: Backends, settings: Settings) -> None:
        self._bus = backends.bus
        self._blobs = backends.blobs
        self._most = settings.max_lag
        self._prefix = pending_prefix(settings.site)
        self._is_too_much = False
        self._looked_at = float("-inf")
        self._look: asyncio.Task[None] | None = None

    def refusal(self) -> Unavailable | None:
        """Return why an instance that arrives now is refused; None if it is not."""
        if self._most:
            self._look_if_due()
        return Unavailable("too many instances wait to be indexed") if self._is_too_much else None

    def _look_if_due(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked_at >= LOOK_EVERY_S and (self._look is None or self._look.done()):
            self._looked_at = loop.time()
            self._look = loop.create_task(self._measure())

    async def _measure(self) -> None:
        waiting = 0
        with suppress(Unavailable):  # what does not answer tells of no lag; the markers that it leads to do
            waiting = await self._bus.lag(_INDEX, _TOPICS)
        with suppress(Unavailable):
            waiting += await self._markers(self._most - waiting)
        is_too_much = waiting >= self._most
        if is_too_much != self._is_too_much:
            self._is_too_much = is_too_much
            log.warning("back_pressure", state="begins" if is_too_much else "ends", lag=waiting)

    async def _markers(self, most: int) -> int:
        """Return how many pending markers there are, counted to `most` and no further."""
        count = 0
        if most > 0:
            async for _ in self._blobs.list(self._prefix):
                count += 1
                if count >= most:
                    break
        return count
