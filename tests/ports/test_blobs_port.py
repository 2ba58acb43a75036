"""What every blob store promises to writers (`radstream/blobs/port.py`)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.blobs.port import BlobStore
from radstream.contract.errors import NotFound
from tests.blobs_trial import KEY, LARGE, SHA256_OF_LARGE, collect, keys, write

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
