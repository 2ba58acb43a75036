"""What every catalog promises (`radstream/catalog/port.py`). A new adapter is one more line in `ADAPTERS`.

The oracle is `tests/memory_catalog.py`: the predicates as their definitions read. It passes this suite itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.catalog.filters import (
    EVERYTHING,
    And,
    Equals,
    Exists,
    In,
    Not,
    Or,
    Predicate,
    Range,
    Wildcard,
)
from radstream.catalog.mongo import MongoCatalog
from radstream.catalog.mongo.driver import Driver
from radstream.catalog.port import Catalog, Delete, Put, PutEarliest, Set
from radstream.catalog.sqlite import SqliteCatalog
from radstream.contract.errors import RadstreamError
from tests.engines import mongod, on_engines
from tests.memory_catalog import MemoryCatalog

ADAPTERS: dict[str, Callable[[Path], Catalog]] = {
    "memory": lambda _: MemoryCatalog(),
    "sqlite": lambda folder: SqliteCatalog(folder / "catalog"),
    "mongo": lambda folder: mongo(folder, "motor"),
    "mongo by pymongo": lambda folder: mongo(folder, "pymongo"),
}
ON_ENGINES = {"mongo", "mongo by pymongo"}

STUDY_FIELDS = ("StudyInstanceUID", "PatientID", "StudyDate", "ModalitiesInStudy", "NumberOfStudyRelatedInstances")


def mongo(folder: Path, driver: Driver) -> MongoCatalog:
    """Open a database of the test's own."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
    return MongoCatalog(mongod().database_url(name), name, driver=driver)


@pytest.fixture(params=on_engines(ADAPTERS, ON_ENGINES))
async def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = ADAPTERS[request.param](tmp_path)
    await opened.create_collections()
    yield opened
    await opened.close()


def study(key: str, **fields: Any) -> Put:
    return Put("studies", key, {"StudyInstanceUID": key, **fields})


async def keys(catalog: Catalog, where: Predicate, **options: Any) -> list[str]:
    return [found["_id"] for found in await catalog.find("studies", where, fields=(), **options)]


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_a_document_reads_as_it_was_put(catalog: Catalog) -> None:
    values = {
        "PatientID": "P-1 'quoted' ünïcode \U0001f600",
        "ModalitiesInStudy": ["CT", "MR"],
        "NumberOfStudyRelatedInstances": -5,
        "qido": b'{"a":1}\x00\xff',
        "attributes": bytes(range(256)) * 400,
    }
    await catalog.apply([study("1.2", **values)])
    (found,) = await catalog.find("studies", Equals("_id", "1.2"), fields=tuple(values))
    assert found == {"_id": "1.2", **values}


async def test_what_was_not_given_reads_as_nothing(catalog: Catalog) -> None:
    await catalog.apply([Put("studies", "1.2", {})])
    (found,) = await catalog.find("studies", EVERYTHING, fields=(*STUDY_FIELDS, "attributes"))
    assert found == {"_id": "1.2", **dict.fromkeys((*STUDY_FIELDS, "attributes")), "ModalitiesInStudy": []}


async def test_put_replaces_all_of_a_document(catalog: Catalog) -> None:
    await catalog.apply([study("1.2", PatientID="A", ModalitiesInStudy=["CT"], attributes=b"long")])
    await catalog.apply([study("1.2", StudyDate="20260101")])
    (found,) = await catalog.find("studies", EVERYTHING, fields=(*STUDY_FIELDS, "attributes"))
    assert (found["PatientID"], found["ModalitiesInStudy"], found["attributes"]) == (None, [], None)
    assert await keys(catalog, Equals("ModalitiesInStudy", "CT")) == []


