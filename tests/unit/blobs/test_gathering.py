"""How bytes on their way into a blob are gathered, handed to threads in order, and written past the page cache."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from radstream.blobs.direct import BLOCK_BYTES, DirectFile
from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.pieces import Pieces
from radstream.contract.errors import Unavailable
from tests.folder_store import KEY, LARGE, failing

SIZES = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, (1 << 20) + 777]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def aligned(data: bytes) -> memoryview:
    piece = Pieces(1 << 21).take()
    piece[: len(data)] = data
    return piece[: len(data)]


def direct(descriptor: int) -> DirectFile:
    return DirectFile(descriptor, Pieces(BLOCK_BYTES))


def content(descriptor: int) -> bytes:
    return Path(f"/proc/self/fd/{descriptor}").read_bytes()  # through the cache, however it was written


# --- writing past the page cache -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_written_exactly(file: int, size: int) -> None:
    data = os.urandom(size)
    direct(file).append([aligned(data)])
    assert content(file) == data


def test_pieces_are_written_in_one_turn_and_in_order(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    writev, turns = os.writev, []

    def counted(descriptor: int, views: list[memoryview]) -> int:
        turns.append(writev(descriptor, views))
        return turns[-1]

    monkeypatch.setattr(os, "writev", counted)
    data = os.urandom(300_001)
    direct(file).append([aligned(data[:131_072]), aligned(data[131_072:262_144]), aligned(data[262_144:])])
    assert content(file) == data
    assert turns == [74 * BLOCK_BYTES]


def test_what_comes_after_a_begun_block_follows_it(file: int) -> None:
    data = os.urandom(300_001)
    output = direct(file)
    output.append([aligned(data[:100_001])])
    output.append([aligned(data[100_001:])])
    assert content(file) == data


def test_the_rest_of_a_block_holds_nothing_of_what_its_memory_held_before(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks, ftruncate = Pieces(BLOCK_BYTES), os.ftruncate
    used = blocks.take()
    used[:] = b"x" * BLOCK_BYTES
    blocks.give_back(used)
    padded: list[bytes] = []

    def seen(descriptor: int, length: int) -> None:
        padded.append(content(file))
        ftruncate(descriptor, length)

    monkeypatch.setattr(os, "ftruncate", seen)
    DirectFile(file, blocks).append([aligned(bytes(65_537))])
    assert padded == [bytes(17 * BLOCK_BYTES)]


def test_memory_and_offset_that_are_not_aligned_are_written_through_the_cache(file: int) -> None:
    data = os.urandom(300_001)
    output = direct(file)
    output.append([data[:17]])
    output.append([aligned(data)[17:]])
    assert content(file) == data


def test_a_disk_that_refuses_direct_writing_midway_gets_the_rest_through_the_cache(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, data = direct(file), os.urandom(300_001)
    output.append([aligned(data[:131_072])])
    monkeypatch.setattr(os, "writev", failing(errno.EINVAL))
    output.append([aligned(data[131_072:])])
    assert content(file) == data
    assert not fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT


def test_file_system_without_direct_writing_is_written_through_the_cache(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("radstream.blobs.direct.fcntl.fcntl", failing(errno.EINVAL))
    data = os.urandom(300_001)
    direct(file).append([aligned(data)])
    assert content(file) == data


def test_a_disk_that_takes_less_than_asked_is_asked_again(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    writev = os.writev
    monkeypatch.setattr(os, "writev", lambda descriptor, views: writev(descriptor, [views[0][: 2 * BLOCK_BYTES]]))
    data = os.urandom(100_000)
    direct(file).append([aligned(data)])
    assert content(file) == data


def test_full_disk_is_told(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "writev", failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        direct(file).append([aligned(bytes(300_000))])


def test_memory_is_used_again_but_not_kept_without_end() -> None:
    pieces = Pieces(1 << 20)
    first = pieces.take()
    first[:3] = b"abc"
    pieces.give_back(first)
    assert bytes(pieces.take()[:3]) == b"abc"
    for _ in range(100):
        pieces.give_back(pieces.take())
    many = [pieces.take() for _ in range(100)]
    for piece in many:
        pieces.give_back(piece)
    assert len(pieces._free) * pieces.piece_bytes == 16 << 20


# --- a blob on its way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut_bytes", [1000, 131_078, 1 << 20])
async def test_a_blob_is_what_was_written_however_it_came(store: FolderBlobStore, cut_bytes: int) -> None:
    data = os.urandom((1 << 20) + 12_345)
    writer = store.writer(b"meta")
    fragment = bytearray(cut_bytes)
    for start in range(0, len(data), cut_bytes):
        piece = data[start : start + cut_bytes]
        fragment[: len(piece)] = piece
        writer.write(memoryview(fragment)[: len(piece)])  # used again by the caller at once
        await writer.drain()
    stored = await writer.commit(lambda _sha256: KEY)
    assert stored.sha256 == hashlib.sha256(data).hexdigest()
    assert await store.read(KEY) == b"meta" + data


async def test_no_thread_is_woken_for_a_small_blob_before_its_end(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, woken = store._writing.submit, []

    def counted(work: Callable[[], None]) -> None:
        woken.append(work)
        submit(work)

    monkeypatch.setattr(store._writing, "submit", counted)
    writer, data = store.writer(), os.urandom((1 << 20) - 1)
    for start in range(0, len(data), 131_066):
        writer.write(data[start : start + 131_066])
        await writer.drain()
    assert woken == []
    stored = await writer.commit(lambda _sha256: KEY)
    assert woken
    assert stored.sha256 == hashlib.sha256(data).hexdigest()


async def test_no_more_than_three_mebibytes_wait_for_a_disk_that_takes_nothing(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev, disk_works, taken_bytes = os.writev, threading.Event(), 0

    def slow(descriptor: int, views: list[memoryview]) -> int:
        disk_works.wait(20)
        return writev(descriptor, views)

    async def send() -> None:
        nonlocal taken_bytes
        for _ in range(64):
            writer.write(bytes(128 << 10))
            taken_bytes += 128 << 10
            await writer.drain()

    monkeypatch.setattr(os, "writev", slow)
    writer = store.writer()
    sending = asyncio.ensure_future(send())
    done, _ = await asyncio.wait([sending], timeout=0.2)
    assert not done
    assert taken_bytes <= 3 << 20
    disk_works.set()
    await sending
    assert (await writer.commit(lambda _sha256: KEY)).info.size_bytes == 8 << 20


async def test_a_placed_blob_can_be_read_before_its_name_is_durable(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_works, sync_folder = threading.Event(), store._linker.make_durable

    def wait_for_disk(path: str) -> None:
        disk_works.wait(20)
        sync_folder(path)

    monkeypatch.setattr(store._linker, "make_durable", wait_for_disk)
    writer = store.writer()
    writer.write(LARGE)
    assert (await writer.place(lambda _sha256: KEY)).created
    assert await store.read(KEY) == LARGE
    settling = asyncio.ensure_future(writer.settle())
    done, _ = await asyncio.wait([settling], timeout=0.05)
    assert not done
    disk_works.set()
    await settling


async def test_a_name_that_is_not_known_to_be_durable_is_told(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put(KEY.replace("/1.4/", "/1.5/"), b"makes the folder")
    monkeypatch.setattr(store._linker, "make_durable", failing(errno.EIO))
    writer = store.writer()
    await writer.place(lambda _sha256: KEY)
    with pytest.raises(Unavailable, match="EIO"):
        await writer.settle()


async def test_nothing_is_made_durable_of_what_was_not_placed(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = store.writer()
    with monkeypatch.context() as broken:
        broken.setattr(os, "link", failing(errno.EIO))
        with pytest.raises(Unavailable):
            await writer.place(lambda _sha256: KEY)
    await writer.settle()
    assert [info async for info in store.list("")] == []
