"""`radstream rebuild`: the catalog made anew from the blobs alone, while the system runs.

Every blob is described and indexed as if its event had just come: what is in the catalog already stays as it is, and
previews are made again by whoever follows `instance-indexed`. The order in which blobs are listed does not matter.
Deletions are decisions that no blob holds: they are repeated first, and what they cover is passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from radstream.backends import Backends
from radstream.blobs.decisions import arrived, deleted_targets, deletions_of
from radstream.blobs.port import BlobInfo, BlobStore
from radstream.contract.blob_keys import instances_prefix
from radstream.contract.errors import MalformedEvent, NotFound, RejectedInstance, Unavailable
from radstream.settings import Settings
from radstream.telemetry import get_logger
from services.command.pruning import prune as prune_catalog
from services.index.describe import describe
from services.index.handle import Arrival, Indexing
from services.index.removal import studies_of

log = get_logger(__name__)

BATCH: Final = 64
ATTEMPTS: Final = 5
"""How often a batch is tried if an engine does not answer, or another process changes the same study meanwhile."""

Progress = Callable[[int, int], None]
"""Called with how many blobs are done, and how many there are."""


@dataclass(frozen=True)
class Summary:
    """What came of it.

    Parameters
    ----------
    indexed : int
        Blobs that the catalog knows now, hidden versions included.
    unreadable : int
        Blobs that are no instance of ours; they are left alone, and named in the log.
    pruned : int
        Catalogued instances that were forgotten because their blob is gone.
    deleted : int
        Blobs of instances that somebody deleted.
    """

    indexed: int
    unreadable: int
    pruned: int
    deleted: int = 0

    def __str__(self) -> str:
        passed_over = f"{self.deleted} deleted, {self.unreadable} unreadable"
        return f"{self.indexed} blobs indexed, {passed_over}, {self.pruned} forgotten"


async def rebuild(backends: Backends, settings: Settings, on_progress: Progress, *, prune: bool = False) -> Summary:
    """Bring every blob of the site into the catalog.

    Parameters
    ----------
    prune : bool
        First forget instances and conflicts whose blob is gone.

    Raises
    ------
    Unavailable
        If an engine does not answer, several times; what was done until then stays, and it may be called again.
    """
    indexing = Indexing(backends, settings.searchable)
    pruned = await prune_catalog(backends, indexing.settler) if prune else 0
    async for target in deleted_targets(backends.blobs, settings.site):
        await _insist(partial(indexing.removal.agree, target))
    total = await _count(backends.blobs, settings.site)
    indexed = deleted = done = 0
    async for batch in _batches(backends.blobs.list(instances_prefix(settings.site))):
        arrivals = await _described(backends.blobs, batch)
        kept = await _not_deleted(backends.blobs, arrivals)
        indexed += await _index(indexing, kept)
        deleted += len(arrivals) - len(kept)
        done += len(batch)
        on_progress(done, max(done, total))
    return Summary(indexed, done - indexed - deleted, pruned, deleted)


async def _count(blobs: BlobStore, site: str) -> int:
    total = 0
    async for _ in blobs.list(instances_prefix(site)):
        total += 1
    return total


async def _batches(items: AsyncIterator[BlobInfo]) -> AsyncIterator[list[BlobInfo]]:
    """Yield the blobs some at a time, the older ones of them first: versions that come in order need few repairs."""
    batch: list[BlobInfo] = []
    async for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield sorted(batch, key=lambda info: info.stored_at)
            batch = []
    if batch:
        yield sorted(batch, key=lambda info: info.stored_at)


async def _described(blobs: BlobStore, batch: Sequence[BlobInfo]) -> list[Arrival]:
    described = await asyncio.gather(*(_arrival(blobs, info) for info in batch))
    return [arrival for arrival in described if arrival is not None]


async def _not_deleted(blobs: BlobStore, arrivals: Sequence[Arrival]) -> list[Arrival]:
    deletions = await deletions_of(blobs, studies_of([arrival.event for arrival in arrivals]))
    return [one for one in arrivals if not deletions.cover(one.event.instance_key, one.event.occurred_at)]


async def _index(indexing: Indexing, arrivals: Sequence[Arrival]) -> int:
    """Index `arrivals` and return how many of them could be; if something is wrong, each is tried alone."""
    try:
        await _insist(partial(indexing.index, arrivals))
    except NotFound:
        return sum([await _index_alone(indexing, arrival) for arrival in arrivals])
    return len(arrivals)


async def _index_alone(indexing: Indexing, arrival: Arrival) -> bool:
    """Tell whether one blob could be indexed; it may have been deleted meanwhile."""
    try:
        await _insist(partial(indexing.index, [arrival]))
    except NotFound:
        return False
    return True


async def _insist(work: Callable[[], Awaitable[None]]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await work()
            return
        except Unavailable:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.1 * 2**attempt)


async def _arrival(blobs: BlobStore, info: BlobInfo) -> Arrival | None:
    """Return the event of a blob as if it had just been stored; None if it is no instance."""
    try:
        exact = await arrived(blobs, info)  # a listing's time is too rough to order versions
        return Arrival(await describe(blobs, exact))
    except (MalformedEvent, RejectedInstance, NotFound) as error:
        log.warning("blob_not_described", blob_key=info.key, error_type=type(error).__name__, reason=str(error))
        return None