async def test_set_changes_what_it_names_and_nothing_else(catalog: Catalog) -> None:
    await catalog.apply(
        [study("1.2", PatientID="A", ModalitiesInStudy=["CT"]), Set("studies", "1.2", {"PatientID": "B"})]
    )
    (found,) = await catalog.find("studies", EVERYTHING, fields=("PatientID", "ModalitiesInStudy"))
    assert (found["PatientID"], found["ModalitiesInStudy"]) == ("B", ["CT"])


async def test_set_and_delete_of_what_is_not_there_do_nothing(catalog: Catalog) -> None:
    await catalog.apply([Set("studies", "9", {"PatientID": "B"}), Delete("studies", "9")])
    assert await catalog.count("studies", EVERYTHING) == 0


async def test_what_is_deleted_is_found_by_no_field(catalog: Catalog) -> None:
    await catalog.apply([study("1.2", ModalitiesInStudy=["CT"], PatientID="A", attributes=b"x")])
    await catalog.apply([Delete("studies", "1.2")])
    for where in (EVERYTHING, Equals("ModalitiesInStudy", "CT"), Equals("PatientID", "A")):
        assert await keys(catalog, where) == []


async def test_operations_take_effect_in_their_order(catalog: Catalog) -> None:
    await catalog.apply(
        [study("1"), Delete("studies", "1"), study("1", PatientID="A"), Set("studies", "1", {"PatientID": "B"})]
    )
    (found,) = await catalog.find("studies", EVERYTHING, fields=("PatientID",))
    assert found["PatientID"] == "B"


