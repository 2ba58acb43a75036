"""What only the embedded log does: its files, its retention, its answers when the disk lets it down."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.bus.embedded import EmbeddedBus, database
from radstream.bus.embedded.log import EXPIRED_AT_ONCE
from radstream.bus.embedded.wake import WakeUps
from radstream.bus.port import Message
from radstream.contract.errors import MalformedEvent, Unavailable
from radstream.contract.topics import Topic, all_topics
from tests.folder_store import failing

DAY_MS = 86_400_000
PLAIN = Topic("plain", (), (), retention_days=7)
READ_BY_INDEX = Topic("read-by-index", ("ingest",), ("index",), retention_days=7)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[EmbeddedBus]:
    bus = EmbeddedBus(tmp_path / "bus", timeout_s=5)
    await bus.create_topics([PLAIN, READ_BY_INDEX])
    yield bus
    await bus.close()


def some(topic: Topic, count: int) -> list[Message]:
    return [Message(topic.name, "1.2.3", str(index).encode()) for index in range(count)]


async def now_ms(bus: EmbeddedBus, topic: Topic) -> int:
    return (await bus.read(topic.name))[-1].timestamp_ms


async def test_old_records_expire_and_offsets_go_on(bus: EmbeddedBus) -> None:
    await bus.publish(some(PLAIN, EXPIRED_AT_ONCE + 100))
    present = await now_ms(bus, PLAIN)
    assert await bus.expire(now_ms=present + 7 * DAY_MS) == 0
    assert await bus.expire(now_ms=present + 8 * DAY_MS) == EXPIRED_AT_ONCE + 100
    assert await bus.read("plain") == []
    await bus.publish(some(PLAIN, 1))
    assert [record.offset for record in await bus.read("plain")] == [EXPIRED_AT_ONCE + 100]


async def test_a_member_that_was_away_goes_on_at_the_earliest_record_left(bus: EmbeddedBus) -> None:
    await bus.publish(some(PLAIN, 3))
    await bus.expire(now_ms=await now_ms(bus, PLAIN) + 8 * DAY_MS)
    await bus.publish(some(PLAIN, 1))
    assert await bus.lag("index", ["plain"]) == 1
    consumer = bus.consumer("index", ["plain"])
    assert [record.offset for record in await consumer.poll(10, 5)] == [3]
    await consumer.close()


async def test_what_a_declared_consumer_has_not_done_never_expires(bus: EmbeddedBus) -> None:
    await bus.publish(some(READ_BY_INDEX, 5))
    much_later = await now_ms(bus, READ_BY_INDEX) + 1000 * DAY_MS
    assert await bus.expire(now_ms=much_later) == 0
    consumer = bus.consumer("index", [READ_BY_INDEX.name])
    await consumer.commit((await consumer.poll(10, 5))[:3])
    await consumer.close()
    assert await bus.expire(now_ms=much_later) == 3
    assert [record.offset for record in await bus.read(READ_BY_INDEX.name)] == [3, 4]


async def test_a_clock_that_went_back_makes_no_gap(bus: EmbeddedBus, tmp_path: Path) -> None:
    await bus.publish(some(PLAIN, 3))
    present = await now_ms(bus, PLAIN)
    with sqlite3.connect(tmp_path / "bus" / "log.db") as connection:
        connection.execute("UPDATE records SET timestamp_ms = ? WHERE value = ?", (present - 30 * DAY_MS, b"1"))
    connection.close()
    assert await bus.expire(now_ms=present) == 0
    assert len(await bus.read("plain")) == 3


async def test_old_records_expire_while_somebody_publishes(bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch) -> None:
    yesterdays = Topic("yesterdays", (), (), retention_days=-1)
    await bus.create_topics([yesterdays])
    await bus.publish(some(yesterdays, 3))
    monkeypatch.setattr(bus, "_expire_at", 0.0)
    await bus.publish(some(PLAIN, 1))
    for _ in range(200):
        if not (left := await bus.read("yesterdays")):
            break
        await asyncio.sleep(0.01)
    assert left == []


async def test_offsets_never_go_back(bus: EmbeddedBus) -> None:
    await bus.publish(some(PLAIN, 3))
    consumer = bus.consumer("index", ["plain"])
    records = await consumer.poll(10, 5)
    await consumer.commit(records)
    await consumer.commit(records[:1])
    await consumer.close()
    assert await bus.lag("index", ["plain"]) == 0


async def test_offsets_of_a_lost_log_mean_nothing_in_a_new_one(bus: EmbeddedBus, tmp_path: Path) -> None:
    await bus.publish(some(PLAIN, 3))
    consumer = bus.consumer("index", ["plain"])
    await consumer.commit(await consumer.poll(10, 5))
    await consumer.close()
    for path in (tmp_path / "bus").glob("log.db*"):
        path.unlink()
    await bus.create_topics([PLAIN])
    await bus.publish(some(PLAIN, 1))
    consumer = bus.consumer("index", ["plain"])
    assert [record.offset for record in await consumer.poll(10, 5)] == [0]
    await consumer.close()


async def test_a_log_that_nobody_created_is_unavailable_and_not_begun(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus")
    for attempt in (bus.publish(some(PLAIN, 1)), bus.check(), bus.read("plain"), bus.lag("index", ["plain"])):
        with pytest.raises(Unavailable):
            await attempt
    consumer = bus.consumer("index", ["plain"])
    with pytest.raises(Unavailable):
        await consumer.poll(1, 0.1)
    await consumer.close()
    await bus.close()
    assert not (tmp_path / "bus").exists()


async def test_a_folder_that_vanishes_is_noticed_and_one_that_returns_is_used(bus: EmbeddedBus, tmp_path: Path) -> None:
    await bus.publish(some(PLAIN, 1))
    shutil.move(tmp_path / "bus", tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        await bus.publish(some(PLAIN, 1))
    with pytest.raises(Unavailable):
        await bus.check()
    shutil.move(tmp_path / "elsewhere", tmp_path / "bus")
    await bus.publish(some(PLAIN, 1))
    assert len(await bus.read("plain")) == 2


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    bus = EmbeddedBus(tmp_path / "file" / "bus")
    with pytest.raises(Unavailable):
        await bus.create_topics([PLAIN])
    await bus.close()


async def test_a_damaged_file_is_unavailable(bus: EmbeddedBus, tmp_path: Path) -> None:
    (tmp_path / "bus" / "offsets.db").write_bytes(b"no database" * 1000)
    consumer = bus.consumer("index", ["plain"])
    with pytest.raises(Unavailable):
        await consumer.poll(1, 0.1)
    await consumer.close()


async def test_a_full_disk_refuses_and_what_was_there_stays(
    tmp_path: Path, bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of the file's pages gives SQLite's own "database or disk is full"."""
    await bus.publish(some(PLAIN, 10))
    opened = database._open_connection

    def on_a_full_disk(path: Path) -> database.Connection:
        connection = opened(path)
        connection.execute("PRAGMA max_page_count = 1")  # never below what is in use
        return connection

    full = EmbeddedBus(tmp_path / "bus")
    monkeypatch.setattr(database, "_open_connection", on_a_full_disk)
    large = [Message("plain", "k", bytes(500_000))]
    with pytest.raises(Unavailable, match="full"):
        await full.publish(large)
    monkeypatch.undo()
    assert len(await full.read("plain")) == 10
    await full.publish(large)  # space has returned: the same bus works again
    assert [record.offset for record in await full.read("plain")] == list(range(11))
    await full.close()


