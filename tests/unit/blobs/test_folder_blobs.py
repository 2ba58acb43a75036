"""What is particular to the folder store: where blobs lie, what is synced and when, what waits in memory."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from radstream.blobs.direct import DirectFile
from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.workers import Workers
from radstream.contract.errors import NotFound
from tests.folder_store import KEY, LARGE, PATH, nothing_in_the_making


def open_files(folder: Path) -> list[str]:
    """Return the blobs that this process has open."""
    links = (descriptor for descriptor in Path("/proc/self/fd").iterdir() if descriptor.is_symlink())
    return [path for path in map(os.path.realpath, links) if path.startswith(f"{folder}/main/")]


def mode_for_others(path: Path) -> int:
    return path.stat().st_mode & 0o077


class CountingWorkers(Workers):
    hops = 0

    def submit(self, work: Callable[[], None]) -> None:
        self.hops += 1
        super().submit(work)


# --- where blobs lie -------------------------------------------------------------------------------------------------


async def test_an_instance_needs_no_folder_of_its_own(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, b"x")
    assert (folder / PATH).read_bytes() == b"x"


async def test_nobody_else_on_the_machine_may_read(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, b"x")
    assert mode_for_others(folder) == mode_for_others(folder / PATH) == 0


async def test_time_of_a_blob_is_that_of_its_file_to_the_microsecond(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, b"x")
    os.utime(folder / PATH, ns=(0, 1_234_567_890_123_456_789))
    assert (await store.stat(KEY)).stored_at.isoformat() == "2009-02-13T23:31:30.123456+00:00"


async def test_foreign_files_are_not_blobs(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, b"x")
    (folder / "main" / "lost+found").mkdir()
    (folder / "main" / "readme.txt").write_text("not a blob")
    assert [info.key async for info in store.list("")] == [KEY]
    with pytest.raises(NotFound):
        await store.read("main/readme.txt")


# --- threads and memory ----------------------------------------------------------------------------------------------


async def test_a_small_instance_costs_one_hop_to_a_thread(store: FolderBlobStore) -> None:
    threads = store._writing = CountingWorkers(1, "test")
    writer = store.writer(b"meta")
    for _ in range(10):
        writer.write(b"x" * 20_000)
        await writer.drain()
    await writer.commit(lambda sha256: f"main/instances/1/2/3/{sha256}.dcm")
    assert threads.hops == 1


async def test_little_waits_in_memory_while_the_disk_is_slow(
    store: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_works, write = threading.Event(), DirectFile.append

    def write_when_it_works(file: DirectFile, pieces: Sequence[memoryview]) -> None:
        disk_works.wait(30)
        write(file, pieces)

    writer = store.writer()
    with monkeypatch.context() as slow:
        slow.setattr(DirectFile, "append", write_when_it_works)
        for _ in range(3):
            writer.write(LARGE[: 1 << 20])
        draining = asyncio.create_task(writer.drain())
        done, _ = await asyncio.wait([draining], timeout=0.05)
        assert not done
        disk_works.set()
        await draining
    await writer.commit(lambda _sha256: KEY)
    assert await store.read(KEY) == 3 * LARGE[: 1 << 20]


async def test_reader_that_stops_early_leaves_no_file_open(store: FolderBlobStore, folder: Path) -> None:
    await store.put(KEY, LARGE)
    streams = [store.stream(KEY) for _ in range(20)]
    for stream in streams:
        await anext(stream)
    assert len(open_files(folder)) == 20
    for stream in streams:
        await stream.aclose()  # type: ignore[attr-defined]
    assert open_files(folder) == []


async def test_commit_that_nobody_waits_for_any_more_ends_whole_and_tidy(folder: Path) -> None:
    store = FolderBlobStore(folder)
    for number in range(20):
        writer = store.writer()
        writer.write(LARGE)
        task = asyncio.create_task(writer.commit(lambda _sha256, n=number: f"main/pending/1/{n}.json"))  # type: ignore[misc]
        for _ in range(1 + number % 5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await nothing_in_the_making(folder)
    async for info in store.list("main/"):
        assert await store.read(info.key) == LARGE
    await store.close()


async def test_commit_given_up_before_a_thread_was_free_ends_whole_and_tidy(folder: Path) -> None:
    store, thread_is_free = FolderBlobStore(folder, thread_count=1), threading.Event()
    writer = store.writer()
    writer.write(LARGE)
    await store.check()  # comes after the piece in the only thread
    store._writing.submit(lambda: (thread_is_free.wait(30), None)[1])
    task = asyncio.create_task(writer.commit(lambda _sha256: KEY))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    thread_is_free.set()
    await nothing_in_the_making(folder)
    assert await store.read(KEY) == LARGE
    await store.close()


# --- durability ------------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is synced and linked, in order: names of folders, "data" for files, "link"."""
    seen: list[str] = []
    fsync, link = os.fsync, os.link

    def seen_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append(path.name if path.is_dir() else "data")
        fsync(descriptor)

    def seen_link(source: Path, target: str) -> None:
        seen.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "link", seen_link)
    return seen


async def test_data_is_durable_before_its_name_and_the_name_before_success(
    store: FolderBlobStore, calls: list[str]
) -> None:
    await store.check()
    calls.clear()
    await store.put(KEY, b"x")
    assert calls.index("data") < calls.index("link")
    assert [call for call in calls if call != "link"] == ["data", "1.3", "1.2", "instances", "main", "blobs"]
    calls.clear()
    await store.put(KEY.replace("/1.4/", "/1.5/"), b"y")
    assert calls == ["data", "link", "1.3"]


async def test_name_that_was_there_is_made_durable_too(folder: Path, calls: list[str]) -> None:
    first, second = FolderBlobStore(folder), FolderBlobStore(folder)
    await first.put(KEY, b"x")
    calls.clear()
    await second.put(KEY, b"x")  # may be sooner than the first one's own sync
    assert {"1.3", "1.2", "instances", "main", "blobs"} <= set(calls[calls.index("link") :])
    await first.close()
    await second.close()


async def test_a_cache_does_not_wait_for_the_disk(folder: Path, calls: list[str]) -> None:
    cache = FolderBlobStore(folder, durable=False)
    await cache.check()
    calls.clear()
    await cache.put(KEY, b"x")
    assert calls == ["link", "link"]  # the first one found no folder
    await cache.close()