async def test_many_at_once_lose_nothing(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(catalog.apply([study(f"1.{number}", PatientID=f"P{number % 7}")]))
    assert await catalog.count("studies", EVERYTHING) == 200
    assert await catalog.count("studies", Equals("PatientID", "P3")) == 29


@pytest.mark.parametrize(
    "operation",
    [
        Put("studies", "1", {"NoSuchField": "x"}),
        Put("no such collection", "1", {}),
        Put("studies", "1", {"PatientID": "\ud800"}),
        Put("studies", "1", {"PatientID": 5}),
        Put("studies", "1", {"NumberOfStudyRelatedInstances": 1 << 63}),
    ],
    ids=lambda operation: str(operation)[:60],
)
async def test_what_does_not_fit_its_collection_is_refused_and_harms_no_neighbour(
    catalog: Catalog, operation: Put
) -> None:
    if isinstance(catalog, MemoryCatalog):
        pytest.skip("the oracle takes what it is given")
    outcomes = await asyncio.gather(
        catalog.apply([study("good")]),
        catalog.apply([operation]),
        catalog.apply([study("other")]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], ValueError | TypeError)
    assert (outcomes[0], outcomes[2]) == (None, None)
    assert await keys(catalog, EVERYTHING) == ["good", "other"]


# --- the earliest wins ------------------------------------------------------------------------------------------------


async def test_of_two_versions_the_earlier_stays_whichever_comes_first(catalog: Catalog) -> None:
    early, late = {"order": "a", "sha256": "E"}, {"order": "b", "sha256": "L"}
    await catalog.apply([PutEarliest("instances", "1", early), PutEarliest("instances", "1", late)])
    await catalog.apply([PutEarliest("instances", "2", late), PutEarliest("instances", "2", early)])
    for found in await catalog.find("instances", EVERYTHING, fields=("order", "others", "sha256")):
        assert (found["order"], found["others"], found["sha256"]) == ("a", ["b"], "E")


async def test_fields_that_are_not_given_keep_their_values(catalog: Catalog) -> None:
    await catalog.apply([PutEarliest("studies", "1", {"order": "b", "PatientID": "B"})])
    await catalog.apply([Set("studies", "1", {"NumberOfStudyRelatedInstances": 3})])
    await catalog.apply([PutEarliest("studies", "1", {"order": "a", "PatientID": "A"})])
    (found,) = await catalog.find("studies", EVERYTHING, fields=("PatientID", "NumberOfStudyRelatedInstances"))
    assert (found["PatientID"], found["NumberOfStudyRelatedInstances"]) == ("A", 3)


async def test_the_same_order_again_takes_the_newer_reading(catalog: Catalog) -> None:
    await catalog.apply([PutEarliest("instances", "1", {"order": "a", "sha256": "old", "qido": b"1"})])
    await catalog.apply([PutEarliest("instances", "1", {"order": "a", "sha256": "new"})])
    (found,) = await catalog.find("instances", EVERYTHING, fields=("sha256", "others", "qido"))
    assert (found["sha256"], found["others"], found["qido"]) == ("new", [], b"1")


async def test_any_order_and_any_repetition_end_alike(catalog: Catalog) -> None:
    versions = [PutEarliest("instances", "1", {"order": order, "sha256": order * 2}) for order in "cabde"]
    chance = random.Random(5)
    for _ in range(10):
        await catalog.apply([Delete("instances", "1")])
        shuffled = versions * 2
        chance.shuffle(shuffled)
        await asyncio.gather(*(catalog.apply([version]) for version in shuffled))
        (found,) = await catalog.find("instances", EVERYTHING, fields=("order", "others", "sha256"))
        assert (found["order"], sorted(found["others"]), found["sha256"]) == ("a", ["b", "c", "d", "e"], "aa")


# --- finding ----------------------------------------------------------------------------------------------------------


async def test_pages_neither_overlap_nor_leave_gaps(catalog: Catalog) -> None:
    await catalog.apply([study(f"1.{number:03}", StudyDate=f"2026{number % 3:04}") for number in range(100)])
    sort = ("-StudyDate", "-StudyTime")
    pages = [await keys(catalog, EVERYTHING, sort=sort, skip=skip, limit=7) for skip in range(0, 105, 7)]
    assert [key for page in pages for key in page] == await keys(catalog, EVERYTHING, sort=sort)
    assert len({key for page in pages for key in page}) == 100
    assert await keys(catalog, EVERYTHING, skip=100, limit=5) == []


async def test_nothing_sorts_first_and_last_when_descending(catalog: Catalog) -> None:
    await catalog.apply([study("1", StudyDate="20260101"), study("2"), study("3", StudyDate="20250101")])
    assert await keys(catalog, EVERYTHING, sort=("StudyDate",)) == ["2", "3", "1"]
    assert await keys(catalog, EVERYTHING, sort=("-StudyDate",)) == ["1", "3", "2"]


async def test_the_key_can_be_matched_and_sorted_by(catalog: Catalog) -> None:
    await catalog.apply([study(key) for key in ("2", "1", "3")])
    assert await keys(catalog, In("_id", ["3", "1"]), sort=("-_id",)) == ["3", "1"]


async def test_a_very_long_list_of_values_is_no_limit(catalog: Catalog) -> None:
    await catalog.apply([study(f"1.{number}", PatientID=f"P{number}") for number in range(50)])
    wanted = [f"P{number}" for number in range(40, 40_000)]
    assert await catalog.count("studies", In("PatientID", wanted)) == 10
    assert await catalog.count("studies", In("PatientID", [])) == 0


@pytest.mark.parametrize("pattern", ["a[b]*", "a%c*", "a_c*", "*'*", "*\\*", "*.*", "$*", "a\nb*", "(a|b)*", "?", "??"])
async def test_only_two_characters_of_a_pattern_are_special(catalog: Catalog, pattern: str) -> None:
    texts = [
        "a[b]c",
        "abc",
        "a%c",
        "axc",
        "a_c",
        "it's",
        "back\\slash",
        "a.b",
        "$where",
        "a\nbc",
        "(a|b)",
        "a",
        "ab",
        "é",
    ]
    await catalog.apply([study(str(index), PatientID=text) for index, text in enumerate(texts)])
    oracle = MemoryCatalog()
    await oracle.apply([study(str(index), PatientID=text) for index, text in enumerate(texts)])
    where = Wildcard("PatientID", pattern)
    assert sorted(await keys(catalog, where)) == sorted(await keys(oracle, where))


async def test_unknown_fields_and_collections_are_refused(catalog: Catalog) -> None:
    if isinstance(catalog, MemoryCatalog):
        pytest.skip("the oracle takes what it is given")
    for attempt in (
        catalog.find("studies", Equals("$where", "1"), fields=()),
        catalog.find("studies", EVERYTHING, fields=("NoSuchField",)),
        catalog.find("studies", EVERYTHING, fields=(), sort=("NoSuchField",)),
        catalog.find("no such collection", EVERYTHING, fields=()),
    ):
        with pytest.raises((ValueError, RadstreamError)):
            await attempt


# --- whatever is asked, the answer is that of the definitions ---------------------------------------------------------

_TEXTS = st.sampled_from(["", "a", "A", "ab", "abc", "b", "é", "z*", "a?", "[a]", "a%", "20260101", "20260102"])
_NUMBERS = st.sampled_from([-1, 0, 1, 2, 1 << 40])
_DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "PatientID": _TEXTS,
            "StudyDate": _TEXTS,
            "StudyDescription_folded": _TEXTS,
            "NumberOfStudyRelatedInstances": _NUMBERS,
            "ModalitiesInStudy": st.lists(_TEXTS, max_size=3),
            "PatientName_folded": st.lists(_TEXTS, max_size=3),
        },
    ),
    max_size=12,
)
_TEXT_FIELDS = st.sampled_from(["PatientID", "StudyDate", "StudyDescription_folded"])
_LIST_FIELDS = st.sampled_from(["ModalitiesInStudy", "PatientName_folded"])
_PATTERNS = st.lists(st.sampled_from(["*", "?", "a", "b", "[", "%", "2026", "é"]), max_size=4).map("".join)
_LEAVES = st.one_of(
    st.builds(Equals, _TEXT_FIELDS | _LIST_FIELDS, _TEXTS),
    st.builds(Equals, st.just("NumberOfStudyRelatedInstances"), _NUMBERS),
    st.builds(In, _TEXT_FIELDS | _LIST_FIELDS, st.lists(_TEXTS, max_size=4)),
    st.builds(Range, _TEXT_FIELDS, st.none() | _TEXTS, st.none() | _TEXTS),
    st.builds(Range, st.just("NumberOfStudyRelatedInstances"), st.none() | _NUMBERS, st.none() | _NUMBERS),
    st.builds(Wildcard, _TEXT_FIELDS | _LIST_FIELDS, _PATTERNS),
    st.builds(Exists, _TEXT_FIELDS | _LIST_FIELDS | st.just("NumberOfStudyRelatedInstances"), st.booleans()),
)
_PREDICATES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)
_SORTS = st.lists(
    st.sampled_from(["StudyDate", "-StudyDate", "-NumberOfStudyRelatedInstances", "PatientID"]), max_size=2, unique=True
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=_DOCUMENTS, predicates=st.lists(_PREDICATES, min_size=1, max_size=4), sort=_SORTS)
async def test_every_answer_is_that_of_the_definitions(
    catalog: Catalog, documents: Sequence[dict[str, Any]], predicates: Sequence[Predicate], sort: Sequence[str]
) -> None:
    oracle = MemoryCatalog()
    there = [Delete("studies", key) for key in await keys(catalog, EVERYTHING)]
    puts = [Put("studies", f"1.{index}", document) for index, document in enumerate(documents)]
    await catalog.apply([*there, *puts])
    await oracle.apply(puts)
    for where in predicates:
        options: dict[str, Any] = {"fields": ("PatientID", "ModalitiesInStudy"), "sort": sort, "skip": 1, "limit": 5}
        assert await catalog.find("studies", where, **options) == await oracle.find("studies", where, **options), where
        assert await catalog.count("studies", where) == await oracle.count("studies", where), where
