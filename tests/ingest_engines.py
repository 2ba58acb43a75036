"""A blob store and a log in memory that note the order of effects and can be told to fail; for the tests of ingest."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from radstream.backends import Backends
from radstream.blobs.port import BlobInfo, Buffer, Stored
from radstream.bus.port import Message
from radstream.contract.errors import NotFound, Unavailable

PIECE_BYTES = 1000
"""So that what is streamed comes in several pieces."""

Effects = list[tuple[str, str]]
"""What became durable, in order: ("blob" or "event", key or topic)."""


@dataclass
class MemoryBlobs:
    """Blobs in a dict.

    Parameters
    ----------
    fails_at : set of str
        Operations that raise `failure`: "drain", "commit", "settle", "put", "read", "delete".
    """

    effects: Effects = field(default_factory=list)
    fails_at: set[str] = field(default_factory=set)
    failure: type[Unavailable] = Unavailable
    contents: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    open_writers: int = 0
    read_count: int = 0

    def writer(self, prefix: Buffer = b"") -> MemoryWriter:
        self.open_writers += 1
        return MemoryWriter(self, bytes(prefix))

    async def put(self, key: str, data: Buffer) -> Stored:
        self._may_fail("put")
        return self.store(key, bytes(data), hashlib.sha256(data).hexdigest())

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        self._may_fail("read")
        self.read_count += 1
        if key not in self.contents:
            raise NotFound("no such blob")
        content = self.contents[key][0]
        return content[offset:] if length is None else content[offset : offset + length]

    async def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        content = await self.read(key, offset, length)
        for start in range(0, len(content), PIECE_BYTES):
            yield content[start : start + PIECE_BYTES]

    async def stat(self, key: str) -> BlobInfo:
        return self._info(key)

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        for key in [key for key in self.contents if key.startswith(prefix)]:
            yield self._info(key)

    async def delete(self, key: str) -> None:
        self._may_fail("delete")
        self.contents.pop(key, None)

    def store(self, key: str, content: bytes, sha256: str) -> Stored:
        created = key not in self.contents
        if created:
            self.contents[key] = (content, datetime.now(UTC))
            self.effects.append(("blob", key))
        return Stored(self._info(key), created, sha256)

    def keys(self, kind: str) -> list[str]:
        return [key for key in self.contents if f"/{kind}/" in key]

    def grow_older(self, seconds: float) -> None:
        """Move the arrival of every blob into the past."""
        for key, (content, stored_at) in self.contents.items():
            self.contents[key] = (content, stored_at - timedelta(seconds=seconds))

    def _info(self, key: str) -> BlobInfo:
        if key not in self.contents:
            raise NotFound("no such blob")
        content, stored_at = self.contents[key]
        return BlobInfo(key, len(content), stored_at)

    def _may_fail(self, operation: str) -> None:
        if operation in self.fails_at:
            raise self.failure(f"{operation} fails")


class MemoryWriter:
    def __init__(self, blobs: MemoryBlobs, prefix: bytes) -> None:
        self._blobs = blobs
        self._prefix = prefix
        self._content = bytearray()
        self._has_ended = False

    def write(self, data: Buffer) -> None:
        assert not self._has_ended
        self._content += data

    async def drain(self) -> None:
        self._blobs._may_fail("drain")

    async def place(self, key: Callable[[str], str]) -> Stored:
        self._end()
        self._blobs._may_fail("commit")
        sha256 = hashlib.sha256(self._content).hexdigest()
        return self._blobs.store(key(sha256), self._prefix + bytes(self._content), sha256)

    async def settle(self) -> None:
        self._blobs._may_fail("settle")

    async def commit(self, key: Callable[[str], str]) -> Stored:
        stored = await self.place(key)
        await self.settle()
        return stored

    async def abort(self) -> None:
        self._end()

    def _end(self) -> None:
        assert not self._has_ended, "exactly one of commit and abort ends a writer"
        self._has_ended = True
        self._blobs.open_writers -= 1


@dataclass
class MemoryBus:
    """A log in a list.

    Parameters
    ----------
    state : str
        "works"; "fails" with `Unavailable`; "breaks" with a bug; "hangs" until `released`.
    asked, took : asyncio.Event
        Set when the first record was offered, and when it is in the log.
    """

    effects: Effects = field(default_factory=list)
    state: str = "works"
    messages: list[Message] = field(default_factory=list)
    calls: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    took: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, messages: Sequence[Message]) -> None:
        self.calls += 1
        self.asked.set()
        if self.state == "fails":
            raise Unavailable("the log is away")
        if self.state == "breaks":
            raise ZeroDivisionError
        if self.state == "hangs":
            await self.released.wait()
        self.messages += messages
        self.took.set()
        self.effects += [("event", message.topic) for message in messages]


@dataclass
class Engines:
    """Blob store, cache and log of one test, with one list of effects."""

    effects: Effects = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blobs = MemoryBlobs(self.effects)
        self.previews = MemoryBlobs()
        self.bus = MemoryBus(self.effects)

    @property
    def backends(self) -> Backends:
        return Backends(
            bus=cast(Any, self.bus),
            blobs=cast(Any, self.blobs),
            previews=cast(Any, self.previews),
            catalog=cast(Any, None),
        )
