"""How SQLite comes to the documents: by an index, and in as many steps in a large archive as in a small one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from radstream.catalog.filters import EVERYTHING, And, Equals, In, Predicate, Range, Wildcard
from radstream.catalog.port import Put
from radstream.catalog.sqlite import SqliteCatalog
from radstream.catalog.sqlite.layout import Table
from radstream.catalog.sqlite.queries import Query, count, find
from radstream.catalog.wildcards import matches
from radstream.contract.documents import STUDIES

SMALL, LARGE = 1_500, 6_000
SORT = ("-StudyDate", "-StudyTime")
PAGE = 100


def study(number: int) -> Put:
    document = {
        "StudyInstanceUID": f"1.{number}",
        "PatientID": f"P{number}",
        "AccessionNumber": f"A{number}",
        "PatientName_folded": [f"name{number // 5:05}^x"],
        "StudyDate": f"{20_000_000 + number // 10}",
        "StudyTime": "120000",
        "ModalitiesInStudy": [("CT", "MR", "US")[number % 3]],
        "NumberOfStudyRelatedInstances": number,
        "qido": b"q" * 500,
    }
    return Put("studies", f"1.{number}", document)


class Watched(sqlite3.Connection):
    """Keeps the plans of what it executes."""

    plans: list[str]

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:  # type: ignore[override]
        if sql.startswith("SELECT"):
            plan = super().execute(f"EXPLAIN QUERY PLAN {sql}", *parameters)  # type: ignore[arg-type]
            self.plans.extend(row[3] for row in plan)
        return super().execute(sql, *parameters)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, sqlite3.Connection]]:
    """A small and a large catalog, as connections."""

    async def fill(folder: Path, size: int) -> None:
        catalog = SqliteCatalog(folder)
        await catalog.create_collections()
        await catalog.apply([study(number) for number in range(size)])
        await catalog.close()

    connections = {}
    for size in (SMALL, LARGE):
        folder = tmp_path_factory.mktemp("catalog")
        asyncio.run(fill(folder, size))
        connections[size] = sqlite3.connect(folder / "catalog.db", factory=Watched)
        connections[size].create_function("matches", 2, matches, deterministic=True)
    yield connections
    for connection in connections.values():
        connection.close()


def look(connection: sqlite3.Connection, where: Predicate, skip: int = 0) -> tuple[int, list[str]]:
    """Return how many documents were found, and the plans of all statements."""
    assert isinstance(connection, Watched)
    connection.plans = []
    found = find(connection, Query(Table(STUDIES), where, ("PatientID", "qido"), SORT, skip, PAGE))
    return len(found), connection.plans


DAYS = Range("StudyDate", "20000090", "20000099")
EVERY_DAY: dict[str, tuple[Predicate, str]] = {
    "PatientID": (Equals("PatientID", "P777"), "studies by PatientID -StudyDate"),
    "AccessionNumber": (Equals("AccessionNumber", "A777"), "studies by AccessionNumber"),
    "StudyInstanceUID": (Equals("_id", "1.777"), "sqlite_autoindex_studies_1"),
    "StudyInstanceUIDs": (In("_id", [f"1.{number}" for number in range(700, 800)]), "sqlite_autoindex_studies_1"),
    "date range": (DAYS, "studies by -StudyDate -StudyTime"),
    "date range, modality": (And([DAYS, Equals("ModalitiesInStudy", "CT")]), "studies by -StudyDate -StudyTime"),
    "date range, name infix": (And([DAYS, Wildcard("PatientName_folded", "*9*")]), "studies by -StudyDate -StudyTime"),
    "name": (Equals("PatientName_folded", "name00077^x"), "studies__PatientName_folded by value"),
    "name infix": (
        Wildcard("PatientName_folded", "*e00077*"),
        "SCAN studies__PatientName_folded by infix VIRTUAL TABLE",
    ),
    "id infix": (Wildcard("PatientID", "*P777"), "SCAN studies__PatientID by infix VIRTUAL TABLE"),
    "id infix, modality": (
        And([Wildcard("PatientID", "*P777*"), Equals("ModalitiesInStudy", "CT")]),
        "SCAN studies__PatientID by infix VIRTUAL TABLE",
    ),
    "name prefix": (Wildcard("PatientName_folded", "name00077*"), "studies__PatientName_folded by value"),
    "patient, modality": (And([Equals("PatientID", "P777"), Equals("ModalitiesInStudy", "CT")]), "PatientID"),
    "nested": (And([And([DAYS]), And([Wildcard("PatientName_folded", "name0018*")])]), "by"),
    "nothing": (Equals("ModalitiesInStudy", "XA"), "studies__ModalitiesInStudy by value"),
    "everything": (EVERYTHING, "studies by -StudyDate -StudyTime"),
}


@pytest.mark.parametrize("name", EVERY_DAY)
def test_queries_of_every_day_are_answered_by_an_index(archives: dict[int, sqlite3.Connection], name: str) -> None:
    where, index = EVERY_DAY[name]
    number, plans = look(archives[LARGE], where)
    assert number > 0 or name == "nothing"
    assert [step for step in plans if step == "SCAN t" or step.startswith("SCAN e")] == []
    assert any(index in step for step in plans), plans


def test_a_deep_page_is_read_from_the_index_alone(archives: dict[int, sqlite3.Connection]) -> None:
    number, plans = look(archives[LARGE], EVERYTHING, skip=5_000)
    assert number == PAGE
    assert "SEARCH t USING COVERING INDEX studies by -StudyDate -StudyTime (StudyDate<?)" in plans
    assert not any("TEMP B-TREE" in step for step in plans)


def test_a_short_infix_is_looked_for_among_the_names_alone(archives: dict[int, sqlite3.Connection]) -> None:
    number, plans = look(archives[LARGE], Wildcard("PatientName_folded", "*77*"))
    assert number == 100
    assert any(step.startswith("SCAN e") for step in plans)  # all names, but no documents
    assert not any(step.startswith("SCAN t") for step in plans if "COVERING INDEX" not in step)  # those near the top


def steps(connection: sqlite3.Connection, where: Predicate, is_count: bool) -> int:
    """Return how many hundreds of steps of SQLite's machine it takes."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    assert isinstance(connection, Watched)
    connection.plans = []
    connection.set_progress_handler(step, 100)
    if is_count:
        count(connection, Table(STUDIES), where)
    else:
        look(connection, where)
    connection.set_progress_handler(None, 0)
    return taken


@pytest.mark.parametrize("is_count", [False, True], ids=["find", "count"])
@pytest.mark.parametrize("name", EVERY_DAY)
def test_no_query_of_every_day_takes_longer_in_a_larger_archive(
    archives: dict[int, sqlite3.Connection], name: str, is_count: bool
) -> None:
    small, large = (steps(archives[size], EVERY_DAY[name][0], is_count) for size in (SMALL, LARGE))
    assert large <= 1.5 * small + 5  # a walk through all documents would take hundreds more


@pytest.mark.parametrize(
    ("where", "number"),
    [
        (EVERYTHING, LARGE),
        (Equals("ModalitiesInStudy", "CT"), LARGE // 3),
        (And([Wildcard("PatientName_folded", "*")]), LARGE),
        (Wildcard("PatientName_folded", "*0077*"), 55),
    ],
)
def test_counting_by_one_index_touches_no_document(
    archives: dict[int, sqlite3.Connection], where: Predicate, number: int
) -> None:
    connection = archives[LARGE]
    assert isinstance(connection, Watched)
    connection.plans = []
    assert count(connection, Table(STUDIES), where) == number
    documents = [step for step in connection.plans if step.startswith(("SCAN t", "SEARCH t"))]
    assert documents == []
