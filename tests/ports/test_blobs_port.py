"""What every blob store promises (`radstream/blobs/port.py`). A new adapter is one more line in `ADAPTERS`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.port import BlobStore
from radstream.blobs.s3 import open_bucket
from radstream.contract.errors import NotFound
from tests.engines import on_engines, seaweedfs

ADAPTERS: dict[str, Callable[[Path], BlobStore]] = {
    "folder": lambda folder: FolderBlobStore(folder / "blobs"),
    "folder as cache": lambda folder: FolderBlobStore(folder / "blobs", durable=False),
    "s3": lambda _: open_bucket(seaweedfs().bucket_url("ports")),
    "s3 in parts": lambda _: open_bucket(seaweedfs().bucket_url("ports-in-parts"), multipart_above_bytes=1),
}
ON_ENGINES = {"s3", "s3 in parts"}

KEY = "main/instances/1.2/1.2.3/1.2.3.4/" + 64 * "a" + ".dcm"
LARGE = bytes(range(256)) * (5 << 12)  # 5 MiB: several pieces of any adapter
SHA256_OF_LARGE = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture(params=on_engines(ADAPTERS, ON_ENGINES))
def adapter(request: pytest.FixtureRequest) -> Callable[[Path], BlobStore]:
    return ADAPTERS[request.param]


@pytest.fixture
async def store(adapter: Callable[[Path], BlobStore], tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = adapter(tmp_path)
    await store.check()
    yield store
    async for info in store.list(""):  # a bucket outlives the test
        await store.delete(info.key)
    await store.close()


async def write(store: BlobStore, data: bytes, key: str = KEY, prefix: bytes = b"", piece: int = 100_000) -> str:
    writer = store.writer(prefix)
    for start in range(0, len(data), piece):
        writer.write(data[start : start + piece])
        await writer.drain()
    stored = await writer.commit(lambda _sha256: key)
    return stored.sha256


async def keys(store: BlobStore, prefix: str) -> list[str]:
    return sorted([info.key async for info in store.list(prefix)])


async def collect(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"x", LARGE[:300_000], LARGE], ids=["empty", "byte", "one piece", "pieces"])
async def test_what_was_written_is_read(store: BlobStore, data: bytes) -> None:
    await write(store, data)
    assert await store.read(KEY) == data
    assert await collect(store.stream(KEY)) == data
    assert (await store.stat(KEY)).size_bytes == len(data)


async def test_prefix_is_stored_but_not_hashed(store: BlobStore) -> None:
    prefix = 128 * b"\0" + b"DICM"
    assert await write(store, LARGE, prefix=prefix) == SHA256_OF_LARGE
    assert await store.read(KEY, 0, 200) == prefix + LARGE[:68]
    assert (await store.stat(KEY)).size_bytes == len(prefix) + len(LARGE)


async def test_prefix_alone_has_the_hash_of_nothing(store: BlobStore) -> None:
    assert await write(store, b"", prefix=b"meta") == hashlib.sha256().hexdigest()
    assert await store.read(KEY) == b"meta"


async def test_prefix_may_be_larger_than_a_piece(store: BlobStore) -> None:
    assert await write(store, b"tail", prefix=LARGE) == hashlib.sha256(b"tail").hexdigest()
    assert await store.read(KEY, len(LARGE)) == b"tail"


async def test_key_is_made_of_the_hash(store: BlobStore) -> None:
    writer = store.writer(b"meta")
    writer.write(LARGE)
    stored = await writer.commit(lambda sha256: f"main/instances/1/2/3/{sha256}.dcm")
    assert stored.created
    assert stored.sha256 == SHA256_OF_LARGE
    assert stored.info == await store.stat(f"main/instances/1/2/3/{SHA256_OF_LARGE}.dcm")


async def test_placing_and_settling_are_the_two_halves_of_a_commit(store: BlobStore) -> None:
    for is_first in (True, False):
        writer = store.writer(b"meta")
        writer.write(LARGE)
        stored = await writer.place(lambda _sha256: KEY)
        assert (stored.created, stored.sha256) == (is_first, SHA256_OF_LARGE)
        assert await store.read(KEY, 0, 4) == b"meta"
        assert stored.info == await store.stat(KEY)
        await writer.settle()
        with pytest.raises(RuntimeError):
            await writer.commit(lambda _sha256: KEY)


async def test_buffer_may_be_used_again_when_write_returns(store: BlobStore) -> None:
    writer = store.writer()
    buffer = bytearray(200_000)
    for value in range(20):
        buffer[:] = bytes([value]) * len(buffer)
        writer.write(memoryview(buffer))
    buffer[:] = b"\xff" * len(buffer)
    await writer.commit(lambda _sha256: KEY)
    assert await store.read(KEY) == b"".join(bytes([value]) * len(buffer) for value in range(20))


async def test_one_huge_write_is_taken(store: BlobStore) -> None:
    await write(store, 4 * LARGE, piece=4 * len(LARGE))
    assert await store.read(KEY) == 4 * LARGE


async def test_nothing_is_visible_before_commit(store: BlobStore) -> None:
    writer = store.writer()
    writer.write(LARGE)
    await writer.drain()
    assert await keys(store, "") == []
    with pytest.raises(NotFound):
        await store.stat(KEY)
    await writer.commit(lambda _sha256: KEY)
    assert await keys(store, "") == [KEY]


async def test_aborted_blob_is_never_visible(store: BlobStore) -> None:
    for data in (b"", b"small", LARGE):
        writer = store.writer()
        writer.write(data)
        await writer.abort()
    assert await keys(store, "") == []


async def test_abort_right_after_writing_much_does_not_raise(store: BlobStore) -> None:
    writer = store.writer()
    for _ in range(10):
        writer.write(LARGE)
    await writer.abort()
    assert await keys(store, "") == []


async def test_writers_do_not_disturb_one_another(store: BlobStore) -> None:
    blobs = {f"main/instances/1/2/{n}/{n}.dcm": bytes([n]) * (n * 70_000) for n in range(20)}
    await asyncio.gather(*(write(store, data, key) for key, data in blobs.items()))
    for key, data in blobs.items():
        assert await store.read(key) == data


# --- never twice -----------------------------------------------------------------------------------------------------


async def test_existing_blob_is_never_written_again(store: BlobStore) -> None:
    first = await store.put(KEY, b"first")
    second = await store.put(KEY, b"second, and longer")
    assert first.created
    assert not second.created
    assert second.info == first.info
    assert second.sha256 == hashlib.sha256(b"second, and longer").hexdigest()
    assert await store.read(KEY) == b"first"


async def test_time_of_a_blob_never_changes(
    store: BlobStore, adapter: Callable[..., BlobStore], tmp_path: Path
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    stored = (await store.put(KEY, b"x")).info
    assert stored.stored_at.utcoffset() == timedelta(0)
    assert before <= stored.stored_at <= datetime.now(UTC) + timedelta(seconds=2)
    await store.put(KEY, b"x")
    await store.read(KEY)
    another = adapter(tmp_path)
    assert await another.stat(KEY) == stored == await store.stat(KEY)
    assert (await another.put(KEY, b"y")).info == stored
    await another.close()


async def test_blobs_stored_within_one_second_are_in_the_order_of_their_arrival(
    store: BlobStore, adapter: Callable[..., BlobStore], tmp_path: Path
) -> None:
    another = adapter(tmp_path)
    keys = [f"main/instances/1/2/3/{(97 * n) % 100}.dcm" for n in range(60)]
    stored = [(await (store, another)[n % 2].put(key, b"x")).info for n, key in enumerate(keys)]
    moments = [info.stored_at for info in stored]
    assert len({moment.replace(microsecond=0) for moment in moments}) < len(moments)
    assert moments == sorted(set(moments))
    assert [await store.stat(key) for key in keys] == stored
    await another.close()


async def test_one_of_many_racing_writers_creates(
    store: BlobStore, adapter: Callable[..., BlobStore], tmp_path: Path
) -> None:
    another = adapter(tmp_path)
    outcomes = await asyncio.gather(
        *((store, another)[n % 2].put(KEY, bytes([n]) * 50_000) for n in range(16)),
    )
    await another.close()
    assert sum(stored.created for stored in outcomes) == 1
    assert len({stored.info for stored in outcomes}) == 1
    data = await store.read(KEY)
    assert len(set(data)) == 1
    assert len(data) == 50_000
    assert hashlib.sha256(data).hexdigest() == next(stored.sha256 for stored in outcomes if stored.created)


async def test_another_store_object_sees_the_blob_at_once(
    store: BlobStore, adapter: Callable[..., BlobStore], tmp_path: Path
) -> None:
    another = adapter(tmp_path)
    for n in range(10):
        await store.put(f"main/pending/1.2/{n}.json", b"{}")
        assert await another.read(f"main/pending/1.2/{n}.json") == b"{}"
    await another.close()


# --- reading ---------------------------------------------------------------------------------------------------------


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


# --- listing and deleting --------------------------------------------------------------------------------------------


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


# --- any sequence of writes ------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 700_000), max_size=8), drains=st.booleans(), prefix=st.binary(max_size=500))
async def test_any_pieces_give_the_same_blob(store: BlobStore, sizes: list[int], drains: bool, prefix: bytes) -> None:
    writer = store.writer(prefix)
    expected = b""
    for number, size in enumerate(sizes):
        piece = bytes([number]) * size
        expected += piece
        writer.write(piece)
        if drains:
            await writer.drain()
    stored = await writer.commit(lambda sha256: f"main/instances/1/2/3/{sha256}.dcm")
    assert stored.sha256 == hashlib.sha256(expected).hexdigest()
    key = f"main/instances/1/2/3/{stored.sha256}.dcm"
    assert stored.info.key == key
    if stored.created:
        assert await store.read(key) == prefix + expected
    await store.delete(key)
