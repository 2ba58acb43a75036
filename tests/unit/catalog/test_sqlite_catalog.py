"""What is particular to SQLite: plans, growing declarations, several processes, kill -9, files that vanish or break."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from radstream.catalog.filters import EVERYTHING, And, Equals, Predicate, Range, Wildcard
from radstream.catalog.port import Delete, Put, Set
from radstream.catalog.sqlite import SqliteCatalog
from radstream.catalog.sqlite.layout import Table
from radstream.catalog.sqlite.queries import Query, find
from radstream.contract.documents import STUDIES, Collection, Field
from radstream.contract.errors import Unavailable


def study(number: int) -> Put:
    day = f"2026{number % 12 + 1:02}{number % 28 + 1:02}"
    return Put(
        "studies",
        f"1.{number}",
        {
            "StudyInstanceUID": f"1.{number}",
            "PatientID": f"P{number}",
            "AccessionNumber": f"A{number}",
            "PatientName_folded": [f"name{number % 1000}^x"],
            "StudyDate": day,
            "StudyTime": "120000",
            "ModalitiesInStudy": [("CT", "MR", "US")[number % 3]],
        },
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalog")

    async def fill() -> None:
        catalog = SqliteCatalog(folder)
        await catalog.create_collections()
        await catalog.apply([study(number) for number in range(5000)])
        await catalog.close()

    asyncio.run(fill())
    return folder


QUERIES: dict[str, tuple[Predicate, tuple[str, ...], int]] = {
    "PatientID": (Equals("PatientID", "P77"), ("-StudyDate", "-StudyTime"), 0),
    "AccessionNumber": (Equals("AccessionNumber", "A77"), ("-StudyDate", "-StudyTime"), 0),
    "date range and modality": (
        And((Range("StudyDate", "20260101", "20260131"), Equals("ModalitiesInStudy", "CT"))),
        ("-StudyDate", "-StudyTime"),
        0,
    ),
    "name prefix": (Wildcard("PatientName_folded", "name77*"), ("-StudyDate", "-StudyTime"), 0),
    "page at offset 4000": (EVERYTHING, ("-StudyDate", "-StudyTime"), 4000),
}


class Watched(sqlite3.Connection):
    """Keeps the plans of what it executes."""

    plans: list[str]

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:  # type: ignore[override]
        if sql.startswith("SELECT"):
            plan = super().execute(f"EXPLAIN QUERY PLAN {sql}", *parameters)  # type: ignore[arg-type]
            self.plans.extend(row[3] for row in plan)
        return super().execute(sql, *parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_of_every_day_reads_the_table_through(filled: Path, name: str) -> None:
    where, sort, skip = QUERIES[name]
    connection = sqlite3.connect(filled / "catalog.db", factory=Watched)
    connection.plans = []
    found = find(connection, Query(Table(STUDIES), where, ("PatientID",), sort, skip, 100))
    connection.close()
    assert found
    scans = [step for step in connection.plans if step.startswith("SCAN t") and "INDEX" not in step]
    assert scans == [], connection.plans


async def test_a_field_that_is_declared_later_is_added_and_what_was_there_is_kept(tmp_path: Path) -> None:
    before = Collection("things", (Field("name"),), (("name",),))
    after = Collection("things", (Field("name"), Field("tags", "list"), Field("size", "int")), (("name",), ("size",)))
    old = SqliteCatalog(tmp_path, collections=(before,))
    await old.create_collections()
    await old.apply([Put("things", "1", {"name": "a"})])
    await old.close()
    new = SqliteCatalog(tmp_path, collections=(after,))
    await new.create_collections()
    await new.apply([Put("things", "2", {"name": "b", "tags": ["x"], "size": 3}), Set("things", "1", {"size": 1})])
    found = await new.find("things", Range("size", 1, 3), fields=("name", "tags", "size"), sort=("size",))
    assert [(d["name"], d["tags"], d["size"]) for d in found] == [("a", [], 1), ("b", ["x"], 3)]
    await new.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from radstream.catalog.sqlite import SqliteCatalog
from radstream.catalog.port import Put

async def main(folder, first, count):
    catalog = SqliteCatalog(Path(folder))
    await catalog.create_collections()
    for number in range(int(first), int(first) + int(count)):
        await catalog.apply([Put("studies", f"1.{number}", {"PatientID": f"P{number}"})])
        print(number, flush=True)
    await catalog.close()

asyncio.run(main(*sys.argv[1:]))
"""


