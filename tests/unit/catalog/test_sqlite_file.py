"""The file of the catalog: it grows with its declaration, and when it is missing, damaged or full, that is noticed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from radstream.catalog.filters import EVERYTHING, Equals, Range, Wildcard
from radstream.catalog.port import Put, PutEarliest, Set
from radstream.catalog.sqlite import SqliteCatalog
from radstream.catalog.sqlite.database import Database
from radstream.contract.documents import Collection, Field
from radstream.contract.errors import Unavailable


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[SqliteCatalog]:
    opened = SqliteCatalog(tmp_path / "catalog")
    await opened.create_collections()
    yield opened
    await opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalog" / "catalog.db"


def study(number: int) -> Put:
    return Put("studies", f"1.{number}", {"PatientID": f"P{number}", "ModalitiesInStudy": ["CT"]})


async def keys(catalog: SqliteCatalog) -> list[str]:
    return [found["_id"] for found in await catalog.find("studies", EVERYTHING, fields=())]


def is_sound(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- growing ----------------------------------------------------------------------------------------------------------

BEFORE = Collection("things", (Field("name"),), (("name",),))
AFTER = Collection(
    "things",
    (Field("name"), Field("tags", "list"), Field("size", "int"), Field("body", "bytes", large=True), Field("order")),
    (("name",), ("size",), ("-size", "name")),
)


async def test_what_is_declared_later_is_added_and_what_was_there_is_kept(tmp_path: Path) -> None:
    old = SqliteCatalog(tmp_path, collections=(BEFORE,))
    await old.create_collections()
    await old.apply([Put("things", "1", {"name": "a"})])
    new = SqliteCatalog(tmp_path, collections=(AFTER, Collection("more", (Field("x"),), ())))
    await new.create_collections()
    await new.apply([Put("things", "2", {"name": "b", "tags": ["x"], "size": 3, "body": b"2"}), Put("more", "1", {})])
    await new.apply([Set("things", "1", {"size": 1}), PutEarliest("things", "1", {"order": "o", "body": b"1"})])
    found = await new.find("things", Range("size", 1, 3), fields=("name", "tags", "size", "body"), sort=("size",))
    assert [(d["name"], d["tags"], d["size"], d["body"]) for d in found] == [("a", [], 1, b"1"), ("b", ["x"], 3, b"2")]
    assert [d["name"] for d in await old.find("things", EVERYTHING, fields=("name",))] == [
        "a",
        "b",
    ]  # not yet restarted
    await old.create_collections()
    await old.apply([Set("things", "1", {"name": "c"})])
    (found_again,) = await new.find("things", Equals("name", "c"), fields=("size",))
    assert found_again == {"_id": "1", "size": 1}
    for each in (old, new):
        await each.close()


async def test_an_index_that_is_declared_later_is_made_of_what_is_there(tmp_path: Path) -> None:
    old = SqliteCatalog(tmp_path, collections=(BEFORE,))
    await old.create_collections()
    await old.apply([Put("things", str(number), {"name": f"n{number}"}) for number in range(50)])
    await old.close()
    new = SqliteCatalog(tmp_path, collections=(Collection("things", (Field("name"),), (("name",), ("-name",))),))
    await new.create_collections()
    await new.close()
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN SELECT id FROM things ORDER BY name DESC, key").fetchall()
    assert [row[3] for row in plan] == ["SCAN things USING COVERING INDEX things by -name"]


async def test_an_index_for_infixes_that_is_declared_later_is_filled(tmp_path: Path) -> None:
    fields = ("name", "text"), ("tags", "list")
    plain, infix = (
        Collection("things", tuple(Field(name, kind, infix=each) for name, kind in fields), (("name",),))  # type: ignore[arg-type]
        for each in (False, True)
    )
    old = SqliteCatalog(tmp_path, collections=(plain,))
    await old.create_collections()
    await old.apply(
        [Put("things", str(number), {"name": f"n{number}\0", "tags": ["ab", f"c{number}"]}) for number in range(3)]
    )
    await old.apply([Put("things", "nothing", {})])
    await old.close()
    new = SqliteCatalog(tmp_path, collections=(infix,))
    await new.create_collections()
    for where in (Wildcard("name", "*n2\0*"), Wildcard("tags", "*c2"), Wildcard("tags", "?2")):
        assert [found["_id"] for found in await new.find("things", where, fields=())] == ["2"]
    assert await new.count("things", Wildcard("tags", "*b\nc*")) == 0
    await new.close()


# --- missing ----------------------------------------------------------------------------------------------------------


async def test_before_anything_is_made_reading_says_so_and_writing_makes_it(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "not" / "yet")
    for attempt in (catalog.check(), catalog.count("studies", EVERYTHING)):
        with pytest.raises(Unavailable, match="radstream rebuild"):
            await attempt
    await catalog.apply([study(1)])
    await catalog.check()
    assert await keys(catalog) == ["1.1"]
    await catalog.close()


def remove_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


def remove_file(file: Path) -> None:
    file.unlink()


def rename_file(file: Path) -> None:
    file.rename(file.with_name("old.db"))


def empty_file(file: Path) -> None:
    file.unlink()
    file.touch()


@pytest.mark.parametrize("remove", [remove_folder, remove_file, rename_file, empty_file], ids=lambda f: f.__name__)
@pytest.mark.parametrize("is_written_at_once", [False, True], ids=["read first", "written first"])
async def test_a_file_that_is_removed_is_noticed_by_all_and_made_again(
    catalog: SqliteCatalog, file: Path, remove: Callable[[Path], None], is_written_at_once: bool
) -> None:
    other = SqliteCatalog(file.parent)  # as another process has it
    await catalog.apply([study(1)])
    assert await keys(other) == await keys(catalog) == ["1.1"]
    remove(file)
    if not is_written_at_once:
        for each in (catalog, other):
            with pytest.raises(Unavailable, match="radstream rebuild"):
                await keys(each)
        await other.create_collections()
        assert await keys(catalog) == []
    await catalog.apply([study(2)])
    assert await keys(other) == ["1.2"]
    await other.apply([study(3)])
    assert await keys(catalog) == ["1.2", "1.3"]
    await other.close()
    assert await keys(catalog) == ["1.2", "1.3"]
    assert is_sound(file)


async def test_what_is_written_into_a_file_that_is_removed_meanwhile_is_not_acknowledged(tmp_path: Path) -> None:
    database = Database(tmp_path / "notes.db", lambda connection: connection.execute("PRAGMA user_version = 1"))
    database.create()
    with pytest.raises(Unavailable, match="removed"), database.writing() as connection:  # noqa: PT012
        connection.execute("CREATE TABLE notes (text)")
        (tmp_path / "notes.db").unlink()
        (tmp_path / "notes.db").write_bytes(b"another")
    database.close()


async def test_what_a_killed_process_left_of_making_a_file_is_no_hindrance(tmp_path: Path) -> None:
    for name in ("catalog.new", "catalog.new-journal", "catalog.new-wal", "catalog.db-wal", "catalog.db-shm"):
        (tmp_path / name).write_bytes(b"left over" * 1000)
    catalog = SqliteCatalog(tmp_path)
    await catalog.apply([study(1)])
    assert await keys(catalog) == ["1.1"]
    await catalog.close()
    assert is_sound(tmp_path / "catalog.db")
    assert names_in(tmp_path) == ["catalog.db", "catalog.lock"]


# --- damaged ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"this is no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000, b"x"])
async def test_a_damaged_file_says_how_to_mend_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalog.db").write_bytes(content)
    catalog = SqliteCatalog(tmp_path)
    for attempt in (catalog.check(), catalog.apply([study(1)]), catalog.create_collections()):
        with pytest.raises(Unavailable, match="radstream rebuild"):
            await attempt
    assert (tmp_path / "catalog.db").read_bytes() == content
    (tmp_path / "catalog.db").unlink()
    await catalog.apply([study(1)])
    assert await keys(catalog) == ["1.1"]
    await catalog.close()


async def test_a_database_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    catalog = SqliteCatalog(tmp_path)
    with pytest.raises(Unavailable, match="damaged"):
        await catalog.create_collections()
    await catalog.close()


def overwrite(file: Path) -> None:
    """Spoil all pages but the first and the last few."""
    with file.open("r+b") as opened:
        opened.seek(8 * 4096)
        opened.write(b"\xee" * (file.stat().st_size - 16 * 4096))


async def test_pages_that_are_overwritten_are_noticed_when_read(catalog: SqliteCatalog, file: Path) -> None:
    await catalog.apply([Put("studies", f"1.{number}", {"attributes": b"a" * 3000}) for number in range(300)])
    await catalog.close()
    overwrite(file)
    broken = SqliteCatalog(file.parent)
    with pytest.raises(Unavailable, match="radstream rebuild"):
        await broken.find("studies", EVERYTHING, fields=("attributes", "PatientID"))
    await broken.close()


async def test_a_copy_that_was_put_back_without_its_journal_mode_gets_it_again(tmp_path: Path) -> None:
    first = SqliteCatalog(tmp_path)
    await first.apply([study(1)])
    await first.close()
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    catalog = SqliteCatalog(tmp_path)
    await catalog.apply([study(2)])
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert await keys(catalog) == ["1.1", "1.2"]
    await catalog.close()


# --- full -------------------------------------------------------------------------------------------------------------


@contextmanager
def no_file_larger_than(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


async def test_a_full_disk_is_unavailable_and_heals(catalog: SqliteCatalog, file: Path) -> None:
    acknowledged = []
    with no_file_larger_than(600 << 10), pytest.raises(Unavailable):  # noqa: PT012
        for number in range(100):
            await catalog.apply([Put("studies", f"1.{number:03}", {"attributes": os.urandom(50_000)})])
            acknowledged.append(f"1.{number:03}")
    assert acknowledged
    assert await keys(catalog) == acknowledged
    await catalog.apply([Put("studies", "2.1", {"attributes": os.urandom(900_000)})])
    assert await keys(catalog) == [*acknowledged, "2.1"]
    assert is_sound(file)


async def test_a_disk_too_full_to_make_the_file_leaves_none(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    with no_file_larger_than(20 << 10), pytest.raises(Unavailable):
        await catalog.create_collections()
    assert not (tmp_path / "catalog.db").exists()
    await catalog.create_collections()
    await catalog.check()
    await catalog.close()


def test_a_document_that_is_too_large_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "notes.db", lambda connection: connection.execute("PRAGMA user_version = 1"))
    with pytest.raises(ValueError, match="larger"), database.writing() as connection:  # noqa: PT012
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES (?)", ("x" * 20_000,))
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written_to_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir(mode=0o500)
    catalog = SqliteCatalog(tmp_path / "catalog")
    with pytest.raises(Unavailable):
        await catalog.apply([study(1)])
    await catalog.close()
