"""Whatever is asked of whatever is kept, the answer is that of the definitions, in every catalog.

The oracle is `tests/memory_catalog.py`: the predicates as their definitions read. It goes through the suites itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.catalog.filters import EVERYTHING, Predicate
from radstream.catalog.port import Catalog, Delete, Operation
from radstream.contract.documents import STUDIES
from tests.catalog_questions import FIELDS, OPERATIONS, PAGES, PREDICATES, SORTS
from tests.memory_catalog import MemoryCatalog


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(OPERATIONS, max_size=8), max_size=3),
    predicates=st.lists(PREDICATES, min_size=1, max_size=4),
    sort=SORTS,
    page=PAGES,
)
async def test_every_answer_is_that_of_the_definitions(
    catalog: Catalog,
    batches: Sequence[Sequence[Operation]],
    predicates: Sequence[Predicate],
    sort: Sequence[str],
    page: dict[str, Any],
) -> None:
    oracle = MemoryCatalog()
    left = await catalog.find("studies", EVERYTHING, fields=())
    await catalog.apply([Delete("studies", each["_id"]) for each in left])
    for batch in batches:
        await catalog.apply(batch)
        await oracle.apply(batch)
    everything = [field.name for field in STUDIES.fields]
    assert await catalog.find("studies", EVERYTHING, fields=everything) == await oracle.find(
        "studies", EVERYTHING, fields=everything
    )
    for where in predicates:
        found = await catalog.find("studies", where, fields=FIELDS, sort=sort, **page)
        assert found == await oracle.find("studies", where, fields=FIELDS, sort=sort, **page), where
        assert await catalog.count("studies", where) == await oracle.count("studies", where), where
