from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Range, Wildcard
from radstream.catalog.mongo.predicates import compile_predicate, to_expression
from radstream.catalog.mongo.schema import Schema
from radstream.contract.documents import INSTANCES, STUDIES
from radstream.contract.errors import MalformedRequest

STUDY = Schema(STUDIES)
NEVER = {"_id": {"$in": []}}


def matches(pattern: str, text: str) -> bool:
    """Tell whether `pattern` matches, as its definition reads: any text for ``*``, any one character for ``?``."""
    reachable = {0}
    for character in pattern:
        if character == "*":
            reachable = set(range(min(reachable), len(text) + 1)) if reachable else set()
        else:
            reachable = {n + 1 for n in reachable if n < len(text) and character in ("?", text[n])}
    return len(text) in reachable


@given(pattern=st.text("ab*?.\n", max_size=9), text=st.text("ab.\n", max_size=9))
def test_expression_matches_what_the_pattern_matches(pattern: str, text: str) -> None:
    expression = to_expression(pattern).replace(r"\z", r"\Z")  # which is how Python spells it
    assert (re.match(expression, text, re.DOTALL) is not None) is matches(pattern, text)


@pytest.mark.parametrize("special", list(".^$*+?()[]{}|\\-/#&~ "))
def test_special_characters_are_only_themselves(special: str) -> None:
    if special in "*?":
        return
    expression = to_expression(f"{special}*").replace(r"\z", r"\Z")
    assert re.match(expression, f"{special}x", re.DOTALL)
    assert not re.match(expression, f"x{special}", re.DOTALL)


def test_expression_holds_no_nul() -> None:
    assert "\0" not in to_expression("a\0*")


def test_pattern_with_prefix_is_a_range_for_the_index() -> None:
    assert compile_predicate(Wildcard("StudyID", "ab*"), STUDY) == {"StudyID": {"$gte": "ab", "$lt": "ac"}}


def test_pattern_without_wildcard_is_an_equality() -> None:
    assert compile_predicate(Wildcard("StudyID", "a.b"), STUDY) == {"StudyID": {"$eq": "a.b"}}


def test_both_ends_of_a_pattern_are_about_one_element() -> None:
    condition = compile_predicate(Wildcard("ModalitiesInStudy", "C*"), STUDY)
    assert condition == {"ModalitiesInStudy": {"$elemMatch": {"$gte": "C", "$lt": "D"}}}


def test_prefix_at_the_end_of_unicode_has_no_upper_bound() -> None:
    assert compile_predicate(Wildcard("StudyID", "\U0010ffff*"), STUDY) == {"StudyID": {"$gte": "\U0010ffff"}}


def test_prefix_before_the_surrogates_is_bounded_behind_them() -> None:
    assert compile_predicate(Wildcard("StudyID", "\ud7ff*"), STUDY) == {"StudyID": {"$gte": "\ud7ff", "$lt": "\ue000"}}


@pytest.mark.parametrize(
    "where",
    [
        Or([]),
        In("StudyID", []),
        Equals("StudyID", 1),
        Equals("is_complete", "1"),
        Equals("is_complete", 1 << 63),
        Equals("StudyID", "\ud800"),
        Wildcard("is_complete", "*"),
        Wildcard("StudyID", "\ud800*"),
        Range("is_complete", "a", None),
        Range("is_complete", 1 << 63, None),
        Range("is_complete", None, -(1 << 70)),
    ],
)
def test_what_no_document_can_meet_is_never(where: Or | In | Equals | Wildcard | Range) -> None:
    assert compile_predicate(where, STUDY) == NEVER


def test_bound_that_every_value_meets_asks_for_a_value_only() -> None:
    assert compile_predicate(Range("is_complete", -(1 << 70), 1 << 70), STUDY) == {"is_complete": {"$ne": None}}
    assert compile_predicate(Range("is_complete", -(1 << 70), 3), STUDY) == {"is_complete": {"$lte": 3}}


def test_nothing_asked_is_everything() -> None:
    assert compile_predicate(And([]), STUDY) == {}
    assert compile_predicate(Not(And([])), STUDY) == {"$nor": [{}]}


@pytest.mark.parametrize(
    "where",
    [
        Equals("nothing", "x"),
        Exists("nothing"),
        Equals("qido", "x"),
        Wildcard("qido", "*"),
        Range("qido", "A", "B"),
    ],
)
def test_predicate_that_is_not_for_a_field_is_refused(where: Equals | Exists | Wildcard | Range) -> None:
    with pytest.raises(ValueError, match="field"):
        compile_predicate(where, STUDY)


@pytest.mark.parametrize("where", [Wildcard("StudyID", 1025 * "?"), Range("StudyID", "\ud800", None)])
def test_predicate_that_means_nothing_is_malformed(where: Wildcard | Range) -> None:
    with pytest.raises(MalformedRequest):
        compile_predicate(where, STUDY)


def test_every_sort_ends_with_the_key() -> None:
    assert STUDY.sort(["-StudyDate", "StudyTime"]) == [("StudyDate", -1), ("StudyTime", 1), ("_id", 1)]
    assert STUDY.sort(["-_id"]) == [("_id", -1)]
    assert STUDY.sort([]) == [("_id", 1)]


@pytest.mark.parametrize("name", ["ModalitiesInStudy", "-qido", "nothing"])
def test_documents_are_not_sorted_by_lists_bytes_or_nothing(name: str) -> None:
    with pytest.raises(ValueError, match="field"):
        STUDY.sort([name])


def test_every_declared_index_ends_with_the_key() -> None:
    indexes = [list(index.document["key"].items()) for index in Schema(INSTANCES).indexes()]
    assert [("series_key", 1), ("InstanceNumber", 1), ("_id", 1)] in indexes
    assert len(indexes) == len(INSTANCES.indexes)
    assert all(index[-1] == ("_id", 1) for index in indexes)
