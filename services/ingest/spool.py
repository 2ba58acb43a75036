"""Where bulk data waits until its instance can be written: short values in memory, long ones in the cache.

The bytes in front of a value say how long it is, and those in front of compressed frames how long each of them is; so
nothing can be written before all of an instance has come. Memory does not grow with what waits.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from radstream.blobs.port import BlobStore, BlobWriter
from radstream.contract.blob_keys import arriving_prefix
from radstream.contract.errors import NotFound, RejectedInstance, Unavailable
from radstream.dicom.recognition import HEAD_BYTES
from services.ingest.arrival import TOO_LONG
from services.ingest.sweep import until

HELD_BYTES: Final = 8 << 20
"""So much of the short values of one request is held in memory."""

STALE: Final = timedelta(days=1)
"""What has waited longer belongs to a process that died."""

TIDY_EVERY_S: Final = 3600.0


class Spooled:
    """A value that has come; see `Spool.drop`.

    Parameters
    ----------
    size_bytes : int
    held : bytes
        The value, if it is in memory.
    key : str
        Else its key in the `cache`.
    offset : int
        Where it begins in what is held or lies there.
    """

    def __init__(self, cache: BlobStore, size_bytes: int, held: bytes = b"", key: str = "", offset: int = 0) -> None:
        self.size_bytes = size_bytes
        self._cache = cache
        self.held = held
        self.key = key
        self._offset = offset

    def part(self, offset: int, size_bytes: int) -> Spooled:
        """Return a part of it, which ends with the whole."""
        return Spooled(self._cache, size_bytes, self.held, self.key, self._offset + offset)

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the value in pieces.

        Raises
        ------
        Unavailable
            If the cache does not have it any more, or does not answer.
        """
        if not self.key:
            yield self.held[self._offset : self._offset + self.size_bytes]
            return
        left = self.size_bytes
        try:
            async for piece in self._cache.stream(self.key, self._offset, self.size_bytes):
                left -= len(piece)
                yield piece
        except NotFound as error:
            raise Unavailable("the cache has lost a value that was waiting in it") from error
        if left:
            raise Unavailable("the cache has lost the end of a value that was waiting in it")


class Spool:
    """The values of one request.

    Parameters
    ----------
    cache : BlobStore
        What is in it may be lost at any time: then nothing is stored, and the sender is told.
    most_bytes : int
        A longer value is refused.
    """

    def __init__(self, cache: BlobStore, site: str, most_bytes: int) -> None:
        self._cache = cache
        self._prefix = arriving_prefix(site)
        self._most_bytes = most_bytes
        self._left_bytes = HELD_BYTES

    async def keep(self, chunks: AsyncIterator[bytes]) -> tuple[Spooled, bytes]:
        """Take a value in, and return it with its first bytes, at most `recognition.HEAD_BYTES`.

        Parameters
        ----------
        chunks : async iterator of bytes
            That goes on where it was left, as a generator does.

        Raises
        ------
        RejectedInstance
            With status 0xA700, if it is too long.
        Unavailable
            If the cache does not take it. Whatever `chunks` raises goes through.
        """
        begin = bytearray()
        async for chunk in chunks:
            begin += chunk
            if len(begin) > min(HEAD_BYTES, self._left_bytes):
                return await self._keep_long(bytes(begin), chunks), bytes(begin[:HEAD_BYTES])
        self._left_bytes -= len(begin)
        return Spooled(self._cache, len(begin), bytes(begin)), bytes(begin)

    async def drop(self, value: Spooled) -> None:
        """Forget a value; what cannot be removed now is so later, see `remove_stale`."""
        self._left_bytes += len(value.held)
        if value.key:
            with suppress(Unavailable):
                await self._cache.delete(value.key)

    async def _keep_long(self, begin: bytes, chunks: AsyncIterator[bytes]) -> Spooled:
        key = f"{self._prefix}{uuid.uuid4().hex}"
        writer = self._cache.writer()
        try:
            size_bytes = await self._write(writer, begin, chunks)
        except BaseException:
            await writer.abort()
            raise
        await writer.commit(lambda _sha256: key)
        return Spooled(self._cache, size_bytes, key=key)

    async def _write(self, writer: BlobWriter, begin: bytes, chunks: AsyncIterator[bytes]) -> int:
        """Write what has come and what comes, and return how long it is."""
        size_bytes = 0
        chunk: bytes | None = begin
        while chunk is not None:
            size_bytes += len(chunk)
            if size_bytes > self._most_bytes:
                raise RejectedInstance("a value is longer than is stored here", TOO_LONG)
            writer.write(chunk)
            await writer.drain()
            chunk = await anext(chunks, None)
        return size_bytes


async def remove_stale(cache: BlobStore, site: str) -> None:
    """Remove what requests left in the cache whose process died.

    Raises
    ------
    Unavailable
        If the cache does not answer.
    """
    latest = datetime.now(UTC) - STALE
    async for info in cache.list(arriving_prefix(site)):
        if info.stored_at <= latest:
            await cache.delete(info.key)


async def tidy(cache: BlobStore, site: str, stop: asyncio.Event) -> None:
    """Call `remove_stale` now and every hour until `stop` is set."""
    while not stop.is_set():
        with suppress(Unavailable):  # the next round, or that of another process, will do it
            await remove_stale(cache, site)
        await until(stop, TIDY_EVERY_S)
