"""The bus of the embedded mode: joins the log, the offsets, the leases and the news."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from radstream.bus.embedded.appender import Appender
from radstream.bus.embedded.consumer import EmbeddedConsumer
from radstream.bus.embedded.log import Entry, Log, encode
from radstream.bus.embedded.member import Member
from radstream.bus.embedded.offsets import Offsets
from radstream.bus.embedded.thread import Thread
from radstream.bus.embedded.wake import WakeUps
from radstream.bus.port import Consumer, Message, Record
from radstream.contract.errors import Unavailable
from radstream.contract.topics import Topic
from radstream.telemetry import get_logger

log = get_logger(__name__)

EXPIRE_EVERY_S: Final = 60.0

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class EmbeddedBus:
    """See `radstream.bus.port.Bus`. Any number of processes may open the same folder.

    Parameters
    ----------
    folder : Path
        Made by `create_topics` if it is not there.
    timeout_s : float
        After which the log counts as not answering.
    """

    def __init__(self, folder: Path, *, timeout_s: float = 10.0) -> None:
        self._folder = folder
        self._writer = Thread("log-writer", timeout_s)
        self._written = Log(folder)  # belongs to the writer
        self._reader = Thread("log-reader", timeout_s)
        self._read = Log(folder)  # both belong to the reader
        self._offsets = Offsets(folder)
        self._wake_ups = WakeUps(folder)
        self._appender = Appender(self._writer, self._written.append, self._notify)
        self._expiry: asyncio.Task[None] | None = None
        self._expire_at = time.monotonic() + EXPIRE_EVERY_S

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """Make sure that the folder and every topic exist, with their present retention."""
        for topic in topics:
            _check_name(topic.name)
        await self._reader.run(self._offsets.create)
        await self._writer.run(self._written.create, topics)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append `messages` in order, all or none; durable on return.

        Raises
        ------
        Unavailable
        NotFound
            If a topic was not created.
        MalformedEvent
            If a record is too long, or its key or headers are not Unicode.
        """
        if not messages:
            return
        await self._appender.append([encode(message) for message in messages])
        self._expire_if_due()

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """Return a new member of `group` for `topics`."""
        for name in (group, *topics):
            _check_name(name)
        member = Member(self._folder, self._read, self._offsets, group, topics)
        return EmbeddedConsumer(member, topics, self._reader, self._wake_ups)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Return how many records of `topics` the group has not committed; of an unknown topic, none."""
        return await self._reader.run(self._lag, group, topics)

    async def read(self, topic: str, *, after: int = -1, limit: int = 100) -> list[Record]:
        """Return up to `limit` records of `topic` beyond offset `after`; of an unknown topic, none."""
        return await self._reader.run(self._read.read, topic, after + 1, limit)

    async def check(self) -> None:
        """Return if the log can be read and written; raise `Unavailable` if not."""
        await self._writer.run(self._written.touch)
        await self._reader.run(self._read.topics)

    async def expire(self, *, now_ms: int | None = None) -> int:
        """Delete the records that are older than their topic keeps them, and done; return how many.

        What a declared consumer of the topic has not committed is kept however old it is. Done once a minute by
        itself while somebody publishes.

        Parameters
        ----------
        now_ms : int, optional
            Milliseconds since 1970 UTC; the present by default.
        """
        deleted = 0
        while True:
            done = await self._reader.run(self._done)
            count = await self._writer.run(
                self._written.expire, done, time.time_ns() // 1_000_000 if now_ms is None else now_ms
            )
            if count == 0:
                return deleted
            deleted += count

    async def close(self) -> None:
        """Finish what was to be published, release everything."""
        if self._expiry is not None:
            self._expiry.cancel()
            await asyncio.wait([self._expiry])
        await self._appender.settle()
        await self._writer.close(self._written.close)
        await self._reader.close(self._close_reader)
        self._wake_ups.close()

    def _notify(self, requests: Sequence[Sequence[Entry]]) -> None:
        self._wake_ups.notify({entry.topic for request in requests for entry in request})

    def _lag(self, group: str, topics: Sequence[str]) -> int:
        committed = self._offsets.committed(self._read.log_id(), group)
        states = self._read.topics()
        return sum(
            max(0, states[name].next_offset - max(committed.get(name, 0), states[name].first_offset))
            for name in topics
            if name in states
        )

    def _done(self) -> dict[str, int]:
        """Return, for each topic, the offset before which all of its declared consumers are done."""
        log_id, states = self._read.log_id(), self._read.topics()
        groups = {group for state in states.values() for group in state.consumers}
        committed = {group: self._offsets.committed(log_id, group) for group in groups}
        return {
            name: min((committed[group].get(name, 0) for group in state.consumers), default=state.next_offset)
            for name, state in states.items()
        }

    def _expire_if_due(self) -> None:
        if time.monotonic() >= self._expire_at and (self._expiry is None or self._expiry.done()):
            self._expire_at = time.monotonic() + EXPIRE_EVERY_S
            self._expiry = asyncio.create_task(self._expire_in_background())

    async def _expire_in_background(self) -> None:
        try:
            count = await self.expire()
        except Unavailable as error:
            log.warning("retention_failed", reason=str(error))
        else:
            log.debug("retention_done", count=count)

    def _close_reader(self) -> None:
        self._read.close()
        self._offsets.close()


def _check_name(name: str) -> None:
    """Refuse what could not be part of a file name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a topic or group")
