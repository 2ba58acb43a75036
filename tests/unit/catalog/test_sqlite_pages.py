"""Pages far down: the same as by walking, whatever has changed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from radstream.catalog.filters import EVERYTHING
from radstream.catalog.port import Delete, Put, Set
from radstream.catalog.sqlite import SqliteCatalog, pages
from radstream.catalog.sqlite.layout import Table, quoted
from radstream.contract.documents import STUDIES

NEWEST_FIRST = ("-StudyDate", "-StudyTime")
DATES = [None, "", "2017", "201701", "20170115", "20170116", "20170201", "20180101", "19991231"]


@pytest.fixture
async def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteCatalog]:
    monkeypatch.setattr(pages, "SHALLOW", 3)
    made = SqliteCatalog(tmp_path)
    await made.create_collections()
    yield made
    await made.close()


async def changed(catalog: SqliteCatalog, changes: int) -> list[str]:
    """Change the catalog at random; return the keys in the order of the list."""
    rng = random.Random(20170115)
    there: dict[str, tuple[str, str]] = {}
    for _ in range(changes):
        key, date, time = f"1.{rng.randrange(60)}", rng.choice(DATES), f"{rng.randrange(3):06}"
        kind = rng.random()
        if kind < 0.2:
            await catalog.apply([Delete("studies", key)])
            there.pop(key, None)
        elif kind < 0.4:
            await catalog.apply([Set("studies", key, {"StudyDate": date, "StudyTime": time})])
            there |= {key: (_rank(date), time)} if key in there else {}
        else:
            await catalog.apply([Put("studies", key, {"StudyDate": date, "StudyTime": time})])
            there[key] = (_rank(date), time)
    return sorted(sorted(there), key=lambda key: there[key], reverse=True)


def _rank(date: str | None) -> str:
    """Return what sorts as `date` does; no date is behind all others when the newest is first."""
    return "" if date is None else f" {date}"


@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_page_far_down_has_what_is_there(catalog: SqliteCatalog, limit: int) -> None:
    expected = await changed(catalog, 300)
    assert len(expected) > 20
    assert await catalog.count("studies", EVERYTHING) == len(expected)
    for skip in range(len(expected) + 3):
        found = await catalog.find("studies", EVERYTHING, fields=(), sort=NEWEST_FIRST, skip=skip, limit=limit)
        assert [each["_id"] for each in found] == expected[skip : skip + limit], skip


async def test_what_was_stored_before_is_counted(catalog: SqliteCatalog, tmp_path: Path) -> None:
    expected = await changed(catalog, 100)
    table = Table(STUDIES)
    database = catalog._writer._database
    with database.writing() as connection:
        for event in ("INSERT", "DELETE", "UPDATE"):
            connection.execute(f"DROP TRIGGER {quoted(f'studies__StudyDate counted at {event}')}")
        connection.execute(f"DROP TABLE {table.counts_name(table.counted[0])}")
        connection.execute("PRAGMA user_version = 1")
    await catalog.create_collections()
    for skip in range(3, len(expected)):
        found = await catalog.find("studies", EVERYTHING, fields=(), sort=NEWEST_FIRST, skip=skip, limit=5)
        assert [each["_id"] for each in found] == expected[skip : skip + 5]


async def test_counts_are_not_walked_past(catalog: SqliteCatalog) -> None:
    await catalog.apply([Put("studies", f"1.{number:03}", {"StudyDate": f"2017{number:04}"}) for number in range(200)])
    with closing(catalog._writer._database._open()) as connection:
        start = pages.start_of_page(connection, Table(STUDIES), NEWEST_FIRST, 150, 10)
    assert start is not None
    condition, left = start
    assert condition.parameters == ("20170049",)
    assert left == 0
