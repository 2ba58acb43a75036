"""Values by VR: what DICOM JSON has for them, and which are bad."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dicom.charset import DEFAULT_CHARACTER_SET, CharacterSet
from radstream.dicom.dictionary import BULK_VRS
from radstream.dicom.values import CONVERTERS, LARGEST_EXACT_INTEGER, to_little_endian

UTF8 = CharacterSet(("utf-8",))


def convert(vr: str, value: bytes, order: str = "<", charset: CharacterSet = DEFAULT_CHARACTER_SET) -> Any:
    return CONVERTERS[vr](value, charset, order)


@pytest.mark.parametrize(
    ("vr", "value", "values", "is_good"),
    [
        ("IS", b"12", [12], True),
        ("IS", b" +12 ", [12], True),
        ("IS", b"1\\\\-3 ", [1, None, -3], True),
        ("IS", b"1A", ["1A"], False),
        ("IS", b"1.5\\2", ["1.5", 2], False),
        ("IS", "١٢".encode(), ["Ù¡Ù¢"], False),
        ("IS", b"999999999999999", [999_999_999_999_999], True),
        ("IS", b"9999999999999999", ["9999999999999999"], False),
        ("DS", b"1.5\\\\3 ", [1.5, None, 3.0], True),
        ("DS", b"-.5E-3\\+1.\\ 007", [-0.0005, 1.0, 7.0], True),
        ("DS", b"1e999 ", ["1e999"], False),
        ("DS", b"nan \\inf", ["nan", "inf"], False),
        ("DS", b"1,5\\1_0\\.\\e5\\", ["1,5", "1_0", ".", "e5", None], False),
        ("US", b"\1\0\2\0", [1, 2], True),
        ("US", b"\1\0\2", [1], False),
        ("US", b"\1", [], False),
        ("SS", b"\xff\xff", [-1], True),
        ("UL", b"\xff\xff\xff\xff", [0xFFFFFFFF], True),
        ("SL", b"\xff\xff\xff\xff", [-1], True),
        ("UV", struct.pack("<3Q", 7, 1 << 53, (1 << 53) + 1), [7, 1 << 53, str((1 << 53) + 1)], True),
        ("SV", struct.pack("<2q", -(1 << 60), -7), [str(-(1 << 60)), -7], True),
        ("FL", struct.pack("<f", 0.5), [0.5], True),
        ("FL", struct.pack("<3f", 1, float("nan"), float("inf")), [1.0, "NaN", "Infinity"], False),
        ("FD", struct.pack("<d", float("-inf")), ["-Infinity"], False),
        ("FD", struct.pack("<d", 0.1) + b"\0", [0.1], False),
        ("AT", b"\x18\0\x63\x10", ["00181063"], True),
        ("AT", b"\x18\0\x63\x10\x18\0", ["00181063"], False),
        ("PN", b"Doe^J==phon ", [{"Alphabetic": "Doe^J", "Phonetic": "phon"}], True),
        ("PN", b"=ideo", [{"Ideographic": "ideo"}], True),
        ("PN", b"A^B\\\\C ", [{"Alphabetic": "A^B"}, None, {"Alphabetic": "C"}], True),
        ("PN", b"== ", [], True),
        ("PN", b"M\xfcller", [{"Alphabetic": "Müller"}], False),
        ("CS", b"A \\\\ B", ["A", None, "B"], True),
        ("CS", b"\\", [], True),
        ("CS", b"\xc4", ["Ä"], False),
        ("LO", b"  ", [], True),
        ("LO", b" a\\b ", [" a", "b"], True),
        ("LT", b" a\\b \0", [" a\\b"], True),
        ("UT", b" ", [], True),
        ("UC", b"a\\b", ["a", "b"], True),
        ("UR", b"http://x/a\\b ", ["http://x/a\\b"], True),
        ("UR", b" ", [], True),
        ("UI", b"1.2.3\0", ["1.2.3"], True),
        ("UI", b"1.2\\1.3\0", ["1.2", "1.3"], True),
        ("DA", b"19700101", ["19700101"], True),
        ("TM", b"101010.5 ", ["101010.5"], True),
        ("AE", b" RAD ", ["RAD"], True),
        ("AS", b"045Y", ["045Y"], True),
        ("DT", b"2000 ", ["2000"], True),
    ],
)
def test_a_value_is_given_or_said_to_be_bad(vr: str, value: bytes, values: list[Any], is_good: bool) -> None:
    assert convert(vr, value) == (values, is_good)


def test_big_endian_numbers_are_read_as_such() -> None:
    assert convert("US", b"\1\0\0\2", ">") == ([256, 2], True)
    assert convert("FD", struct.pack(">d", 0.1), ">") == ([0.1], True)
    assert convert("AT", b"\0\x18\x10\x63", ">") == (["00181063"], True)


@given(st.sampled_from(sorted(CONVERTERS)), st.binary(max_size=60), st.sampled_from("<>"))
def test_whatever_the_bytes_are_there_is_a_value(vr: str, value: bytes, order: str) -> None:
    values, is_good = convert(vr, value, order)
    assert isinstance(values, list)
    assert isinstance(is_good, bool)
    assert not values or any(each is not None for each in values), "a value of nothing but nulls is none"


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=5))
def test_integers_that_json_would_round_are_text(numbers: list[int]) -> None:
    values, _ = convert("SV", struct.pack(f"<{len(numbers)}q", *numbers))
    assert [int(value) for value in values] == numbers
    assert all(isinstance(value, str) == (abs(int(value)) > LARGEST_EXACT_INTEGER) for value in values)


@pytest.mark.parametrize("text", ["1" * 200_000 + "x", "1." + "1" * 200_000 + "x", "1" * 200_000])
@pytest.mark.parametrize("vr", ["DS", "IS"])
def test_a_long_row_of_digits_takes_linear_time(vr: str, text: str) -> None:
    """With quadratic time this would not end before the test's limit."""
    assert convert(vr, text.encode()) == ([text], False)


@given(st.sampled_from(sorted(BULK_VRS)), st.binary(max_size=40))
def test_words_are_reversed_and_a_rest_is_left(vr: str, value: bytes) -> None:
    size = {"OW": 2, "OL": 4, "OF": 4, "OV": 8, "OD": 8}.get(vr, 1)
    words = [value[at : at + size] for at in range(0, len(value), size)]
    swapped = b"".join(word[::-1] if len(word) == size else word for word in words)
    assert to_little_endian(value, vr) == swapped


def test_many_values_are_all_there() -> None:
    numbers = [random.Random(1).randrange(1000) for _ in range(5000)]
    assert convert("DS", "\\".join(map(str, numbers)).encode()) == (numbers, True)
    assert convert("LO", "\\".join(map(str, numbers)).encode(), charset=UTF8) == ([str(n) for n in numbers], True)
