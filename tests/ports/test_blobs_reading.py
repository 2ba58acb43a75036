"""What every blob store promises to readers: parts, streams, listings; and what deleting does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from radstream.blobs.port import BlobStore
from radstream.contract.errors import NotFound
from tests.blobs_trial import KEY, LARGE, collect, keys, write


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 0), (0, 10), (7, None), (1_000_000, 3_000_000), (len(LARGE) - 3, 10), (len(LARGE), 1), (10**12, None)],
)
async def test_a_part_is_read(store: BlobStore, offset: int, length: int | None) -> None:
    await write(store, LARGE)
    expected = LARGE[offset:] if length is None else LARGE[offset : offset + length]
    assert await store.read(KEY, offset, length) == expected
    assert await collect(store.stream(KEY, offset, length)) == expected


async def test_pieces_of_a_stream_are_bounded_and_never_empty(store: BlobStore) -> None:
    await write(store, LARGE)
    sizes = [len(piece) async for piece in store.stream(KEY)]
    assert min(sizes) > 0
    assert max(sizes) <= 1 << 20


async def test_reader_may_stop_early(store: BlobStore) -> None:
    await write(store, LARGE)
    stream = store.stream(KEY)
    assert LARGE.startswith(await anext(stream))
    await stream.aclose()  # type: ignore[attr-defined]
    assert await store.read(KEY) == LARGE


async def test_many_readers_of_one_blob(store: BlobStore) -> None:
    await write(store, LARGE)
    assert all(data == LARGE for data in await asyncio.gather(*(collect(store.stream(KEY)) for _ in range(8))))


async def test_blob_that_is_not_there_is_not_found(store: BlobStore) -> None:
    await store.put(KEY, b"x")
    for key in ("main/instances/1.2/1.2.3/1.2.3.4/" + 64 * "b" + ".dcm", "other/instances/1/2/3/4.dcm", KEY + "/x"):
        for call in (store.read(key), store.stat(key), anext(store.stream(key))):
            with pytest.raises(NotFound):
                await call


async def test_key_that_no_blob_can_have_is_not_found(store: BlobStore) -> None:
    await store.put(KEY, b"x")
    for key in ("", "/", "../secret", "main/../main/x", "main//x", "/etc/passwd", "main/x\0", "main/ü", 2000 * "x"):
        with pytest.raises(NotFound):
            await store.read(key)


@pytest.mark.parametrize(
    "key", ["", "/", "main/", "/main/x", "main/../x", "main//x", "main/x\0y", "main/ü", 2000 * "x"]
)
async def test_key_that_no_blob_can_have_is_refused(store: BlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        await store.put(key, b"x")
    assert await keys(store, "") == []


async def test_blobs_are_listed_by_prefix(store: BlobStore) -> None:
    instances = [f"main/instances/1.{n // 4}/1.{n // 2}/1.{n}/{n}.dcm" for n in range(12)]
    others = ["main/pending/1.3/a.json", "main/decisions/2026/b.json", "main2/instances/1/2/3/c.dcm", "top"]
    for key in instances + others:
        await store.put(key, key.encode())
    assert await keys(store, "") == sorted(instances + others)
    assert await keys(store, "main/") == sorted(instances + others[:2])
    assert await keys(store, "main/instances/") == sorted(instances)
    assert await keys(store, "main/instances/1.1/") == sorted(instances[4:8])
    assert await keys(store, "main/instances/1.1/1.2/1.5/") == ["main/instances/1.1/1.2/1.5/5.dcm"]
    assert await keys(store, "main/instances/1/") == []
    assert await keys(store, "nowhere/") == []


async def test_keys_of_any_depth_live_side_by_side(store: BlobStore) -> None:
    nested = ["a", "a/b", "a/b/c", "a/b/c/d", "a/b/c/d/e"]
    for key in nested:
        await store.put(key, key.encode())
    assert await keys(store, "a/b/") == nested[2:]
    assert await keys(store, "a/b/c/d/") == nested[4:]
    assert [await store.read(key) for key in nested] == [key.encode() for key in nested]


async def test_listing_comes_with_size_and_rough_time(store: BlobStore) -> None:
    stored = await store.put(KEY, b"12345")
    [listed] = [info async for info in store.list("main/instances/")]
    assert (listed.key, listed.size_bytes) == (KEY, 5)
    assert abs(listed.stored_at - stored.info.stored_at) <= timedelta(seconds=2)


async def test_listing_thousands_gives_each_once(store: BlobStore) -> None:
    expected = {f"main/pending/1.{n % 7}/{n}.json" for n in range(1500)}
    for chunk in range(0, 1500, 100):
        await asyncio.gather(*(store.put(key, b"") for key in sorted(expected)[chunk : chunk + 100]))
    assert await keys(store, "main/pending/") == sorted(expected)


async def test_listing_may_stop_early_and_goes_on_while_blobs_go(store: BlobStore) -> None:
    for n in range(20):
        await store.put(f"main/pending/{n}/x.json", b"")
    listing = store.list("main/")
    await store.delete((await anext(listing)).key)
    await listing.aclose()  # type: ignore[attr-defined]
    async for info in store.list("main/"):
        await store.delete(info.key)
    assert await keys(store, "") == []


async def test_deleted_blob_is_gone_and_may_come_again(store: BlobStore) -> None:
    await store.put(KEY, b"first")
    await store.delete(KEY)
    with pytest.raises(NotFound):
        await store.read(KEY)
    assert await keys(store, "") == []
    assert (await store.put(KEY, b"second")).created
    assert await store.read(KEY) == b"second"


async def test_deleting_what_is_not_there_is_no_error(store: BlobStore) -> None:
    await store.delete(KEY)
    await store.delete("../x")
    assert [info async for info in store.list("main/")] == []


async def test_check_leaves_nothing_behind(store: BlobStore) -> None:
    await store.check()
    await store.check()
    assert await keys(store, "") == []
