"""A hospital that sends: instances keep arriving at both doors, and what is not acknowledged is sent again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.doors import Door, Refused, Send, opened
from tests.instances import Instance, make_instance
from tests.system import System

SENDERS: Final[tuple[Door, ...]] = ("C-STORE", "C-STORE", "C-STORE", "STOW", "STOW")
PER_STUDY: Final = 25
_AGAIN_AFTER_S: Final = 0.2


@dataclass(frozen=True)
class Delivery:
    """One acknowledged instance.

    Parameters
    ----------
    sent_at_s, seconds : float
        When the attempt that was acknowledged began, by `time.monotonic`, and how long it took.
    """

    instance: Instance
    door: Door
    sent_at_s: float
    seconds: float


@dataclass
class Arrival:
    """Instances that arrive at a steady pace, however long the system takes; those that wait, wait at the modalities.

    Attributes
    ----------
    made : list of Instance
        All that came into being, `PER_STUDY` to a study.
    deliveries : list of Delivery
        Those that were acknowledged, in the order of their acknowledgements.
    refusals : Counter of str
        Attempts without success, by door and what it said.
    slowest_refusal_s : float
        How long one of them took at most.
    """

    system: System
    per_second: float
    made: list[Instance] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    slowest_refusal_s: float = 0.0
    _waiting: asyncio.Queue[Instance] = field(default_factory=asyncio.Queue)
    _is_over: bool = False

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Send within; the end waits until everything that was made is acknowledged."""
        async with asyncio.TaskGroup() as group:
            making = group.create_task(self._make())
            for door in SENDERS:
                group.create_task(self._send_all(door))
            yield
            making.cancel()
            self._is_over = True

    async def reaches(self, number: int) -> None:
        """Return when so many were made."""
        while len(self.made) < number:  # noqa: ASYNC110 - it takes minutes
            await asyncio.sleep(0.1)

    def between(self, begin_s: float, end_s: float) -> list[Delivery]:
        """Return what was sent in a span of `time.monotonic` and acknowledged."""
        return [each for each in self.deliveries if begin_s <= each.sent_at_s < end_s]

    async def next_sent_after(self, moment_s: float) -> Instance:
        """Return the first instance that is sent after a moment and acknowledged."""
        seen = 0
        while True:
            for delivery in self.deliveries[seen:]:
                if delivery.sent_at_s >= moment_s:
                    return delivery.instance
            seen = len(self.deliveries)
            await asyncio.sleep(0.02)

    async def _make(self) -> None:
        while True:
            study, number = divmod(len(self.made), PER_STUDY)
            instance = make_instance(1 + study, 1 + number, size=512 if number % 10 == 0 else 64)
            self.made.append(instance)
            self._waiting.put_nowait(instance)
            await asyncio.sleep(1 / self.per_second)

    async def _send_all(self, door: Door) -> None:
        while self._goes_on:
            try:
                async with opened(door, self.system) as send:
                    while self._goes_on:
                        await self._send_next(door, send)
            except Refused as refused:
                self.refusals[str(refused)] += 1
                await asyncio.sleep(_AGAIN_AFTER_S)

    @property
    def _goes_on(self) -> bool:
        return not (self._is_over and self._waiting.empty())

    async def _send_next(self, door: Door, send: Send) -> None:
        try:
            instance = await asyncio.wait_for(self._waiting.get(), 0.5)
        except TimeoutError:
            return
        sent_at_s = time.monotonic()
        try:
            await send(instance)
        except BaseException:
            self._waiting.put_nowait(instance)
            self.slowest_refusal_s = max(self.slowest_refusal_s, time.monotonic() - sent_at_s)
            raise
        self.deliveries.append(Delivery(instance, door, sent_at_s, time.monotonic() - sent_at_s))
