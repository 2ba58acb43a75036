"""Many waiting requests, one transaction: the cost of making something durable is shared by all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

RequestT = TypeVar("RequestT")
OutcomeT = TypeVar("OutcomeT")


class GroupCommit(Generic[RequestT, OutcomeT]):
    """Collects requests while a commit is under way, then commits all of them at once.

    Parameters
    ----------
    commit : async callable
        Carries out a sequence of requests; returns an outcome for each, or raises for all.
    """

    def __init__(self, commit: Callable[[Sequence[RequestT]], Awaitable[Sequence[OutcomeT]]]) -> None:
        self._commit = commit
        self._collecting: list[RequestT] | None = None
        self._turn: asyncio.Task[Sequence[OutcomeT]] | None = None

    async def submit(self, request: RequestT) -> OutcomeT:
        """Return the outcome of `request`; it is carried out even if the caller no longer waits for it."""
        if self._collecting is None or self._turn is None:
            self._collecting = []
            self._turn = asyncio.create_task(self._take_turn(self._collecting, self._turn))
        turn, index = self._turn, len(self._collecting)
        self._collecting.append(request)
        return (await asyncio.shield(turn))[index]

    async def settle(self) -> None:
        """Return when everything submitted so far has been carried out or has failed."""
        if self._turn is not None:
            await asyncio.wait([self._turn])

    async def _take_turn(
        self, requests: list[RequestT], previous: asyncio.Task[Sequence[OutcomeT]] | None
    ) -> Sequence[OutcomeT]:
        """Wait for the turn before this one, then close the collection and commit it."""
        if previous is not None and not previous.done():
            await asyncio.wait([previous])
        self._collecting = None
        return await self._commit(requests)
