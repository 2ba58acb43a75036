"""DICOM JSON as bytes: pydicom reads what was meant, and nothing that comes breaks more than the request."""

from __future__ import annotations

import io
import math
import struct
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, parse_basic_offsets

from radstream.contract.errors import RejectedInstance
from radstream.dicom.elements import KNOWN_VRS
from radstream.dicom.encapsulation import Frames
from radstream.dicom.from_json import DataSet, encode_json, references
from radstream.dicom.json import read_header
from radstream.dicom.part10 import encode_meta
from radstream.dicom.written_decimal import LONGEST, decimal_string
from tests.dicom_bytes import EXPLICIT, Value


def bytes_of(data_set: DataSet) -> bytes:
    return b"".join(bytes(piece) for piece in data_set.pieces)


def read(attributes: dict[str, Any], **bulk: Value | Frames) -> Dataset:
    """Return what pydicom reads of the data set that `attributes` describe."""
    return pydicom.dcmread(io.BytesIO(encode_meta("1.2", "1.2", EXPLICIT) + bytes_of(encode_json(attributes, bulk))))


def entry(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


@pytest.mark.parametrize(
    ("tag", "said", "raw"),
    [
        ("00080050", entry("SH", "A1"), b"A1"),
        ("00080050", entry("SH", "A12"), b"A12 "),
        ("00080018", entry("UI", "1.2"), b"1.2\0"),
        ("00080008", entry("CS", "ORIGINAL", None, "AXIAL"), b"ORIGINAL\\\\AXIAL "),
        ("00080008", entry("CS", None), b""),
        ("00080008", {"vr": "CS", "Value": []}, b""),
        ("00080008", {"vr": "CS", "Value": None}, b""),
        ("00080008", {"vr": "CS"}, b""),
        ("00104000", entry("LT", "one \\ value"), b"one \\ value "),
        ("00100010", entry("PN", {"Alphabetic": "A^B", "Phonetic": "C"}), b"A^B==C"),
        ("00100010", entry("PN", {"Ideographic": "C"}), b"=C"),
        ("00100010", entry("PN", "A^B=C"), b"A^B=C "),
        ("00100010", entry("PN", {}, None, {"Alphabetic": "A"}), b"\\\\A "),
        ("00200013", entry("IS", 5, "+07", 3.0), b"5\\+07\\3 "),
        ("00200032", entry("DS", 1, "1.50", -0.5), b"1\\1.50\\-0.5 "),
        ("00280010", entry("US", 512, "513"), b"\x00\x02\x01\x02"),
        ("00280106", entry("SS", -1), b"\xff\xff"),
        ("00186020", entry("SL", -2), b"\xfe\xff\xff\xff"),
        ("00080001", entry("UL", 1), b"\x01\0\0\0"),
        ("00720082", entry("SV", "-9223372036854775808"), b"\0\0\0\0\0\0\0\x80"),
        ("00720083", entry("UV", 18446744073709551615), b"\xff" * 8),
        ("00189073", entry("FL", 1.5, "NaN", "-Infinity", "2.5e0"), struct.pack("<4f", 1.5, math.nan, -math.inf, 2.5)),
        ("00181271", entry("FD", 0.1, "inf"), struct.pack("<2d", 0.1, math.inf)),
        ("00280009", entry("AT", "00181063"), b"\x18\x00\x63\x10"),
        ("00420011", {"vr": "OB", "InlineBinary": "AQID"}, b"\x01\x02\x03\0"),
        ("00091001", {"vr": "UN", "InlineBinary": ""}, b""),
        ("0040E010", entry("UR", "http://a/b?c"), b"http://a/b?c"),
        ("00080060", {"Value": ["MR"]}, b"MR"),
    ],
)
def test_value_has_the_bytes_of_its_vr(tag: str, said: dict[str, Any], raw: bytes) -> None:
    data = bytes_of(encode_json({tag: said}, {}))
    head = 12 if data[4:6].decode() in {"OB", "UN", "UR", "SV", "UV"} else 8
    assert data[head:] == raw
    assert len(data) % 2 == 0


@pytest.mark.parametrize("vr", sorted(KNOWN_VRS))
def test_every_vr_may_be_empty(vr: str) -> None:
    data = bytes_of(encode_json({"00091001": {"vr": vr}}, {}))
    assert data[4:6] == vr.encode()
    assert set(data[6:]) == {0}


def test_text_is_in_utf_8_and_the_character_set_says_so() -> None:
    ds = read({"00080005": entry("CS", "ISO_IR 100"), "00100010": entry("PN", {"Alphabetic": "Müller"})})
    assert (ds.SpecificCharacterSet, ds.PatientName) == ("ISO_IR 192", "Müller")
    assert read({"00100020": entry("LO", "ü")}).SpecificCharacterSet == "ISO_IR 192"
    assert "SpecificCharacterSet" not in read({"00100020": entry("LO", "u")})
    assert read({"00080005": {"vr": "CS"}, "00100020": entry("LO", "u")})["SpecificCharacterSet"].is_empty


def test_text_in_items_decides_of_the_character_set_too() -> None:
    ds = read({"00081140": entry("SQ", {"00100020": entry("LO", "ü")})})
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert ds.ReferencedImageSequence[0].PatientID == "ü"


def test_long_values_keep_their_bytes_as_unknown() -> None:
    long = "x" * 70_001
    for said, bulk in ((entry("LT", long), {}), ({"vr": "LT", "BulkDataURI": "a"}, {"a": Value(long.encode())})):
        data = bytes_of(encode_json({"00104000": said}, bulk))
        assert (data[4:6], data[12:]) == (b"UN", long.encode() + b" ")


def test_order_of_the_keys_makes_no_difference() -> None:
    items = [{"00080018": entry("UI", "1.2"), "00080016": entry("UI", "1.3")}]
    attributes = {"00100020": entry("LO", "a"), "00081140": {"vr": "SQ", "Value": items}}
    other = {"00081140": {"vr": "SQ", "Value": [dict(reversed(items[0].items()))]}, "00100020": entry("LO", "a")}
    assert bytes_of(encode_json(attributes, {})) == bytes_of(encode_json(other, {}))
    assert bytes_of(encode_json({"0009100a": entry("LO", "a")}, {})) == bytes_of(
        encode_json({"0009100A": entry("LO", "a")}, {})
    )


def test_same_tag_in_two_spellings_is_refused() -> None:
    with pytest.raises(RejectedInstance, match="comes twice"):
        encode_json({"0009100a": entry("LO", "a"), "0009100A": entry("LO", "b")}, {})


def test_bulk_data_is_found_wherever_it_is() -> None:
    inner = {"54001010": {"vr": "OW", "BulkDataURI": "b"}}
    attributes = {"54000100": entry("SQ", inner, None), "7FE00010": {"vr": "OW", "BulkDataURI": "a"}}
    assert sorted(references(attributes)) == [("a", 0x7FE00010), ("b", 0x54001010)]
    assert list(references({"nonsense": [], "54000100": {"vr": "SQ", "Value": [5, {"x": 1}]}})) == []
    ds = read(attributes, a=Value(b"12"), b=Value(b"345"))
    assert (ds.PixelData, ds.WaveformSequence[0].WaveformData) == (b"12", b"345\0")


@pytest.mark.parametrize("sizes", [(4,), (3, 5, 4), (1,) * 100])
def test_frames_have_a_basic_offset_table(sizes: tuple[int, ...]) -> None:
    frames = [bytes([index % 255 + 1]) * size for index, size in enumerate(sizes)]
    data = bytes_of(
        encode_json({"7FE00010": {"vr": "OW", "BulkDataURI": "a"}}, {"a": Frames(list(map(Value, frames)))})
    )
    assert data[4:6] == b"OB"
    value = data[12:-8]
    assert [each.rstrip(b"\0") for each in generate_frames(value, number_of_frames=len(sizes))] == frames
    assert parse_basic_offsets(value) == list(np.cumsum([0, *(size + size % 2 + 8 for size in sizes)])[:-1])


class Huge:
    """A frame of which only the length matters."""

    size_bytes = 3 << 30


def test_offsets_beyond_32_bits_leave_the_table_empty() -> None:
    data_set = encode_json({"7FE00010": {"vr": "OB", "BulkDataURI": "a"}}, {"a": Frames([Huge(), Huge(), Huge()])})
    first = data_set.pieces[0]
    assert isinstance(first, bytes)
    assert first[12:20] == struct.pack("<HHI", 0xFFFE, 0xE000, 0)


class TooLong:
    """A value of which only the length matters."""

    size_bytes = 1 << 32


@pytest.mark.parametrize("bulk", [TooLong(), Frames([TooLong()])])
def test_what_no_element_can_hold_is_refused(bulk: Any) -> None:
    with pytest.raises(RejectedInstance, match="4 GiB"):
        encode_json({"7FE00010": {"vr": "OB", "BulkDataURI": "a"}}, {"a": bulk})
    with pytest.raises(RejectedInstance, match="4 GiB"):
        encode_json({"00081140": entry("SQ", {"7FE00010": {"vr": "OB", "BulkDataURI": "a"}})}, {"a": bulk})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimal_string_is_the_number_or_nearly_and_never_too_long(number: float) -> None:
    text, is_exact = decimal_string(number)
    assert len(text) <= LONGEST
    assert set(text) <= set("0123456789+-.e")
    assert (float(text) == number) == is_exact
    assert math.isclose(float(text), number, rel_tol=1e-8, abs_tol=5e-324)


@given(st.from_regex(r"[+-]?(?:[0-9]{1,8}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})(?:[Ee][+-]?[0-9]{1,2})?", fullmatch=True))
def test_number_that_came_from_a_decimal_string_fits_into_one(text: str) -> None:
    if len(text) <= LONGEST:
        written, is_exact = decimal_string(float(text))
        assert is_exact
        assert float(written) == float(text)


@given(st.integers())
def test_integers_are_decimal_strings_too(number: int) -> None:
    if abs(number) < 10**300:
        text, is_exact = decimal_string(number)
        assert len(text) <= LONGEST
        assert not is_exact or int(float(text)) == int(float(number))


_TAGS = st.sampled_from(
    [
        "00080005",
        "00080008",
        "00100010",
        "00080018",
        "00081140",
        "00091001",
        "00280010",
        "7FE00010",
        "00180050",
        "FFFEE000",
    ]
) | st.text("0123456789ABCDEFx", max_size=9)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Alphabetic", "Ideographic", "vr", "Value"]) | _TAGS, inner, max_size=3)
    ),
    max_leaves=8,
)
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "vr": st.sampled_from(sorted(KNOWN_VRS)) | _VALUES,
        "Value": st.lists(_VALUES, max_size=4) | _VALUES,
        "InlineBinary": st.text("ABab01+/=", max_size=8) | _VALUES,
        "BulkDataURI": st.sampled_from(["value", "frames", "none"]) | _VALUES,
    },
)
_OBJECTS: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(_TAGS, _ENTRIES | _VALUES, max_size=5),
    lambda inner: st.dictionaries(
        _TAGS, st.builds(lambda items: {"vr": "SQ", "Value": items}, st.lists(inner, max_size=2)), max_size=3
    ),
    max_leaves=4,
)


@given(_OBJECTS)
def test_whatever_comes_is_a_data_set_or_refused(attributes: dict[str, Any]) -> None:
    list(references(attributes))
    try:
        data_set = encode_json(attributes, {"value": Value(b"abc"), "frames": Frames([Value(b"abc")])})
    except RejectedInstance:
        return
    data = bytes_of(data_set)
    assert len(data) % 2 == 0
    assert "truncated" not in read_header(data, EXPLICIT).flags
