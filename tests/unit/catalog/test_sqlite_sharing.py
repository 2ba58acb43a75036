"""Many callers share one transaction and a few reading threads: nobody is harmed by, or waits for ever for, another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from radstream.catalog.filters import EVERYTHING
from radstream.catalog.port import Delete, Put
from radstream.catalog.sqlite import SqliteCatalog
from radstream.catalog.sqlite.database import Connection, Database
from radstream.catalog.sqlite.threads import Readers, Work, Writer
from radstream.contract.errors import Unavailable

TIMEOUT_S = 20.0


def database(folder: Path) -> Database:
    def create(connection: Connection) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
        connection.execute("PRAGMA user_version = 1")

    return Database(folder / "notes.db", create)


def note(text: str) -> Work:
    def work(connection: Connection) -> None:
        connection.execute("INSERT INTO notes VALUES (?)", (text,))

    return work


def notes(folder: Path) -> list[str]:
    opened = database(folder)
    with opened.reading() as connection:
        found = [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY rowid")]
    opened.close()
    return found


class Gate:
    """Work that keeps the writing thread until it is let through."""

    def __init__(self) -> None:
        self.is_reached, self.is_open = threading.Event(), threading.Event()

    def __call__(self, _connection: Connection) -> None:
        self.is_reached.set()
        self.is_open.wait(TIMEOUT_S)


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    opened = Writer(database(tmp_path), TIMEOUT_S)
    yield opened
    await opened.close()


async def busy(writer: Writer) -> tuple[Gate, asyncio.Task[None]]:
    gate = Gate()
    task = asyncio.create_task(writer.write([gate]))
    await asyncio.to_thread(gate.is_reached.wait, TIMEOUT_S)
    return gate, task


async def test_whoever_waits_is_written_in_one_transaction_in_its_order(writer: Writer, tmp_path: Path) -> None:
    transactions: list[int] = []

    def look(connection: Connection) -> None:
        transactions.append(connection.total_changes)

    gate, first = await busy(writer)
    waiting = [asyncio.create_task(writer.write([note(str(number)), look])) for number in range(50)]
    await asyncio.sleep(0)
    gate.is_open.set()
    await asyncio.gather(first, *waiting)
    assert notes(tmp_path) == [str(number) for number in range(50)]
    assert transactions == list(range(1, 51))


@pytest.mark.parametrize("bad", [0, 7, 24])
async def test_work_that_fails_harms_only_its_own_caller(writer: Writer, tmp_path: Path, bad: int) -> None:
    def fail(_connection: Connection) -> None:
        raise TypeError("a bug")

    gate, first = await busy(writer)
    work = [[note(str(number)), fail] if number == bad else [note(str(number))] for number in range(25)]
    waiting = [asyncio.create_task(writer.write(each)) for each in work]
    await asyncio.sleep(0)
    gate.is_open.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    assert [number for number, outcome in enumerate(outcomes) if outcome is not None] == [bad]
    assert isinstance(outcomes[bad], TypeError)
    assert notes(tmp_path) == [str(number) for number in range(25) if number != bad]


async def test_when_the_disk_is_full_all_who_wait_hear_of_it_and_it_heals(writer: Writer, tmp_path: Path) -> None:
    def limit(connection: Connection) -> None:
        connection.execute("PRAGMA max_page_count = 4")  # as long as this connection lasts

    await writer.write([note("before"), limit])
    gate, first = await busy(writer)
    work = [*([note(str(number))] for number in range(10)), [note("x" * 100_000)]]
    waiting = [asyncio.create_task(writer.write(each)) for each in work]
    await asyncio.sleep(0)
    gate.is_open.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert notes(tmp_path) == ["before"]
    await writer.write([note("after")])
    assert notes(tmp_path) == ["before", "after"]


async def test_who_gives_up_before_its_turn_is_not_written_and_the_others_are(writer: Writer, tmp_path: Path) -> None:
    gate, first = await busy(writer)
    waiting = [asyncio.create_task(writer.write([note(str(number))])) for number in range(9)]
    await asyncio.sleep(0)
    for task in waiting[::3]:
        task.cancel()
    await asyncio.wait(waiting[::3])
    gate.is_open.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    assert [number for number, outcome in enumerate(outcomes) if outcome is None] == [1, 2, 4, 5, 7, 8]
    assert notes(tmp_path) == ["1", "2", "4", "5", "7", "8"]


async def test_nobody_waits_longer_than_the_time_out_and_what_has_begun_goes_on(tmp_path: Path) -> None:
    writer = Writer(database(tmp_path), 0.1)
    gate, first = await busy(writer)
    second = asyncio.create_task(writer.write([note("second")]))
    for task in (first, second):
        with pytest.raises(Unavailable, match="in time"):
            await task
    gate.is_open.set()
    await retried(lambda: writer.write([note("third")]))
    await writer.close()
    assert notes(tmp_path)[-1] == "third"


async def retried(call: Callable[[], Coroutine[None, None, None]]) -> None:
    """Call again until it is done, as the consume loop does."""
    for _ in range(50):
        try:
            return await call()
        except Unavailable:
            await asyncio.sleep(0.02)
    raise AssertionError("it does not heal")


async def test_closing_is_bounded_even_if_the_system_hangs(tmp_path: Path) -> None:
    writer = Writer(database(tmp_path), 0.1)
    gate, first = await busy(writer)
    with pytest.raises(Unavailable):
        await first
    started = time.monotonic()
    await writer.close()
    assert time.monotonic() - started < 10
    gate.is_open.set()


async def test_too_much_that_waits_is_refused(writer: Writer) -> None:
    gate, first = await busy(writer)
    many = asyncio.create_task(writer.write([note("x")] * 10_001))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="too much"):
        await writer.write([note("y")])
    gate.is_open.set()
    await asyncio.gather(first, many)


async def test_what_waits_is_written_before_close_returns_and_nothing_after(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()
    tasks = [asyncio.create_task(catalog.apply([Put("studies", f"1.{number}", {})])) for number in range(10)]
    await asyncio.sleep(0)
    await catalog.close()
    await catalog.close()
    await asyncio.gather(*tasks)
    for attempt in (catalog.apply([Delete("studies", "1")]), catalog.create_collections(), catalog.check()):
        with pytest.raises(Unavailable, match="closed"):
            await attempt
    again = SqliteCatalog(tmp_path)
    assert await again.count("studies", EVERYTHING) == 10
    await again.close()


async def test_reads_see_all_of_a_batch_or_nothing(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()

    async def write() -> None:
        for _ in range(20):
            await catalog.apply([Put("studies", f"1.{number}", {}) for number in range(20)])
            await catalog.apply([Delete("studies", f"1.{number}") for number in range(20)])

    writing = asyncio.create_task(write())
    counts = set()
    while not writing.done():
        counts.add(await catalog.count("studies", EVERYTHING))
    await writing
    assert counts <= {0, 20}
    await catalog.close()


def for_ever(connection: Connection) -> None:
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    ).fetchall()


def one(connection: Connection) -> int:
    number: int = connection.execute("SELECT 1").fetchone()[0]
    return number


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["late", "cancelled"])
async def test_a_read_that_nobody_waits_for_makes_way(tmp_path: Path, is_cancelled: bool) -> None:
    database(tmp_path).create()
    readers = Readers(lambda: database(tmp_path), 1, TIMEOUT_S if is_cancelled else 0.2)
    endless = asyncio.create_task(readers.read(for_ever))
    await asyncio.sleep(0.1)
    if is_cancelled:
        endless.cancel()
    with pytest.raises(asyncio.CancelledError if is_cancelled else Unavailable):
        await endless
    for _ in range(50):
        try:
            assert await readers.read(one) == 1
            break
        except Unavailable:  # the one thread has not looked up yet
            continue
    else:
        raise AssertionError("the thread is kept")
    await readers.close()
    with pytest.raises(Unavailable, match="closed"):
        await readers.read(one)
