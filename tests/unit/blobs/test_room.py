"""The folder store stops before the disk is full, keeps a reserve for what is small, and goes on by itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.room import Room
from radstream.contract.errors import StorageFull, Unavailable
from tests.folder_store import KEY, failing, in_the_making

RESERVE = 1000


class Disk:
    """A file system and a clock that do as they are told."""

    free_bytes = 0
    now = 0.0
    looks = 0

    def ask(self, _folder: Path) -> int:
        self.looks += 1
        return self.free_bytes


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr("radstream.blobs.room.free_bytes", disk.ask)
    monkeypatch.setattr("radstream.blobs.room.time.monotonic", lambda: disk.now)
    return disk


def test_the_reserve_is_not_given_away(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, RESERVE)
    disk.free_bytes = RESERVE + 10
    room.take(10)
    with pytest.raises(StorageFull):
        room.take(1)


def test_what_is_written_between_two_looks_is_counted(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, RESERVE)
    disk.free_bytes = RESERVE + 100
    for _ in range(10):
        room.take(10)
    assert disk.looks == 1
    with pytest.raises(StorageFull):
        room.take(10)


def test_room_that_was_made_is_found_at_the_next_look(disk: Disk, tmp_path: Path) -> None:
    room = Room(tmp_path, RESERVE)
    with pytest.raises(StorageFull):
        room.take(1)
    disk.free_bytes = RESERVE + 1
    disk.now += 0.5
    room.take(1)


def test_a_file_system_that_does_not_answer_is_unavailable_and_not_full(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        Room(tmp_path / "gone", RESERVE).take(1)
    assert not isinstance(caught.value, StorageFull)


async def test_a_full_store_refuses_writers_and_takes_markers(disk: Disk, tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    store = FolderBlobStore(folder, minimum_free_bytes=RESERVE)
    disk.free_bytes = RESERVE + 3
    writer = store.writer(b"meta")
    writer.write(b"data")
    with pytest.raises(StorageFull):
        await writer.commit(lambda _sha256: KEY)
    assert in_the_making(folder) == []
    marker = "main/pending/1.2/x.json"
    assert (await store.put(marker, b"{}")).created
    disk.free_bytes = RESERVE - 1
    with pytest.raises(StorageFull):
        await store.check()
    disk.free_bytes, disk.now = RESERVE + 1000, 1.0
    await store.check()
    again = store.writer(b"meta")
    again.write(b"data")
    assert (await again.commit(lambda _sha256: KEY)).created
    await store.close()


@pytest.mark.parametrize(
    ("number", "is_full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False), (errno.EROFS, False)]
)
async def test_a_disk_that_says_full_is_told_from_one_that_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_full: bool
) -> None:
    store = FolderBlobStore(tmp_path, minimum_free_bytes=0)
    await store.check()
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", failing(number))
        with pytest.raises(Unavailable) as caught:
            await store.put(KEY, b"x")
    assert isinstance(caught.value, StorageFull) is is_full
    await store.close()
