"""Names that sound alike are found by one another; other names are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dicom.sounds import LONGEST_WORD, MOST_WORDS, sounds_in, sounds_of, words_of


@pytest.mark.parametrize(
    "spellings",
    [
        ("Meyer", "Maier", "Mayer", "Meier"),
        ("Schmidt", "Schmitt", "Smith", "Smyth"),
        ("Catherine", "Katarina", "Katharina"),
        ("Philipp", "Filip"),
        ("Müller", "Mueller", "Muller"),
        ("Johnson", "Jonson", "JOHNSON"),
        ("Ivanov", "Иванов", "Ivanow"),
        ("Papadopoulos", "Παπαδόπουλος"),
        ("Kim", "김"),
        ("Łukasz", "Lukasz"),
        ("O'Brien", "OBrien", "O’Brien"),
    ],
)
def test_spellings_of_one_name_share_a_sound(spellings: tuple[str, ...]) -> None:
    first, *others = ({*sounds_in(spelling)} for spelling in spellings)
    assert all(first & other for other in others)


@pytest.mark.parametrize(
    ("one", "other"), [("Meyer", "Miller"), ("Anna", "Hanno"), ("P0001", "P0002"), ("山田", "山本")]
)
def test_other_names_share_none(one: str, other: str) -> None:
    assert not {*sounds_in(one)} & {*sounds_in(other)}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Müller-Lüdenscheid^Anna Maria^^Dr.", ["muller", "ludenscheid", "anna", "maria", "dr"]),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ["yamada", "tarou", "山田", "太郎", "やまだ", "たろう"]),
        ("Smith, John", ["smith", "john"]),
        ("^^", []),
    ],
)
def test_words_of_all_components_count(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@given(st.text(max_size=2000))
def test_any_text_has_few_sounds(text: str) -> None:
    words = words_of(text)
    assert len(words) <= MOST_WORDS
    assert all(len(word) <= LONGEST_WORD and 1 <= len(sounds_of(word)) <= 2 for word in words)
