"""Bulk data that waits: short values in memory, long ones in the cache, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from radstream.contract.blob_keys import arriving_prefix
from radstream.contract.errors import RejectedInstance, Unavailable
from services.ingest.spool import HELD_BYTES, STALE, Spool, Spooled, remove_stale, tidy
from tests.ingest_engines import MemoryBlobs

LONG = bytes(range(256)) * 400
LIMIT = 1 << 20


async def pieces(content: bytes, size: int = 999) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def content_of(value: Spooled) -> bytes:
    return b"".join([piece async for piece in value.stream()])


@pytest.mark.parametrize("content", [b"", b"short", LONG])
async def test_a_value_comes_back_whole_and_in_part(content: bytes) -> None:
    spool = Spool(MemoryBlobs(), "main", LIMIT)
    value, head = await spool.keep(pieces(content))
    assert (value.size_bytes, head) == (len(content), content[: 1 << 16])
    assert await content_of(value) == content
    assert await content_of(value.part(2, 3)) == content[2:5]


async def test_only_long_values_are_in_the_cache_and_they_go_when_dropped() -> None:
    cache = MemoryBlobs()
    spool = Spool(cache, "main", LIMIT)
    short, _ = await spool.keep(pieces(b"short"))
    long, _ = await spool.keep(pieces(LONG))
    assert [key.startswith(arriving_prefix("main")) for key in cache.contents] == [True]
    for value in (short, long):
        await spool.drop(value)
    assert cache.contents == {}


async def test_short_values_are_held_to_a_limit_and_again_when_some_are_dropped() -> None:
    cache = MemoryBlobs()
    spool = Spool(cache, "main", LIMIT)
    each = bytes(1 << 16)
    held = [(await spool.keep(pieces(each, 1 << 16)))[0] for _ in range(HELD_BYTES // len(each))]
    assert cache.contents == {}
    await spool.keep(pieces(b"x"))
    assert len(cache.contents) == 1
    await spool.drop(held[0])
    await spool.keep(pieces(b"x"))
    assert len(cache.contents) == 1


async def test_a_value_beyond_the_limit_is_refused_and_nothing_of_it_stays() -> None:
    cache = MemoryBlobs()
    with pytest.raises(RejectedInstance) as refusal:
        await Spool(cache, "main", 100_000).keep(pieces(LONG))
    assert refusal.value.status == 0xA700
    assert (cache.contents, cache.open_writers) == ({}, 0)


async def test_a_cache_that_is_away_is_said_to_be() -> None:
    cache = MemoryBlobs(fails_at={"drain"})
    with pytest.raises(Unavailable):
        await Spool(cache, "main", LIMIT).keep(pieces(LONG))
    assert cache.open_writers == 0


@pytest.mark.parametrize("kept", [None, b"the beginning"])
async def test_a_value_that_the_cache_has_lost_is_never_taken_for_whole(kept: bytes | None) -> None:
    cache = MemoryBlobs()
    value, _ = await Spool(cache, "main", LIMIT).keep(pieces(LONG))
    (key,) = cache.contents
    _, stored_at = cache.contents.pop(key)
    if kept is not None:
        cache.contents[key] = (kept, stored_at)
    with pytest.raises(Unavailable):
        await content_of(value)


async def test_what_dead_processes_left_is_removed_and_nothing_else() -> None:
    cache = MemoryBlobs()
    await Spool(cache, "main", LIMIT).keep(pieces(LONG))
    await Spool(cache, "other", LIMIT).keep(pieces(LONG))
    cache.grow_older(STALE.total_seconds() + 1)
    await Spool(cache, "main", LIMIT).keep(pieces(LONG))
    await remove_stale(cache, "main")
    assert sorted(key.partition("/")[0] for key in cache.contents) == ["main", "other"]


async def test_tidying_goes_on_while_the_cache_is_away_and_ends_when_told() -> None:
    cache = MemoryBlobs(fails_at={"delete"})
    await Spool(cache, "main", LIMIT).keep(pieces(LONG))
    cache.grow_older(STALE.total_seconds() + 1)
    stop = asyncio.Event()
    task = asyncio.create_task(tidy(cache, "main", stop))
    await asyncio.sleep(0)
    stop.set()
    await task
    assert len(cache.contents) == 1
