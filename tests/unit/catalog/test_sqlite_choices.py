"""Which plan is chosen depends on how many matches there are; the answer does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.catalog.filters import Predicate
from radstream.catalog.port import Operation
from radstream.catalog.sqlite import SqliteCatalog, queries
from radstream.catalog.sqlite.database import Database
from radstream.catalog.sqlite.layout import Table
from radstream.contract.documents import STUDIES
from tests.catalog_questions import FIELDS, OPERATIONS, PAGES, PREDICATES, SORTS
from tests.memory_catalog import MemoryCatalog


@pytest.fixture(params=[(0, 0, 8), (0, 0, 40), (1, 2, 400), (2, 5, 12), (10_000, 10_000, 400)], ids=str)
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make so many matches count as few, and so many documents as near."""
    fewest, most, near = request.param
    monkeypatch.setattr(queries, "_NEAR", near)
    monkeypatch.setattr(queries, "_FEWEST", fewest)
    monkeypatch.setattr(queries, "_MOST", most)


@pytest.mark.usefixtures("_few")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operations=st.lists(OPERATIONS, min_size=1, max_size=30),
    predicates=st.lists(PREDICATES, min_size=4, max_size=8),
    sort=SORTS,
    page=PAGES,
)
def test_the_answer_does_not_depend_on_the_plan(
    tmp_path_factory: pytest.TempPathFactory,
    operations: Sequence[Operation],
    predicates: Sequence[Predicate],
    sort: Sequence[str],
    page: dict[str, Any],
) -> None:
    folder, oracle = tmp_path_factory.mktemp("catalog"), MemoryCatalog()
    asyncio.run(fill(folder, oracle, operations))
    database = Database(folder / "catalog.db", lambda _connection: None)
    for where in predicates:
        query = queries.Query(Table(STUDIES), where, FIELDS, sort, **page)
        with database.reading() as connection:
            found, number = queries.find(connection, query), queries.count(connection, Table(STUDIES), where)
        assert found == asyncio.run(oracle.find("studies", where, fields=FIELDS, sort=sort, **page)), where
        assert number == asyncio.run(oracle.count("studies", where)), where
    database.close()


async def fill(folder: Path, oracle: MemoryCatalog, operations: Sequence[Operation]) -> None:
    catalog = SqliteCatalog(folder)
    for each in (catalog, oracle):
        await each.apply(operations)
    await catalog.close()
