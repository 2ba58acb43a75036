"""What is kept of frames that were made: as much as fits, the oldest go first, and nobody fails for want of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

import pytest

from radstream.blobs.port import BlobStore
from radstream.retrieval.kept import Kept, newest_to_delete
from tests.ingest_engines import MemoryBlobs


def key(number: int) -> str:
    return f"main/transcoded/1/2/3/abc/1.2.4.201-1/{number}"


def kept_of(blobs: MemoryBlobs, limit_bytes: int) -> Kept:
    return Kept(cast("BlobStore", blobs), "main", limit_bytes)


async def trimmed(kept: Kept) -> None:
    trimming: Any = kept._trimming
    assert trimming is not None
    await trimming


async def test_oldest_go_when_there_is_too_much() -> None:
    blobs = MemoryBlobs()
    blobs.store("main/previews/1/2/3/abc.jpg", bytes(5000), "")
    for number in range(10):
        blobs.store(key(number), bytes(100), "")
        blobs.grow_older(60)
    kept = kept_of(blobs, 800)
    await kept.keep(key(10), bytes(100))
    await trimmed(kept)
    left = sorted(int(name.rsplit("/", 1)[1]) for name in blobs.keys("transcoded"))
    assert left == [4, 5, 6, 7, 8, 9, 10], "nine tenths of the limit are left"
    assert blobs.keys("previews"), "what is not of this kind is not touched"
    assert await kept.read(key(0)) is None
    assert await kept.read(key(10)) == bytes(100)


async def test_what_would_fill_the_cache_is_not_kept() -> None:
    blobs = MemoryBlobs()
    await kept_of(blobs, 800).keep(key(1), bytes(101))
    assert blobs.contents == {}
    await kept_of(blobs, 0).keep(key(1), b"x")
    assert blobs.contents == {}, "a limit of nothing keeps nothing"


async def test_cache_that_is_away_is_no_failure() -> None:
    blobs = MemoryBlobs(fails_at={"put", "read"})
    kept = kept_of(blobs, 8000)
    await kept.keep(key(1), b"x")
    assert await kept.read(key(1)) is None
    await kept.close()


async def test_closing_ends_the_deleting() -> None:
    kept = kept_of(MemoryBlobs(), 8000)
    await kept.keep(key(1), b"x")
    await kept.close()
    assert kept._trimming is not None
    assert kept._trimming.done()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("by_minute", "limit", "newest"),
    [({1: 10, 2: 10, 3: 10}, 20, 1), ({1: 10, 2: 10, 3: 10}, 19, 2), ({5: 100}, 50, 5), ({3: 1, 1: 100}, 50, 1)],
)
def test_whole_minutes_are_deleted(by_minute: dict[int, int], limit: int, newest: int) -> None:
    assert newest_to_delete(Counter(by_minute), limit) == newest
