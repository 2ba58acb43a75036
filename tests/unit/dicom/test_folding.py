"""Texts folded for matching: case, accents and white space do not matter, scripts do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dicom.folding import fold, fold_person_name


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("Mu\u0308ller", "muller"),
        ("  ÉCOLE   Saint-Jean ", "ecole saint-jean"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("ﬁbroma Ａ１", "fibroma a1"),
        ("ΑΘΗΝΑ", "αθηνα"),
        ("Αθήνα", "αθηνα"),
        ("ΟΔΟΣ", "οδοσ"),
        ("Ёлка", "елка"),
        ("山田", "山田"),
        ("やまだ", "やまだ"),
        ("がが", "がが"),
        ("김희중", "김희중"),
        ("شَمْس", "شمس"),
        ("हिन्दी", "हिन्दी"),
        ("İstanbul", "istanbul"),
        ("Sørensen Łukasz Đoković Ægir", "sorensen lukasz dokovic aegir"),
        ("a\tb\u3000c\n", "a b c"),
        ("", ""),
    ],
)
def test_case_accents_and_white_space_do_not_matter_for_matching(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_voicing_marks_make_other_letters() -> None:
    assert fold("か") != fold("が")
    assert fold("は") != fold("ぱ")


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_upper_and_lower_case_are_folded_alike(text: str) -> None:
    assert fold(text.upper()) == fold(text.upper().lower())


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("Doe^Jane^^Dr", ["doe^jane^^dr"]),
        ("Doe^^", ["doe"]),
        (" Doe ^ Jane ", ["doe^jane"]),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ["yamada^tarou", "山田^太郎", "やまだ^たろう"]),
        ("=山田", ["山田"]),
        ("^^", []),
        ("==", []),
        ("", []),
    ],
)
def test_each_group_of_a_name_is_folded(name: str, groups: list[str]) -> None:
    assert fold_person_name(name) == groups