async def test_a_lock_that_is_never_released_makes_the_log_unavailable(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus", timeout_s=0.2)
    await bus.create_topics([PLAIN])
    holder = database.Database(tmp_path / "bus" / "log.db", "")
    with holder.writing(), pytest.raises(Unavailable, match="in time"):
        await bus.publish(some(PLAIN, 1))
    holder.close()
    await bus.publish(some(PLAIN, 1))
    await bus.close()


async def test_text_that_is_not_unicode_is_refused_and_harms_no_neighbour(bus: EmbeddedBus) -> None:
    bad_key, bad_header = Message("plain", "\udc80", b""), Message("plain", "k", b"", {"a": "\udc80"})
    outcomes = await asyncio.gather(
        bus.publish([bad_key]), bus.publish([bad_header]), bus.publish(some(PLAIN, 1)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [MalformedEvent, MalformedEvent, type(None)]


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\0b", ".hidden", "x" * 101])
async def test_a_name_that_is_no_file_name_is_refused(bus: EmbeddedBus, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        bus.consumer(name, ["plain"])
    with pytest.raises(ValueError, match="not the name"):
        bus.consumer("index", [name])
    with pytest.raises(ValueError, match="not the name"):
        await bus.create_topics([Topic(name, (), ())])


async def test_a_publisher_that_gives_up_takes_no_neighbour_along(bus: EmbeddedBus) -> None:
    given_up = asyncio.create_task(bus.publish(some(PLAIN, 1)))
    kept = asyncio.create_task(bus.publish(some(PLAIN, 1)))
    await asyncio.sleep(0)
    given_up.cancel()
    await kept
    assert len(await bus.read("plain")) == 2


def held_up(bus: EmbeddedBus) -> threading.Event:
    """Return what lets the thread that writes go on."""
    go_on = threading.Event()
    bus._writer.start(lambda: (go_on.wait(20), None)[1])
    return go_on


async def test_what_waits_is_committed_together(bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    append = bus._appender._append
    monkeypatch.setattr(bus._appender, "_append", lambda requests: (batches.append(len(requests)), append(requests))[1])
    go_on = held_up(bus)
    publishing = [asyncio.create_task(bus.publish(some(PLAIN, 1))) for _ in range(4)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*publishing)
    await bus.publish(some(PLAIN, 1))
    assert batches == [4, 1]
    assert [record.offset for record in await bus.read("plain")] == [0, 1, 2, 3, 4]


async def test_a_failed_commit_fails_for_all_in_it_and_not_for_the_next(
    bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_requests: object) -> list[None]:
        raise Unavailable("away")

    with monkeypatch.context() as failing:
        failing.setattr(bus._appender, "_append", fail)
        outcomes = await asyncio.gather(*(bus.publish(some(PLAIN, 1)) for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    await bus.publish(some(PLAIN, 1))
    assert len(await bus.read("plain")) == 1


async def test_what_was_to_be_published_is_before_closing_ends(bus: EmbeddedBus, tmp_path: Path) -> None:
    go_on = held_up(bus)
    publishing = [asyncio.create_task(bus.publish(some(PLAIN, 1))) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(bus.close())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(closing, *publishing)
    again = EmbeddedBus(tmp_path / "bus")
    assert len(await again.read("plain")) == 3
    await again.close()
    with pytest.raises(Unavailable, match="closed"):
        await bus.publish(some(PLAIN, 1))


async def test_every_file_is_for_its_owner_only(bus: EmbeddedBus, tmp_path: Path) -> None:
    assert (tmp_path / "bus").stat().st_mode & 0o077 == 0


async def test_news_reaches_a_folder_with_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    hears, tells = WakeUps(folder), WakeUps(folder)
    hears.bind(["a", "b"])
    hears.bind(["b", "c"])
    assert hears.is_listening
    hears.attach(asyncio.get_running_loop())
    mine, others = hears.listen(["a", "b"]), hears.listen(["c"])
    tells.notify(["b"])
    async with asyncio.timeout(10):
        await mine.wait()
    assert not others.is_set()
    hears.close()
    assert list((folder / "wake").glob("*/*")) == []


async def test_who_does_not_listen_to_a_topic_is_not_woken(tmp_path: Path) -> None:
    hears, tells = WakeUps(tmp_path), WakeUps(tmp_path)
    hears.bind(["a"])
    tells.notify(["b", "c"])
    assert hears._receiver is not None
    with pytest.raises(BlockingIOError):
        hears._receiver.recv(100)
    tells.notify(["a"])
    assert hears._receiver.recv(100) == b"a"
    hears.close()


async def test_who_cannot_have_a_name_for_each_topic_looks_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hears = WakeUps(tmp_path)
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    heard = []
    for topic in ("a", "b"):
        hears.bind([topic])
        heard.append(hears.is_listening)
    assert heard == [True, False]
    hears.close()


async def test_the_socket_of_a_dead_process_is_removed(tmp_path: Path) -> None:
    wake = tmp_path / "wake" / "a"
    wake.mkdir(parents=True)
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    descriptor = os.open(wake, os.O_RDONLY)
    dead.bind(f"/proc/self/fd/{descriptor}/4711-dead")
    os.close(descriptor)
    dead.close()
    WakeUps(tmp_path).notify(["a"])
    assert list(wake.iterdir()) == []


async def test_without_news_a_member_looks_for_itself(bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WakeUps, "bind", lambda self, topics: None)
    consumer = bus.consumer("index", ["plain"])
    waiting = asyncio.create_task(consumer.poll(1, 20))
    await asyncio.sleep(0.05)
    await bus.publish(some(PLAIN, 1))
    assert len(await waiting) == 1
    await consumer.close()


async def test_all_topics_of_the_contract_can_be_created(tmp_path: Path) -> None:
    bus = EmbeddedBus(tmp_path / "bus")
    await bus.create_topics(all_topics())
    for topic in all_topics():
        assert await bus.read(topic.name) == []
    await bus.close()
