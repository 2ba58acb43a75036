"""What every catalog promises of `find` and `count` (`radstream/catalog/port.py`, `filters.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from radstream.catalog.filters import EVERYTHING, And, Equals, Exists, In, Not, Or, Predicate, Range, Wildcard
from radstream.catalog.port import Catalog, Delete, Put, PutEarliest, Set
from radstream.contract.errors import MalformedRequest
from tests.memory_catalog import MemoryCatalog

NUMBER = "NumberOfStudyRelatedInstances"


def study(key: str, **fields: Any) -> Put:
    return Put("studies", key, {"StudyInstanceUID": key, **fields})


async def keys(catalog: Catalog, where: Predicate, **options: Any) -> list[str]:
    return [found["_id"] for found in await catalog.find("studies", where, fields=(), **options)]


async def test_pages_neither_overlap_nor_leave_gaps(catalog: Catalog) -> None:
    await catalog.apply([study(f"1.{number:03}", StudyDate=f"2026{number % 3:04}") for number in range(100)])
    for sort in (("-StudyDate", "-StudyTime"), ("StudyDate",), ("-_id",), ()):
        pages = [await keys(catalog, EVERYTHING, sort=sort, skip=skip, limit=7) for skip in range(0, 105, 7)]
        assert [key for page in pages for key in page] == await keys(catalog, EVERYTHING, sort=sort)
        assert len({key for page in pages for key in page}) == 100
    assert await keys(catalog, EVERYTHING, skip=100, limit=5) == []
    assert await keys(catalog, EVERYTHING, skip=95) == [f"1.{number:03}" for number in range(95, 100)]
    assert await keys(catalog, EVERYTHING, limit=0) == []
    assert await keys(catalog, EVERYTHING, skip=10**9, limit=10**9) == []


async def test_pages_of_what_was_matched_are_in_the_order_of_the_sort(catalog: Catalog) -> None:
    await catalog.apply(
        [study(f"{n:03}", PatientID=f"P{n % 2}", StudyDate=f"{n % 5}", ModalitiesInStudy=["CT"]) for n in range(60)]
    )
    wanted = sorted(range(0, 60, 2), key=lambda n: (-(n % 5), n))
    for where in (Equals("PatientID", "P0"), And([Equals("ModalitiesInStudy", "CT"), Wildcard("PatientID", "*0")])):
        found = [await keys(catalog, where, sort=("-StudyDate",), skip=skip, limit=8) for skip in range(0, 32, 8)]
        assert [key for page in found for key in page] == [f"{n:03}" for n in wanted]


async def test_nothing_sorts_first_and_last_when_descending(catalog: Catalog) -> None:
    await catalog.apply(
        [study("1", StudyDate="20260101", **{NUMBER: 0}), study("2"), study("3", StudyDate="", **{NUMBER: -1})]
    )
    assert await keys(catalog, EVERYTHING, sort=("StudyDate",)) == ["2", "3", "1"]
    assert await keys(catalog, EVERYTHING, sort=("-StudyDate",)) == ["1", "3", "2"]
    assert await keys(catalog, EVERYTHING, sort=(NUMBER,)) == ["2", "3", "1"]
    assert await keys(catalog, EVERYTHING, sort=(f"-{NUMBER}",)) == ["1", "3", "2"]


async def test_text_sorts_by_its_code_points(catalog: Catalog) -> None:
    texts = ["", "\0", "A", "Z", "a", "a\0", "aa", "b", "z", "é", "\ud7ff", "\ue000", "\uffff", "\U00010000"]
    assert texts == sorted(texts)
    await catalog.apply([study(str(len(texts) - index), PatientID=text) for index, text in enumerate(texts)])
    found = await catalog.find("studies", EVERYTHING, fields=("PatientID",), sort=("PatientID",))
    assert [each["PatientID"] for each in found] == texts
    assert await catalog.count("studies", Range("PatientID", "a", "z")) == 5


async def test_the_key_is_matched_and_sorted_by_as_any_text(catalog: Catalog) -> None:
    await catalog.apply([study(key) for key in ("2", "1", "3", "1.5")])
    assert await keys(catalog, In("_id", ["3", "1", "4"]), sort=("-_id",)) == ["3", "1"]
    assert await keys(catalog, Range("_id", "1.5", "2")) == ["1.5", "2"]
    assert await keys(catalog, Wildcard("_id", "1*")) == ["1", "1.5"]
    assert await keys(catalog, Wildcard("_id", "*5")) == ["1.5"]
    assert await keys(catalog, Not(Equals("_id", "1")), sort=("_id",)) == ["1.5", "2", "3"]
    assert await keys(catalog, Exists("_id")) == ["1", "1.5", "2", "3"]
    assert await keys(catalog, Exists("_id", False)) == []
    assert await catalog.find("studies", Equals("_id", "3"), fields=("_id",)) == [{"_id": "3"}]


async def test_empty_text_is_a_value_and_an_empty_list_is_none(catalog: Catalog) -> None:
    await catalog.apply(
        [study("1", PatientID="", ModalitiesInStudy=[""]), study("2", ModalitiesInStudy=[]), study("3")]
    )
    assert await keys(catalog, Exists("PatientID")) == ["1"]
    assert await keys(catalog, Equals("PatientID", "")) == ["1"]
    assert await keys(catalog, Exists("ModalitiesInStudy")) == ["1"]
    assert await keys(catalog, Exists("ModalitiesInStudy", False)) == ["2", "3"]
    for field in ("PatientID", "ModalitiesInStudy"):
        assert await keys(catalog, Wildcard(field, "*")) == ["1"]
        assert await keys(catalog, Not(Wildcard(field, "*"))) == ["2", "3"]
    assert await keys(catalog, Range("PatientID")) == ["1"]


async def test_a_list_is_matched_element_by_element(catalog: Catalog) -> None:
    await catalog.apply([study("1", ModalitiesInStudy=["CT", "SEG"]), study("2", ModalitiesInStudy=["MR"])])
    assert await keys(catalog, Equals("ModalitiesInStudy", "SEG")) == ["1"]
    assert await keys(catalog, Not(Equals("ModalitiesInStudy", "CT"))) == ["2"]
    assert await keys(catalog, And([Equals("ModalitiesInStudy", each) for each in ("CT", "SEG")])) == ["1"]
    assert await keys(catalog, Wildcard("ModalitiesInStudy", "C*G")) == []
    assert await keys(catalog, Wildcard("ModalitiesInStudy", "?R")) == ["2"]
    assert await keys(catalog, Equals("ModalitiesInStudy", '"CT"')) == []


async def test_all_and_one_of_nothing(catalog: Catalog) -> None:
    await catalog.apply([study("1")])
    answers = [
        await keys(catalog, where) for where in (And([]), Or([]), Not(And([])), Not(Or([])), In("PatientID", []))
    ]
    assert answers == [["1"], [], [], ["1"], []]


@pytest.mark.parametrize("field", ["PatientID", "ModalitiesInStudy", "_id", NUMBER])
async def test_a_very_long_list_of_values_is_no_limit(catalog: Catalog, field: str) -> None:
    is_number = field == NUMBER
    for number in range(50):
        value: Any = {"ModalitiesInStudy": [f"P{number}", "x"], NUMBER: number}.get(field, f"P{number}")
        await catalog.apply([Put("studies", f"P{number}", {} if field == "_id" else {field: value})])
    wanted = [number if is_number else f"P{number}" for number in range(40, 40_000)]
    assert await catalog.count("studies", In(field, wanted)) == 10
    assert len(await keys(catalog, And([In(field, wanted), Exists(field)]), sort=("-StudyDate",))) == 10
    assert await catalog.count("studies", Not(In(field, wanted))) == 40


async def test_a_long_list_of_odd_values_finds_these_and_no_others(catalog: Catalog) -> None:
    texts = ["a", "a\0", "a\0b", "\0", "", '"', "\\", "\ufffd", "\uffff"]
    await catalog.apply([study(str(index), PatientID=text) for index, text in enumerate(texts)])
    filling = [f"P{number}" for number in range(200)]
    for index, text in enumerate(texts):
        assert await keys(catalog, In("PatientID", [*filling, text])) == [str(index)]


@pytest.mark.parametrize(
    "pattern",
    [
        "*smith*",
        "*th^jo*",
        "*hn\nsm*",
        "*ith",
        "*mi?h*oh*",
        '*"an*',
        "*' OR 1*",
        "*a\0b*",
        "*a\0bc*",
        "*\x01bc*",
        "*\ufffd\ufffd\ufffd*",
        "*田太郎*",
        "?mith^*",
        "**smi**ith**",
        "*" + "x" * 40 + "*",
        "*AND*",
        "*no such*",
    ],
    ids=ascii,
)
async def test_text_is_found_from_its_middle(catalog: Catalog, pattern: str) -> None:
    texts = [
        "smith^john",
        "smith",
        "john",
        "mith^",
        'say "and"',
        "' OR 1=1",
        "a\0bc",
        "a\x01bc",
        "\uffff" * 3,
        "山田太郎",
    ]
    texts += ["x" * 39, "x" * 41, "smi", "", "ith", "BAND"]
    await hold_to_the_definition(catalog, texts, pattern)


async def test_text_is_found_from_its_middle_as_it_is_now(catalog: Catalog) -> None:
    names = {"1": ["smith^john", "山田^太郎"], "2": ["blacksmith"], "3": ["smithers"]}
    await catalog.apply([study(key, PatientName_folded=value, PatientID="x smith x") for key, value in names.items()])
    await catalog.apply(
        [
            Set("studies", "1", {"PatientName_folded": ["miller"]}),
            Put("studies", "2", {"PatientName_folded": ["goldsmith", "x"]}),
            Delete("studies", "3"),
            PutEarliest("studies", "4", {"PatientName_folded": ["wordsmith"], "order": "2"}),
            PutEarliest("studies", "4", {"PatientName_folded": ["smithson"], "order": "3"}),
            PutEarliest("studies", "5", {"PatientName_folded": ["smithson"], "order": "3"}),
            PutEarliest("studies", "5", {"PatientName_folded": ["locke"], "order": "2"}),
        ]
    )
    assert await keys(catalog, Wildcard("PatientName_folded", "*smith*")) == ["2", "4"]
    assert await keys(catalog, Wildcard("PatientID", "*smith*")) == ["1"]
    assert await catalog.count("studies", Wildcard("PatientName_folded", "*smith*")) == 2
    assert await keys(catalog, And([Wildcard("PatientName_folded", "*ill*"), Exists("PatientID")])) == ["1"]


async def test_many_alternatives_are_no_limit(catalog: Catalog) -> None:
    await catalog.apply([study("1", PatientID="P1"), study("2", PatientID="P7", StudyID="s")])
    where = Or([And([Equals("PatientID", f"P{number}"), Exists("StudyID")]) for number in range(500)])
    assert await keys(catalog, where) == ["2"]


@pytest.mark.parametrize("pattern", ["a[b]*", "a%c*", "a_c*", "*'*", "*\\*", "*.*", "$*", "a\nb*", "(a|b)*", "?", "??"])
async def test_only_two_characters_of_a_pattern_are_special(catalog: Catalog, pattern: str) -> None:
    await hold_to_the_definition(
        catalog,
        ["a[b]c", "abc", "a%c", "axc", "a_c", "it's", "back\\slash", "a.b", "$where", "a\nbc", "(a|b)", "a", "ab", "é"],
        pattern,
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "a?b",
        "a*b",
        "?",
        "*\0*",
        "a\0*",
        "\0",
        "*\0",
        "?\0?",
        "*\ufffd*",
        "?\ufffe",
        "*\uffff",
        "*\U0010ffff",
        "\U0010ffff*",
    ],
    ids=ascii,
)
async def test_nul_and_noncharacters_are_matched_as_they_are(catalog: Catalog, pattern: str) -> None:
    texts = ["a\0b", "a", "ab", "\0", "\0\0", "a\0", "x\0y", "\ufffd", "x\ufffe", "x\uffff", "x\ufffd", "a\ufffdb"]
    await hold_to_the_definition(catalog, [*texts, "\U0010ffff", "\U0010ffffx", "a\U0001f600b", "ae\u0301b"], pattern)


async def hold_to_the_definition(catalog: Catalog, texts: Sequence[str], pattern: str) -> None:
    oracle = MemoryCatalog()
    for each in (catalog, oracle):
        await each.apply(
            [
                study(str(index), PatientID=text, ModalitiesInStudy=["-", text], PatientName_folded=["-", text])
                for index, text in enumerate(texts)
            ]
        )
    for field in ("PatientID", "ModalitiesInStudy", "PatientName_folded", "StudyInstanceUID"):
        where = Wildcard(field, pattern)
        assert await keys(catalog, where) == await keys(oracle, where)
        assert await keys(catalog, Not(where)) == await keys(oracle, Not(where))


async def test_a_pattern_cannot_be_made_to_take_for_ever(catalog: Catalog) -> None:
    await catalog.apply([study("1", StudyDescription_folded="a" * 2_000)])
    for pattern in ("*a" * 500 + "*b", "*?a" * 300 + "b", "a*" * 500 + "b", "*a" * 500 + "*\ufffd"):
        assert await keys(catalog, Wildcard("StudyDescription_folded", pattern)) == []


@pytest.mark.parametrize(
    "where",
    [
        Equals("PatientID", 5),
        Equals("PatientID", "\ud800"),
        Equals(NUMBER, "5"),
        Equals(NUMBER, 1 << 63),
        In(NUMBER, ["5", 1 << 70]),
        In("ModalitiesInStudy", [5, "\ud800"]),
        Range(NUMBER, "4", "6"),
        Range("StudyDate", 4, 6),
        Range(NUMBER, 6, 4),
        Range(NUMBER, 1 << 63, None),
        Wildcard(NUMBER, "*"),
        Wildcard("PatientID", "*\ud800"),
    ],
    ids=ascii,
)
async def test_what_no_field_can_hold_is_found_in_none(catalog: Catalog, where: Predicate) -> None:
    await catalog.apply([study("1", PatientID="5", StudyDate="5", ModalitiesInStudy=["5"], **{NUMBER: 5})])
    assert await keys(catalog, where) == []
    assert await keys(catalog, Not(where)) == ["1"]


async def test_bounds_beyond_64_bits_bound_as_any_number_does(catalog: Catalog) -> None:
    await catalog.apply([study("1", **{NUMBER: -(1 << 63)}), study("2", **{NUMBER: (1 << 63) - 1}), study("3")])
    assert await keys(catalog, Range(NUMBER, -(1 << 64), 1 << 64)) == ["1", "2"]
    assert await keys(catalog, Range(NUMBER, 0, 1 << 64)) == ["2"]
    assert await keys(catalog, Range(NUMBER, None, -(1 << 64))) == []


@pytest.mark.parametrize(
    ("where", "options"),
    [
        (Equals("$where", "1"), {}),
        (Or([And([Not(Exists("NoSuchField"))])]), {}),
        (Equals("qido", "x"), {}),
        (Wildcard("attributes", "*"), {}),
        (Range("qido", "A", "B"), {}),
        (EVERYTHING, {"fields": ("NoSuchField",)}),
        (EVERYTHING, {"sort": ("NoSuchField",)}),
        (EVERYTHING, {"sort": ("ModalitiesInStudy",)}),
        (EVERYTHING, {"sort": ("-qido",)}),
        (EVERYTHING, {"skip": -1}),
        (EVERYTHING, {"limit": -1}),
        (EVERYTHING, {"collection": "no such collection"}),
    ],
    ids=ascii,
)
async def test_what_is_not_declared_is_refused(catalog: Catalog, where: Predicate, options: dict[str, Any]) -> None:
    await catalog.apply([study("1")])
    with pytest.raises(ValueError):  # noqa: PT011 - each adapter in its own words
        await catalog.find(**{"collection": "studies", "where": where, "fields": ()} | options)


@pytest.mark.parametrize(
    "where", [Wildcard("PatientID", "*" * 1025), Range("StudyDate", "\ud800"), Not(Range("StudyDate", None, "\udfff"))]
)
async def test_what_means_nothing_is_malformed(catalog: Catalog, where: Predicate) -> None:
    for asking in (catalog.find("studies", where, fields=()), catalog.count("studies", where)):
        with pytest.raises(MalformedRequest):
            await asking
