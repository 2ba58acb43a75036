"""What is quickly found is read in the event loop; what is not, is left to a thread, and so is all else for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from radstream.catalog.filters import Equals
from radstream.catalog.port import Put
from radstream.catalog.sqlite import SqliteCatalog, at_once
from radstream.catalog.sqlite.at_once import AtOnce
from radstream.catalog.sqlite.database import Connection, Database, Stopped
from radstream.contract.errors import Unavailable

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class Clock:
    """Stands still until it is set; the module reads it as ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stands_still = Clock()
    monkeypatch.setattr(at_once, "time", stands_still)
    return stands_still


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "notes.db", make)
    opened.create()
    yield opened
    opened.close()


def make(connection: Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT PRIMARY KEY)")
    connection.execute("INSERT OR IGNORE INTO notes VALUES ('one')")
    connection.execute("PRAGMA user_version = 1")


def notes(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT text FROM notes")]


def test_what_is_found_at_once_is_returned(database: Database, clock: Clock) -> None:
    assert clock.now
    assert AtOnce(database).read(notes) == ["one"]


def test_what_takes_long_is_stopped_and_all_is_left_to_threads_for_a_while(database: Database, clock: Clock) -> None:
    reading = AtOnce(database)

    def endless(connection: Connection) -> list[str]:
        clock.now += 0.5
        return [row[0] for row in connection.execute(ENDLESS)]

    assert reading.read(endless) is None
    assert reading.read(notes) is None
    clock.now += at_once.PAUSE * 0.5 - 0.1
    assert reading.read(notes) is None
    clock.now += 0.2
    assert reading.read(notes) == ["one"]


def test_a_slow_disk_is_left_to_threads_though_nothing_stops_it(database: Database, clock: Clock) -> None:
    reading = AtOnce(database)

    def slow(connection: Connection) -> list[str]:
        clock.now += 0.2
        return notes(connection)

    assert reading.read(slow) == ["one"]
    assert reading.read(notes) is None


@pytest.mark.usefixtures("clock")
def test_nothing_is_read_from_a_file_that_is_missing_or_after_the_end(tmp_path: Path, database: Database) -> None:
    assert AtOnce(Database(tmp_path / "missing.db", make)).read(notes) is None
    reading = AtOnce(database)
    reading.close()
    assert reading.read(notes) is None


def test_a_connection_is_as_good_as_before_after_a_stop(database: Database) -> None:
    with pytest.raises(Stopped), database.reading(lambda: True, 100) as connection:
        connection.execute(ENDLESS).fetchone()
    with database.reading() as again:
        assert again is connection
        assert notes(again) == ["one"]


def test_a_stop_before_the_transaction_has_begun_is_a_stop_like_others(database: Database) -> None:
    with pytest.raises(Stopped), database.reading(lambda: True, 1):
        pass
    with database.reading() as again:
        assert notes(again) == ["one"]


async def test_threads_find_what_is_not_found_at_once_and_say_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = SqliteCatalog(tmp_path / "catalog")
    await catalog.apply([Put("studies", "1.2", {"PatientID": "P1"})])
    where = Equals("PatientID", "P1")
    assert await catalog.find("studies", where, fields=("PatientID",)) == [{"_id": "1.2", "PatientID": "P1"}]
    assert "catalog-reading_0" not in {thread.name for thread in threading.enumerate()}
    monkeypatch.setattr(catalog._at_once, "read", lambda _query: None)
    assert await catalog.count("studies", where) == 1
    assert "catalog-reading_0" in {thread.name for thread in threading.enumerate()}
    monkeypatch.undo()
    (tmp_path / "catalog" / "catalog.db").unlink()
    with pytest.raises(Unavailable, match="missing"):
        await catalog.find("studies", where, fields=())
    await catalog.close()
    with pytest.raises(Unavailable, match="closed"):
        await catalog.find("studies", where, fields=())
