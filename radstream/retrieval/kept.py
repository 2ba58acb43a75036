"""What was made once and may be wanted again: a bounded part of the cache bucket, which may be emptied at any time."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from radstream.blobs.port import BlobInfo, BlobStore
from radstream.contract.blob_keys import transcoded_prefix
from radstream.contract.errors import NotFound, Unavailable
from radstream.telemetry import get_logger

log = get_logger(__name__)

FULL: Final = 0.9
"""What is left, as a part of the limit, when there was too much."""

LOOKS: Final = 8
"""The bucket is listed when another eighth of the limit was written."""

_MINUTE_S: Final = 60


class Kept:
    """Bytes under their keys, as many as fit; the oldest go first.

    That the cache does not answer, or is full, is no reason to fail: then nothing is kept.

    Parameters
    ----------
    limit_bytes : int
        Of all that is kept of a site. It may be exceeded by an eighth for each process that writes.
    """

    def __init__(self, cache: BlobStore, site: str, limit_bytes: int) -> None:
        self._cache = cache
        self._site = site
        self._limit_bytes = limit_bytes
        self._written = limit_bytes  # look at what earlier processes left as soon as something is written
        self._trimming: asyncio.Task[None] | None = None

    async def read(self, key: str) -> bytes | None:
        """Return what is kept under `key`, or None."""
        try:
            return await self._cache.read(key)
        except (NotFound, Unavailable):
            return None

    async def keep(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`."""
        if len(data) > self._limit_bytes // LOOKS:
            return
        try:
            await self._cache.put(key, data)
        except Unavailable as error:
            log.warning("cache_is_away", reason=str(error))
            return
        self._written += len(data)
        is_idle = self._trimming is None or self._trimming.done()
        if self._written > self._limit_bytes // LOOKS and is_idle:
            self._written = 0
            self._trimming = asyncio.create_task(self._trim())

    async def _trim(self) -> None:
        """Delete the oldest, if there is too much: whole minutes of them, so that no list of all is in memory."""
        try:
            by_minute: Counter[int] = Counter()
            async for info in self._cache.list(transcoded_prefix(self._site)):
                by_minute[_minute(info)] += info.size_bytes
            if by_minute.total() <= self._limit_bytes:
                return
            newest = newest_to_delete(by_minute, int(FULL * self._limit_bytes))
            async for info in self._cache.list(transcoded_prefix(self._site)):
                if _minute(info) <= newest:
                    await self._cache.delete(info.key)
        except Unavailable as error:
            log.warning("cache_is_away", reason=str(error))

    async def close(self) -> None:
        """Stop deleting."""
        if self._trimming is not None:
            self._trimming.cancel()
            await asyncio.gather(self._trimming, return_exceptions=True)


def newest_to_delete(by_minute: Counter[int], limit_bytes: int) -> int:
    """Return the minute up to which everything has to go, so that the rest is not more than `limit_bytes`."""
    left = by_minute.total()
    for minute in sorted(by_minute):
        left -= by_minute[minute]
        if left <= limit_bytes:
            return minute
    return max(by_minute)


def _minute(info: BlobInfo) -> int:
    return int(info.stored_at.timestamp()) // _MINUTE_S
