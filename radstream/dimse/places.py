"""Places for associations: so many in all, of one address and of one AE title; who comes too many waits for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

MOST_WAITING: Final = 64
"""Requests of known AE titles, and as many of others, that wait for a place; more are rejected at once."""


@dataclass(frozen=True)
class Seat:
    """The place that a request asks for.

    Parameters
    ----------
    ae_title, host : str
        Of the caller.
    is_known : bool
        It is in the table, or named in the settings: it goes before others.
    most, most_of_host, most_of_title : int
        How many associations there may be with this one: in all, of its address, of its AE title.
    """

    ae_title: str
    host: str
    is_known: bool
    most: int
    most_of_host: int
    most_of_title: int


class Places:
    """The associations on all doors of a process, counted."""

    def __init__(self) -> None:
        self._taken = 0
        self._of_host: Counter[str] = Counter()
        self._of_title: Counter[str] = Counter()
        self._waiting: dict[bool, dict[asyncio.Future[None], Seat]] = {True: {}, False: {}}

    def __len__(self) -> int:
        return self._taken

    def take(self, seat: Seat) -> bool:
        """Take `seat` if it is free; to be given back."""
        if (
            self._taken >= seat.most
            or self._of_host[seat.host] >= seat.most_of_host
            or self._of_title[seat.ae_title] >= seat.most_of_title
        ):
            return False
        self._count(seat, 1)
        return True

    def give_back(self, seat: Seat) -> None:
        """Give `seat` to who waits for one like it, or to nobody."""
        self._count(seat, -1)
        for queue in (self._waiting[True], self._waiting[False]):
            for called, wanted in list(queue.items()):
                if not called.done() and self.take(wanted):
                    called.set_result(None)

    async def wait(self, seat: Seat, timeout_s: float) -> bool:
        """Wait for `seat`, behind those who wait already; False if it was not free in time, or too many wait."""
        if self.take(seat):  # it may have become free since it was asked for
            return True
        queue = self._waiting[seat.is_known]
        if len(queue) >= MOST_WAITING:
            return False
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue[called] = seat
        try:
            await asyncio.wait([called], timeout=timeout_s)
        except asyncio.CancelledError:
            if called.done():
                self.give_back(seat)
            raise
        finally:
            del queue[called]
        return called.done()

    def _count(self, seat: Seat, change: int) -> None:
        self._taken += change
        for counter, name in ((self._of_host, seat.host), (self._of_title, seat.ae_title)):
            counter[name] += change
            if not counter[name]:
                del counter[name]  # memory does not grow with the names that were ever used
