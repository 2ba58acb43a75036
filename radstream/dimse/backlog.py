"""Instances that wait to be sent: those given back go first, and an association takes only what it has contexts for."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Generic

from radstream.dimse.outgoing import OutgoingT


@dataclass
class Entry(Generic[OutgoingT]):
    """An instance, and how it has fared.

    Parameters
    ----------
    group : int
        Of presentation contexts, see `Proposals`.
    sent : Outgoing
        The instance as it was sent the last time: another one, if it had to be converted.
    status : int or None
        Of the last response; None if the last attempt had none.
    """

    instance: OutgoingT
    group: int
    attempts: int = 0
    status: int | None = None
    sent: OutgoingT = field(init=False)

    def __post_init__(self) -> None:
        self.sent = self.instance


class Backlog(Generic[OutgoingT]):
    """A queue a group.

    Parameters
    ----------
    capacity : int
        How many may wait, all groups together.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._queues: dict[int, deque[Entry[OutgoingT]]] = {}
        self._is_closed = False
        self._waiters: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    async def put(self, entry: Entry[OutgoingT]) -> None:
        """Add an instance, as soon as there is room."""
        while len(self) >= self._capacity:
            await self._change()
        self._queues.setdefault(entry.group, deque()).append(entry)
        self._changed()

    def give_back(self, entry: Entry[OutgoingT]) -> None:
        """Add an instance in front of all others, whether there is room or not."""
        self._queues[entry.group].appendleft(entry)
        self._changed()

    def close(self) -> None:
        """Note that no new ones come."""
        self._is_closed = True
        self._changed()

    async def take(self, group: int | None = None) -> Entry[OutgoingT] | None:
        """Return the next instance; None if no more will come.

        Parameters
        ----------
        group : int, optional
            Only of this group; None is returned too when others wait and none of it does.
        """
        while True:
            queue = self._queues.get(group) if group is not None else self._any()
            if queue:
                self._changed()
                return queue.popleft()
            if self._is_closed or self._any():
                return None
            await self._change()

    def _any(self) -> deque[Entry[OutgoingT]] | None:
        return next((queue for queue in self._queues.values() if queue), None)

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _changed(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
