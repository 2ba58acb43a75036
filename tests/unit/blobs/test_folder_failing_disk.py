"""What a failing or missing disk, a file system without hard links, and a killed process lead to."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from radstream.blobs import incoming
from radstream.blobs.folder import FolderBlobStore
from radstream.contract.errors import NotFound, Unavailable
from tests.folder_store import KEY, LARGE, failing, in_the_making


def take_away(folder: Path) -> Path:
    return folder.rename(folder.with_name("aside"))


def content(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def make_empty(folder: Path) -> None:
    folder.mkdir()


# --- file systems without hard links ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
async def test_without_hard_links_an_existing_blob_is_not_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", failing(number))
    stores = [FolderBlobStore(folder) for _ in range(3)]
    await stores[0].put("main/instances/1.2/1.3/other/x.dcm", b"makes the folder")
    outcomes = await asyncio.gather(*(stores[n % 3].put(KEY, bytes([n]) * 1000) for n in range(12)))
    assert sum(stored.created for stored in outcomes) == 1
    first = next(n for n, stored in enumerate(outcomes) if stored.created)
    assert await stores[1].read(KEY) == bytes([first]) * 1000
    assert {stored.info for stored in outcomes} == {await stores[2].stat(KEY)}
    assert in_the_making(folder) == []
    for store in stores:
        await store.close()


async def test_without_hard_links_folders_are_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    store = FolderBlobStore(folder)
    assert (await store.put(KEY, b"x")).created
    assert await store.read(KEY) == b"x"
    await store.close()


# --- a failing disk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
async def test_disk_that_takes_no_data_is_told_as_unavailable(
    store: FolderBlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", failing(number))
        broken.setattr(os, "writev", failing(number))
        small, large = store.writer(), store.writer()
        small.write(b"x")
        with pytest.raises(Unavailable, match=errno.errorcode[number]) as caught:
            await small.commit(lambda _sha256: KEY)
        assert "/" not in str(caught.value)
        large.write(LARGE)
        with pytest.raises(Unavailable):
            await large.drain()
        large.write(LARGE)
        with pytest.raises(Unavailable):
            await large.commit(lambda _sha256: KEY)
        with pytest.raises(Unavailable):
            await store.check()
    assert [info async for info in store.list("")] == []
    assert in_the_making(folder) == []
    assert (await store.put(KEY, b"again")).created


@pytest.mark.parametrize("call", ["fsync", "link", "mkdir"])
async def test_disk_that_fails_late_makes_nothing_visible(
    store: FolderBlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    await store.check()
    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing(errno.EIO))
        with pytest.raises(Unavailable):
            await store.put(KEY, b"x")
    assert [info async for info in store.list("")] == []
    assert in_the_making(folder) == []


async def test_blob_that_cannot_be_read_is_unavailable_not_missing(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put(KEY, LARGE)
    monkeypatch.setattr("radstream.blobs.disk.os.pread", failing(errno.EIO))
    with pytest.raises(Unavailable, match="EIO"):
        await store.read(KEY)
    with pytest.raises(Unavailable, match="EIO"):
        await anext(store.stream(KEY))


async def test_check_wants_room(folder: Path) -> None:
    store = FolderBlobStore(folder, minimum_free_bytes=1 << 60)
    with pytest.raises(Unavailable, match="room"):
        await store.check()
    await store.close()


async def assert_gone(store: FolderBlobStore) -> None:
    """A disk that was taken away must not look like an archive without images, nor be written beside."""
    for call in (store.read(KEY), store.stat(KEY), anext(store.stream(KEY)), store.put(KEY, b"x"), store.check()):
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(Unavailable):
        assert [info async for info in store.list("")]
    with pytest.raises(Unavailable):
        await store.delete(KEY)


async def test_folder_that_vanished_is_unavailable_and_not_made_again(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, b"x")
    aside = take_away(folder)
    await assert_gone(store)
    assert [path.name for path in content(folder.parent)] == ["aside"]
    shutil.move(aside, folder)
    assert await store.read(KEY) == b"x"
    assert (await store.put(KEY.replace("/1.4/", "/1.5/"), b"y")).created


async def test_empty_mount_point_of_a_disk_that_was_taken_away_is_not_the_store(
    store: FolderBlobStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put(KEY, b"x")
    take_away(folder)
    make_empty(folder)
    monkeypatch.setattr(incoming, "device_of", lambda _folder: -2)
    await assert_gone(store)
    assert content(folder) == []


async def test_disk_that_is_back_under_another_number_is_the_store(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put(KEY, b"x")
    monkeypatch.setattr(incoming, "device_of", lambda _folder: -2)
    assert await store.read(KEY) == b"x"
    with pytest.raises(NotFound):
        await store.read(KEY.replace("/1.4/", "/1.5/"))
    assert (await store.put(KEY.replace("/1.4/", "/1.5/"), b"y")).created
    assert len([info async for info in store.list("")]) == 2


async def test_folder_of_this_process_is_made_again(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, b"x")
    shutil.rmtree(folder / ".incoming")
    assert (await store.put(KEY.replace("/1.4/", "/1.5/"), b"y")).created


# --- processes that end ----------------------------------------------------------------------------------------------

LEAVES_HALF_A_BLOB = """
import asyncio, os, sys
from pathlib import Path
from radstream.blobs.folder import FolderBlobStore

async def main():
    writer = FolderBlobStore(Path(sys.argv[1])).writer()
    for _ in range(8):
        writer.write(bytes(1 << 20))
        await writer.drain()
    print("half", flush=True)
    sys.stdin.read()
    os._exit(1)

asyncio.run(main())
"""


async def test_what_a_killed_process_left_is_swept_and_what_a_living_one_makes_is_not(folder: Path) -> None:
    def half_a_blob() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", LEAVES_HALF_A_BLOB, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        return process

    killed, living = half_a_blob(), half_a_blob()
    try:
        assert len(in_the_making(folder)) == 2
        killed.kill()
        killed.wait()
        store = FolderBlobStore(folder)
        await store.put(KEY, b"x")
        assert len(in_the_making(folder)) == 1
        assert [info.key async for info in store.list("")] == [KEY]
        await store.close()
    finally:
        for process in (killed, living):
            process.kill()
            process.communicate()


async def test_closing_leaves_nothing_in_the_making(folder: Path) -> None:
    store = FolderBlobStore(folder)
    store.writer().write(LARGE)
    await store.close()
    assert list((folder / ".incoming").iterdir()) == []
