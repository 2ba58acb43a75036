"""What every catalog promises of `apply` (`radstream/catalog/port.py`)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from radstream.catalog.filters import EVERYTHING, Equals, Exists, Wildcard
from radstream.catalog.port import Catalog, Delete, Document, Operation, Put, PutEarliest, Set

STUDY_FIELDS = ("StudyInstanceUID", "PatientID", "StudyDate", "ModalitiesInStudy", "NumberOfStudyRelatedInstances")
ODD_TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "*?[]%_'\"\\",
    "line\r\nfeed\ttab",
    "Müller^Jürgen=山田^太郎=やまだ^たろう",
    "e\u0301 is not é",
    "\ufffd\ufffe\uffff",
    "\U0001f600\U0010ffff",
    "x" * 100_000,
]
LONE_SURROGATE = "\ud800"


def study(key: str, **fields: Any) -> Put:
    return Put("studies", key, {"StudyInstanceUID": key, **fields})


async def all_of(catalog: Catalog, *fields: str) -> list[Document]:
    return await catalog.find("studies", EVERYTHING, fields=fields)


async def test_a_document_reads_as_it_was_put(catalog: Catalog) -> None:
    values = {
        "PatientID": "P-1 'quoted' ünïcode \U0001f600",
        "ModalitiesInStudy": ["CT", "MR", "CT", ""],
        "NumberOfStudyRelatedInstances": -5,
        "qido": b'{"a":1}\x00\xff',
        "attributes": bytes(range(256)) * 400,
    }
    await catalog.apply([study("1.2", **values)])
    (found,) = await catalog.find("studies", Equals("_id", "1.2"), fields=tuple(values))
    assert found == {"_id": "1.2", **values}


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text)[:30])
async def test_any_text_is_kept_as_it_is(catalog: Catalog, text: str) -> None:
    await catalog.apply([Put("studies", text, {"PatientID": text, "ModalitiesInStudy": [text, "x", text]})])
    for where in (Equals("_id", text), Equals("PatientID", text), Equals("ModalitiesInStudy", text)):
        (found,) = await catalog.find("studies", where, fields=("PatientID", "ModalitiesInStudy"))
        assert found == {"_id": text, "PatientID": text, "ModalitiesInStudy": [text, "x", text]}


@pytest.mark.parametrize("number", [-(1 << 63), -1, 0, 1 << 53, (1 << 63) - 1])
async def test_any_integer_of_64_bits_is_kept_and_found(catalog: Catalog, number: int) -> None:
    await catalog.apply([study("1", NumberOfStudyRelatedInstances=number)])
    where = Equals("NumberOfStudyRelatedInstances", number)
    (found,) = await catalog.find("studies", where, fields=("NumberOfStudyRelatedInstances",))
    assert found["NumberOfStudyRelatedInstances"] == number


async def test_megabytes_are_kept_in_a_field_that_is_large_and_in_one_that_is_not(catalog: Catalog) -> None:
    large, small = bytes(range(256)) * 20_000, b"\xff" * 1_000_000
    await catalog.apply([study("1", attributes=large, qido=small), study("2", attributes=b"", qido=b"")])
    one, two = await all_of(catalog, "attributes", "qido")
    assert (one["attributes"], one["qido"]) == (large, small)
    assert (two["attributes"], two["qido"]) == (b"", b"")
    assert await catalog.count("studies", Exists("attributes")) == 2


async def test_what_was_not_given_reads_as_nothing(catalog: Catalog) -> None:
    await catalog.apply([Put("studies", "1.2", {})])
    (found,) = await all_of(catalog, *STUDY_FIELDS, "attributes")
    assert found == {"_id": "1.2", **dict.fromkeys((*STUDY_FIELDS, "attributes")), "ModalitiesInStudy": []}


async def test_the_key_of_the_operation_counts_not_one_in_the_document(catalog: Catalog) -> None:
    await catalog.apply([Put("studies", "1", {"_id": "2"}), Set("studies", "1", {"_id": "3", "StudyID": "s"})])
    assert await all_of(catalog, "_id", "StudyID") == [{"_id": "1", "StudyID": "s"}]


async def test_put_replaces_all_of_a_document(catalog: Catalog) -> None:
    await catalog.apply([study("1.2", PatientID="A", ModalitiesInStudy=["CT"], attributes=b"long")])
    await catalog.apply([study("1.2", StudyDate="20260101")])
    (found,) = await all_of(catalog, *STUDY_FIELDS, "attributes")
    assert (found["PatientID"], found["ModalitiesInStudy"], found["attributes"]) == (None, [], None)
    assert await catalog.count("studies", Equals("ModalitiesInStudy", "CT")) == 0
    assert await catalog.count("studies", Exists("attributes")) == 0


async def test_set_changes_what_it_names_and_nothing_else(catalog: Catalog) -> None:
    await catalog.apply([study("1", PatientID="A", ModalitiesInStudy=["CT"], attributes=b"long", StudyID="s")])
    await catalog.apply([Set("studies", "1", {"PatientID": "B", "StudyID": None})])
    (found,) = await all_of(catalog, "PatientID", "StudyID", "ModalitiesInStudy", "attributes")
    assert found == {
        "_id": "1", "PatientID": "B", "StudyID": None, "ModalitiesInStudy": ["CT"], "attributes": b"long"
    }  # fmt: skip


async def test_set_changes_lists_and_large_fields_and_what_is_found_by_them(catalog: Catalog) -> None:
    await catalog.apply([study("1", ModalitiesInStudy=["CT", "MR"], attributes=b"1"), study("2")])
    changes = {"ModalitiesInStudy": ["MR", "US"], "attributes": None}
    await catalog.apply(
        [Set("studies", "1", changes), Set("studies", "2", {"attributes": b"2"}), Set("studies", "2", {})]
    )
    (one, two) = await all_of(catalog, "ModalitiesInStudy", "attributes")
    assert (one["ModalitiesInStudy"], one["attributes"], two["attributes"]) == (["MR", "US"], None, b"2")
    counts = [await catalog.count("studies", Equals("ModalitiesInStudy", each)) for each in ("CT", "MR", "US")]
    assert counts == [0, 1, 1]
    await catalog.apply([Set("studies", "1", {"ModalitiesInStudy": []})])
    assert await catalog.count("studies", Exists("ModalitiesInStudy")) == 0


async def test_set_and_delete_of_what_is_not_there_do_nothing(catalog: Catalog) -> None:
    await catalog.apply([Set("studies", "9", {"PatientID": "B", "attributes": b"x"}), Delete("studies", "9")])
    assert await catalog.count("studies", EVERYTHING) == 0


async def test_what_is_deleted_is_found_by_no_field_and_leaves_nothing_for_its_successor(catalog: Catalog) -> None:
    await catalog.apply([study("1.2", ModalitiesInStudy=["CT"], PatientID="A", attributes=b"x")])
    await catalog.apply([Delete("studies", "1.2")])
    for where in (EVERYTHING, Equals("ModalitiesInStudy", "CT"), Equals("PatientID", "A"), Wildcard("_id", "1*")):
        assert await catalog.count("studies", where) == 0
    await catalog.apply([PutEarliest("studies", "1.2", {"order": "z"})])
    (found,) = await all_of(catalog, "PatientID", "ModalitiesInStudy", "attributes", "order")
    assert found == {"_id": "1.2", "PatientID": None, "ModalitiesInStudy": [], "attributes": None, "order": "z"}


async def test_operations_take_effect_in_their_order(catalog: Catalog) -> None:
    await catalog.apply(
        [study("1"), Delete("studies", "1"), study("1", PatientID="A"), Set("studies", "1", {"PatientID": "B"})]
    )
    assert await all_of(catalog, "PatientID") == [{"_id": "1", "PatientID": "B"}]


@pytest.mark.parametrize(
    "operation",
    [
        study("1", PatientID="A", ModalitiesInStudy=["CT"]),
        PutEarliest("studies", "0", {"order": "a", "PatientID": "A"}),
        Set("studies", "0", {"PatientID": "A", "ModalitiesInStudy": ["CT"]}),
        Delete("studies", "0"),
    ],
    ids=lambda operation: type(operation).__name__,
)
async def test_every_operation_may_be_repeated(catalog: Catalog, operation: Operation) -> None:
    await catalog.apply([study("0", StudyID="s"), operation])
    once = await all_of(catalog, "PatientID", "ModalitiesInStudy", "order", "StudyID")
    await catalog.apply([operation, operation])
    await catalog.apply([operation])
    assert await all_of(catalog, "PatientID", "ModalitiesInStudy", "order", "StudyID") == once


async def test_nothing_to_do_is_done(catalog: Catalog) -> None:
    await catalog.apply([])
    assert await catalog.count("studies", EVERYTHING) == 0


async def test_collections_are_made_again_without_harm_and_do_not_mix(catalog: Catalog) -> None:
    await catalog.apply([study("1"), Put("series", "1", {"Modality": "CT"})])
    await catalog.create_collections()
    await catalog.apply([Delete("series", "1")])
    await catalog.check()
    assert [await catalog.count(name, EVERYTHING) for name in ("studies", "series")] == [1, 0]


async def test_many_at_once_lose_nothing(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(catalog.apply([study(f"1.{number}", PatientID=f"P{number % 7}")]))
    assert await catalog.count("studies", EVERYTHING) == 200
    assert await catalog.count("studies", Equals("PatientID", "P3")) == 29


async def test_many_at_once_on_one_document_each_change_their_own_field(catalog: Catalog) -> None:
    names = ("PatientID", "StudyID", "StudyDate", "StudyTime", "AccessionNumber", "site", "PatientSex", "patient_key")
    await catalog.apply([Put("studies", "1", {})])
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(catalog.apply([Set("studies", "1", {name: name.lower()})]))
    assert await all_of(catalog, *names) == [{"_id": "1", **{name: name.lower() for name in names}}]


async def test_a_document_is_never_seen_half_changed(catalog: Catalog) -> None:
    async def change() -> None:
        for number in range(30):
            mark = str(number)
            await catalog.apply([study("1", PatientID=mark, ModalitiesInStudy=[mark], attributes=mark.encode())])

    await catalog.apply([study("1", PatientID="-", ModalitiesInStudy=["-"], attributes=b"-")])
    changing = asyncio.create_task(change())
    while not changing.done():
        (found,) = await all_of(catalog, "PatientID", "ModalitiesInStudy", "attributes")
        assert found["ModalitiesInStudy"] == [found["PatientID"]]
        assert found["attributes"] == found["PatientID"].encode()
        await asyncio.sleep(0)
    await changing


@pytest.mark.parametrize(
    "operation",
    [
        Put("studies", "1", {"NoSuchField": "x"}),
        Put("no such collection", "1", {}),
        Delete("no such collection", "1"),
        Set("studies", "1", {"$set": "x"}),
        Put("studies", LONE_SURROGATE, {}),
        Put("studies", 5, {}),  # type: ignore[arg-type]
        Put("studies", "1", {"PatientID": LONE_SURROGATE}),
        Put("studies", "1", {"ModalitiesInStudy": ["CT", LONE_SURROGATE]}),
        Put("studies", "1", {"PatientID": 5}),
        Put("studies", "1", {"PatientID": b"bytes"}),
        Put("studies", "1", {"PatientID": ["list"]}),
        Put("studies", "1", {"ModalitiesInStudy": "CT"}),
        Put("studies", "1", {"ModalitiesInStudy": [1]}),
        Put("studies", "1", {"attributes": "text"}),
        Put("studies", "1", {"NumberOfStudyRelatedInstances": "1"}),
        Put("studies", "1", {"NumberOfStudyRelatedInstances": 1.5}),
        Put("studies", "1", {"NumberOfStudyRelatedInstances": True}),
        Put("studies", "1", {"NumberOfStudyRelatedInstances": 1 << 63}),
        Put("studies", "1", {"NumberOfStudyRelatedInstances": -(1 << 63) - 1}),
        PutEarliest("studies", "1", {"PatientID": "without an order"}),
        PutEarliest("studies", "1", {"order": None}),
        PutEarliest("conflicts", "1", {"stored_at": "in a collection without orders"}),
    ],
    ids=lambda operation: ascii(operation)[:80],
)
async def test_what_does_not_fit_its_collection_is_refused_and_harms_no_neighbour(
    catalog: Catalog, operation: Operation
) -> None:
    outcomes = await asyncio.gather(
        catalog.apply([study("good")]),
        catalog.apply([study("together with a bad one"), operation]),
        catalog.apply([study("other")]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], ValueError | TypeError)
    assert (outcomes[0], outcomes[2]) == (None, None)
    assert [each["_id"] for each in await all_of(catalog)] == ["good", "other"]