def start_writer(folder: Path, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_several_processes_create_and_write_at_once(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, 1000 * number, 50) for number in range(4)]
    for writer in writers:
        out, _ = await asyncio.to_thread(writer.communicate)
        assert writer.returncode == 0
        assert out.count("\n") == 50
    catalog = SqliteCatalog(tmp_path)
    assert await catalog.count("studies", EVERYTHING) == 200
    await catalog.close()


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for round_ in range(5):
        writer = start_writer(tmp_path, 100_000 * round_, 100_000)
        assert writer.stdout is not None
        for _ in range(40 + 13 * round_):
            acknowledged.add(f"1.{int(writer.stdout.readline())}")
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        acknowledged |= {f"1.{int(line)}" for line in rest.splitlines() if line.isdigit()}
    catalog = SqliteCatalog(tmp_path)
    found = {document["_id"] for document in await catalog.find("studies", EVERYTHING, fields=())}
    await catalog.close()
    assert acknowledged <= found
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def fill_up(catalog: SqliteCatalog) -> None:
    for number in range(100):
        await catalog.apply([Put("studies", f"1.{number}", {"attributes": os.urandom(50_000)})])


async def test_a_full_disk_is_unavailable_and_heals(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600 << 10, hard))
        with pytest.raises(Unavailable):
            await fill_up(catalog)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    await catalog.apply([Put("studies", "2.1", {"attributes": os.urandom(900_000)})])
    assert await catalog.count("studies", Equals("_id", "2.1")) == 1
    await catalog.close()


async def test_a_folder_that_is_removed_is_noticed_and_made_again(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "catalog")
    await catalog.create_collections()
    await catalog.apply([study(1)])
    shutil.rmtree(tmp_path / "catalog")
    with pytest.raises(Unavailable, match="radstream rebuild"):
        await catalog.count("studies", EVERYTHING)
    await catalog.apply([study(2)])
    assert [d["_id"] for d in await catalog.find("studies", EVERYTHING, fields=())] == ["1.2"]
    await catalog.close()


async def test_a_damaged_file_says_how_to_mend_it(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()
    await catalog.close()
    (tmp_path / "catalog.db").write_bytes(b"this is no database" * 1000)
    broken = SqliteCatalog(tmp_path)
    with pytest.raises(Unavailable, match="radstream rebuild"):
        await broken.count("studies", EVERYTHING)
    await broken.close()


async def test_a_caller_that_gives_up_harms_nobody(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()
    tasks = [asyncio.create_task(catalog.apply([study(number)])) for number in range(30)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    kept = {f"1.{number}" for number, outcome in enumerate(outcomes) if outcome is None}
    found = {document["_id"] for document in await catalog.find("studies", EVERYTHING, fields=())}
    assert kept <= found
    await catalog.close()


async def test_reads_see_all_of_a_batch_or_nothing(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()

    async def write() -> None:
        for _ in range(20):
            await catalog.apply([study(number) for number in range(20)])
            await catalog.apply([Delete("studies", f"1.{number}") for number in range(20)])

    writing = asyncio.create_task(write())
    counts = set()
    while not writing.done():
        counts.add(await catalog.count("studies", EVERYTHING))
    await writing
    assert counts <= {0, 20}
    await catalog.close()


async def test_what_waits_is_written_before_close_returns(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    await catalog.create_collections()
    tasks = [asyncio.create_task(catalog.apply([study(number)])) for number in range(10)]
    await asyncio.sleep(0)
    await catalog.close()
    await asyncio.gather(*tasks)
    again = SqliteCatalog(tmp_path)
    assert await again.count("studies", EVERYTHING) == 10
    await again.close()
