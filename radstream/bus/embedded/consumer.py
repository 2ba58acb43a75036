"""A consumer on the event loop: keeps its position in each topic and waits for news."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from radstream.bus.embedded.member import Member
from radstream.bus.embedded.thread import Thread
from radstream.bus.embedded.wake import WakeUps
from radstream.bus.port import Attempt, Partition, Record

SHORTEST_WAIT_S: Final = 0.001
LONGEST_WAIT_S: Final = 0.05
LONGEST_WAIT_WITH_NEWS_S: Final = 0.25
"""Also how long a dead active member may be missed, since it sends no news of its death."""


class EmbeddedConsumer:
    """See `radstream.bus.port.Consumer`.

    Parameters
    ----------
    thread : Thread
        The one that `member` belongs to.
    """

    def __init__(self, member: Member, topics: Sequence[str], thread: Thread, wake_ups: WakeUps) -> None:
        self._member = member
        self._topics = tuple(topics)
        self._thread = thread
        self._wake_ups = wake_ups
        self._positions: dict[str, int] = {}
        self._news: asyncio.Event | None = None

    async def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return up to `max_records` records not returned before; empty after `timeout_s` seconds without any."""
        loop = asyncio.get_running_loop()
        news = await self._listen()
        deadline = loop.time() + timeout_s
        wait_s = SHORTEST_WAIT_S
        while True:
            news.clear()  # before looking: what comes from now on sets it again
            records = await self._read(max_records)
            remaining_s = deadline - loop.time()
            if records or remaining_s <= 0:
                return records
            await _wait(news, min(wait_s, remaining_s))
            longest_s = LONGEST_WAIT_WITH_NEWS_S if self._wake_ups.is_listening else LONGEST_WAIT_S
            wait_s = min(wait_s * 2, longest_s)

    async def commit(self, records: Sequence[Record]) -> None:
        """Make durable that the group is done with `records` and all before them."""
        next_offsets: dict[str, int] = {}
        for record in records:
            next_offsets[record.topic] = max(next_offsets.get(record.topic, 0), record.offset + 1)
        if next_offsets:
            await self._thread.run(self._member.commit, next_offsets)

    async def note_attempt(self, records: Sequence[Record], number: int) -> None:
        """Make durable that `records`, the first of their topics that are not committed, are begun with."""
        offsets = {record.topic: record.offset for record in records}
        await self._thread.run(self._member.note_attempts, offsets, number)

    async def unfinished_attempts(self) -> Mapping[Partition, Attempt]:
        """Return what members of the group have begun with and not ended."""
        return await self._thread.run(self._member.unfinished_attempts)

    async def rewind(self) -> None:
        """Go back to the committed offsets."""
        self._positions = {}

    async def close(self) -> None:
        """Leave the group; a member that stands by hears of it."""
        await self._thread.run(self._member.release)
        if self._news is not None:
            self._wake_ups.forget(self._news)
            self._news = None
        await self._thread.run(self._wake_ups.notify, self._topics)

    async def _listen(self) -> asyncio.Event:
        if self._news is None:
            await self._thread.run(self._wake_ups.bind, self._topics)
            self._wake_ups.attach(asyncio.get_running_loop())
            self._news = self._wake_ups.listen(self._topics)
        return self._news

    async def _read(self, max_records: int) -> list[Record]:
        """Read in the thread; the position moves on here, so that nothing is lost if the caller gives up meanwhile."""
        before = self._positions
        records, after = await self._thread.run(self._member.read, before, max_records)
        if self._positions is before:
            self._positions = after
        return records


async def _wait(news: asyncio.Event, timeout_s: float) -> None:
    """Return when there is news, at the latest after `timeout_s` seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            await news.wait()
    except TimeoutError:
        return
