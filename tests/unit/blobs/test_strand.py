"""Work for threads: in order where it must be, by as few threads as have work, told to whom it concerns."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from radstream.blobs.strand import Strand
from radstream.blobs.workers import Workers
from tests.folder_store import failing


@pytest.fixture
def threads() -> Iterator[Workers]:
    workers = Workers(4, "test")
    yield workers
    workers.close()


async def test_work_of_a_strand_is_done_in_order_and_never_twice_at_once(threads: Workers) -> None:
    strand, seen, at_once, most = Strand(threads), [], 0, 0
    lock = threading.Lock()

    def work(number: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        seen.append(number)
        with lock:
            at_once -= 1

    for number in range(500):
        strand.do(lambda number=number: work(number))  # type: ignore[misc]
        if number % 50 == 0:
            await asyncio.sleep(0.001)
    await strand.start(lambda: None).wait()
    assert seen == list(range(500))
    assert most == 1


async def test_a_strand_tells_results_and_errors_and_goes_on(threads: Workers) -> None:
    strand = Strand(threads)
    failed, done = strand.start(lambda: 1 // 0), strand.start(lambda: 7)
    with pytest.raises(ZeroDivisionError):
        await failed.wait()
    assert await done.wait() == 7


async def test_what_nobody_waits_for_any_more_is_done_all_the_same(threads: Workers) -> None:
    strand, done, may_begin = Strand(threads), threading.Event(), threading.Event()
    strand.do(lambda: (may_begin.wait(20), None)[1])
    given_up = asyncio.ensure_future(strand.start(done.set).wait())
    await asyncio.sleep(0)
    given_up.cancel()
    may_begin.set()
    await strand.start(lambda: None).wait()
    assert done.is_set()


async def test_what_was_done_before_anybody_waits_wakes_nobody(
    threads: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("radstream.blobs.strand.tell", failing(errno.EPERM))
    strand, done = Strand(threads), threading.Event()
    answer = strand.start(lambda: 7)
    strand.do(done.set)
    assert done.wait(20)
    assert await answer.wait() == 7


def test_no_more_threads_are_started_than_have_work() -> None:
    workers, may_end = Workers(3, "some"), threading.Event()

    def running() -> int:
        return sum(thread.name.startswith("some-") for thread in threading.enumerate())

    assert running() == 0
    workers.submit(lambda: None)
    assert running() == 1
    for _ in range(9):
        workers.submit(lambda: (may_end.wait(20), None)[1])
    assert running() == 3
    may_end.set()
    workers.close()
    assert running() == 0
    with pytest.raises(RuntimeError):
        workers.submit(lambda: None)


def test_closing_waits_for_what_was_submitted() -> None:
    done: list[int] = []
    workers = Workers(2, "some")
    for number in range(100):
        workers.submit(partial(done.append, number))
    workers.close()
    assert sorted(done) == list(range(100))
