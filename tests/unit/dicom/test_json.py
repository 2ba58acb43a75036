"""Headers as DICOM JSON: pydicom is the oracle, and every difference from it is made explicit, with its reason."""

from __future__ import annotations

import base64
import math
import random
import struct
import warnings
from typing import Any

import orjson
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import RepeatersDictionary, mask_match
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dicom.dictionary import standard_vr
from radstream.dicom.json import locate, pixel_data_reference, read_header
from radstream.dicom.values import to_little_endian
from radstream.dicom.walk import LONGEST_INLINE_BYTES, MOST_FLAGS
from tests.dicom_bytes import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    SYNTAXES,
    UNDEFINED,
    damaged,
    delimiter,
    element,
    encode,
    header_of,
    item,
)
from tests.samples import Sample, samples

Attributes = dict[str, Any]

DIFFERENT = {
    "badVR.dcm": "pydicom raises over an IS of 1A, and nothing is left; here only this value stays text",
    "rtplan_truncated.dcm": "cut inside a sequence of defined length: pydicom gives a shorter one, here it is left out",
}

# --- the oracle -------------------------------------------------------------------------------------------------------


def by_pydicom(ds: Dataset) -> Attributes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(ds.to_json_dict(bulk_data_threshold=1 << 40))


def expected(theirs: Attributes, *, is_big_endian: bool = False, path: str = "") -> Attributes:
    """Return what is expected of us where pydicom has `theirs`."""
    entries = {
        key: _expected_entry(key, entry, is_big_endian, f"{path}{key}")
        for key, entry in theirs.items()
        if not key.endswith("0000")  # PS3.18 F.2.2: group lengths have no place in DICOM JSON
    }
    return {key: entry for key, entry in entries.items() if path or not key.startswith("7FE000")}


def _expected_entry(key: str, entry: dict[str, Any], is_big_endian: bool, path: str) -> dict[str, Any]:
    vr = str(entry["vr"])
    if "InlineBinary" in entry:
        raw = base64.b64decode(entry["InlineBinary"])
        if len(raw) > LONGEST_INLINE_BYTES:  # pydicom compares the threshold with the size in base64
            return {"vr": vr, "BulkDataURI": path}
        # PS3.18 8.7.3.2: octets are little endian; pydicom leaves the words as they are
        raw = to_little_endian(raw, vr) if is_big_endian else raw
        return {"vr": vr, "InlineBinary": base64.b64encode(raw).decode()}
    if not entry.get("Value"):
        return {"vr": vr}  # PS3.18 F.2.5: no "Value" if there is none; pydicom gives [] for an empty sequence
    if vr == "SQ":
        items = enumerate(entry["Value"])
        inner = [expected(each, is_big_endian=is_big_endian, path=f"{path}/{index}/") for index, each in items]
        return {"vr": vr, "Value": inner}
    if key == "00080005":
        return {"vr": vr, "Value": ["ISO_IR 192"]}  # PS3.18 F.1.1: which the JSON is in
    return {"vr": vr, "Value": [_expected_value(vr, value) for value in entry["Value"]]}


def _expected_value(vr: str, value: Any) -> Any:
    if vr == "CS":
        value = value and value.strip()  # PS3.5 6.2: padding is around each value; pydicom trims around all of them
    return None if value in ("", {}) else value  # PS3.18 F.2.5: an empty value among several is null


@pytest.mark.parametrize("sample", [s for s in samples() if s.data_set], ids=lambda sample: sample.name)
def test_a_real_header_reads_as_pydicom_reads_it(sample: Sample) -> None:
    header, syntax = header_of(sample)
    ours = read_header(header, syntax)
    assert b'"Value":[]' not in orjson.dumps(ours.attributes)
    assert ("truncated" in ours.flags) == (sample.name == "rtplan_truncated.dcm")
    if sample.name in DIFFERENT:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = by_pydicom(pydicom.dcmread(sample.path, stop_before_pixels=True))
    assert ours.attributes == expected(theirs, is_big_endian=syntax == BIG)


def test_one_bad_value_does_not_cost_the_others() -> None:
    sample = next(sample for sample in samples() if sample.name == "badVR.dcm")
    with pytest.raises(ValueError, match="1A"):
        by_pydicom(pydicom.dcmread(sample.path, stop_before_pixels=True))
    header, syntax = header_of(sample)
    ours = read_header(header, syntax)
    bad = [key for key, entry in ours.attributes.items() if "1A" in entry.get("Value", [])]
    assert ours.flags == tuple(f"{key} value" for key in bad)
    assert len(ours.attributes) > 20


# --- data sets that nobody has thought of -----------------------------------------------------------------------------

_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"], exclude_characters="\\^="), max_size=12)
_WORDS = st.lists(st.text("ABC_09", min_size=1, max_size=12), min_size=1, max_size=3)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4"
    ds.StudyDescription = draw(_TEXT).strip()
    ds.AdditionalPatientHistory = draw(_TEXT).strip() + "\\x"
    ds.ImageType = draw(_WORDS)
    ds.PatientName = draw(st.sampled_from(["", "Doe^Jane", "Yamada^Tarou=山田^太郎=やまだ^たろう"]))
    ds.WindowCenter = draw(st.lists(st.integers(-1000, 1000), min_size=1, max_size=3))
    ds.InstanceNumber = draw(st.integers(-(1 << 31), (1 << 31) - 1))
    ds.Rows = draw(st.integers(0, 65535))
    ds.PixelRepresentation = draw(st.integers(0, 1))
    ds.SmallestImagePixelValue = draw(st.integers(0, 32767))
    ds.FrameTimeVector = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4))
    ds.ICCProfile = draw(st.binary(max_size=40).map(lambda value: value + bytes(len(value) % 2)))
    ds.RedPaletteColorLookupTableData = bytes(draw(st.sampled_from([0, 2, 6, 1024, 1026, 4000])))
    ds.RealWorldValueSlope = draw(_FLOATS)
    ds.RecommendedDisplayFrameRateInFloat = draw(st.floats(width=32, allow_nan=False, allow_infinity=False))
    ds.SelectorUVValue = draw(st.integers(0, 1 << 53))
    ds.FrameIncrementPointer = draw(st.sampled_from([0x00181063, [0x00181063, 0x00181065]]))
    ds.add_new(0x60003000, "OW", draw(st.sampled_from([b"", b"\1\2\3\4"])))
    block = ds.private_block(0x0009, "NOBODY", create=True)
    block.add_new(0x01, "LO", draw(_TEXT).strip())
    if depth < 3:
        items = draw(st.lists(data_sets(depth + 1) | st.builds(Dataset), max_size=2))
        ds.ReferencedImageSequence = Sequence(items)
        ds["ReferencedImageSequence"].is_undefined_length = draw(st.booleans())
        for inner in items:
            inner.is_undefined_length_sequence_item = draw(st.booleans())
    return ds


@settings(max_examples=80, deadline=None)
@given(ds=data_sets(), syntax=st.sampled_from(SYNTAXES))
def test_any_header_reads_as_pydicom_reads_it(ds: Dataset, syntax: str) -> None:
    encoded = encode(ds, syntax)
    theirs = by_pydicom(pydicom.filereader.read_dataset(io_of(encoded), syntax == IMPLICIT, syntax != BIG))
    ours = read_header(encoded, syntax)
    assert ours.attributes == expected(theirs, is_big_endian=syntax == BIG)
    assert ours.flags == ()


def io_of(data: bytes) -> Any:
    return pydicom.filebase.DicomBytesIO(data)


@pytest.mark.parametrize("seed", range(200))
def test_damaged_bytes_are_refused_or_flagged_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    sample = chance.choice([s for s in samples() if s.data_set and len(s.data_set) < 400_000])
    header, syntax = header_of(sample)
    try:
        read = read_header(damaged(header, chance), syntax)
    except RejectedInstance:
        return
    orjson.dumps(read.attributes)
    assert all(len(flag) < 20 and flag.isascii() for flag in read.flags)


def test_repeating_groups_have_the_vr_that_pydicom_finds() -> None:
    chance = random.Random(1)
    for pattern, (vr, *_) in RepeatersDictionary.items():
        tag = int("".join(chance.choice("02468ACE") if digit == "x" else digit for digit in pattern), 16)
        if mask_match(tag) == pattern and tag & 0xFFFF:
            assert standard_vr(tag) in (vr, "OW", "UN"), pattern


# --- single cases -----------------------------------------------------------------------------------------------------


def read(*elements: bytes, syntax: str = EXPLICIT) -> tuple[Attributes, tuple[str, ...]]:
    header = read_header(b"".join(elements), syntax)
    return header.attributes, header.flags


def implicit(tag: int, value: bytes) -> bytes:
    return element(tag, "", value, syntax=IMPLICIT)


@pytest.mark.parametrize("value", [b"ab", b""])
def test_an_unknown_vr_is_kept_as_bytes_and_flagged(value: bytes) -> None:
    attributes, flags = read(element(0x00100020, "ZZ", value), element(0x00100030, "DA", b"19700101"))
    inline = {"InlineBinary": base64.b64encode(value).decode()} if value else {}
    assert attributes["00100020"] == {"vr": "UN"} | inline
    assert attributes["00100030"]["Value"] == ["19700101"]
    assert flags == ("00100020 vr",)


def test_un_of_a_known_tag_is_read_by_the_dictionary() -> None:
    assert read(element(0x00100020, "UN", b"P1"))[0]["00100020"] == {"vr": "LO", "Value": ["P1"]}


def test_un_of_a_known_sequence_is_read_as_one() -> None:
    value = item(implicit(0x00100020, b"P1"))
    assert read(element(0x00081140, "UN", value))[0]["00081140"] == {
        "vr": "SQ",
        "Value": [{"00100020": {"vr": "LO", "Value": ["P1"]}}],
    }


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_un_of_undefined_length_holds_implicit_little_endian_items(syntax: str) -> None:
    """PS3.5 6.2.2 (CP-246)."""
    items = item(implicit(0x00280010, b"\1\0")) + delimiter(0xE0DD)
    after = element(0x00100020, "LO", b"P2", syntax=syntax)
    attributes, flags = read(element(0x00091010, "UN", items, UNDEFINED, syntax), after, syntax=syntax)
    assert attributes["00091010"] == {"vr": "SQ", "Value": [{"00280010": {"vr": "US", "Value": [1]}}]}
    assert (attributes["00100020"]["Value"], flags) == (["P2"], ())


def test_items_that_are_implicit_by_mistake_are_read() -> None:
    attributes, flags = read(element(0x00081140, "SQ", item(implicit(0x00100020, b"P1"))))
    assert attributes["00081140"]["Value"] == [{"00100020": {"vr": "LO", "Value": ["P1"]}}]
    assert flags == ()


@pytest.mark.parametrize(
    ("representation", "entry"), [(1, {"vr": "SS", "Value": [-1]}), (0, {"vr": "US", "Value": [65535]})]
)
def test_pixel_representation_decides_between_us_and_ss_in_items_too(
    representation: int, entry: dict[str, Any]
) -> None:
    smallest = implicit(0x00280106, b"\xff\xff")
    attributes, _ = read(
        implicit(0x00280103, struct.pack("<H", representation)),
        smallest,
        implicit(0x00289145, item(smallest)),
        syntax=IMPLICIT,
    )
    assert attributes["00280106"] == entry
    assert attributes["00289145"]["Value"][0]["00280106"] == entry


def test_lookup_tables_and_overlays_without_vr_are_words() -> None:
    lookup, overlay = implicit(0x00283006, b"\1\0\2\0"), implicit(0x60023000, b"\1\2")
    attributes, _ = read(lookup, overlay, implicit(0x60020010, b"\5\0"), syntax=IMPLICIT)
    assert attributes["00283006"] == {"vr": "OW", "InlineBinary": "AQACAA=="}
    assert attributes["60023000"] == {"vr": "OW", "InlineBinary": "AQI="}
    assert attributes["60020010"] == {"vr": "US", "Value": [5]}


def test_a_private_element_has_the_vr_of_its_creator_where_that_is_known() -> None:
    attributes, flags = read(
        implicit(0x00190010, b"GEMS_ACQU_01"),
        implicit(0x00191002, b"\5\0\0\0"),
        implicit(0x00210010, b"NOBODY"),
        implicit(0x00211002, b"\5\0\0\0"),
        implicit(0x00231002, b"\5\0\0\0"),
        syntax=IMPLICIT,
    )
    assert attributes["00190010"] == {"vr": "LO", "Value": ["GEMS_ACQU_01"]}
    assert attributes["00191002"] == {"vr": "SL", "Value": [5]}
    assert attributes["00211002"] == attributes["00231002"] == {"vr": "UN", "InlineBinary": "BQAAAA=="}
    assert flags == ()


def test_a_private_creator_counts_in_its_own_item_only() -> None:
    creator, private = implicit(0x00190010, b"GEMS_ACQU_01"), implicit(0x00191002, b"\5\0\0\0")
    attributes, _ = read(creator, implicit(0x00081140, item(private) + item(creator + private)), syntax=IMPLICIT)
    without, with_creator = attributes["00081140"]["Value"]
    assert (without["00191002"]["vr"], with_creator["00191002"]["vr"]) == ("UN", "SL")


def test_group_lengths_meta_elements_and_doubles_are_left_out() -> None:
    attributes, _ = read(
        element(0x00020010, "UI", b"1.2\0"),
        element(0x00080000, "UL", b"\0\0\0\0"),
        element(0x00100020, "LO", b"P1"),
        element(0x00100020, "LO", b"P2"),
    )
    assert attributes == {"00100020": {"vr": "LO", "Value": ["P1"]}}


def test_of_a_bulk_value_that_comes_twice_the_first_is_referred_to() -> None:
    first, second = bytes(2000), b"\1" * 2000
    data = element(0x00281201, "OW", first) + element(0x00281201, "OW", second)
    offset, length, _ = locate(data, EXPLICIT, "00281201")
    assert data[offset : offset + length] == first


def test_a_sequence_without_items_has_no_value() -> None:
    undefined = element(0x00081115, "SQ", delimiter(0xE0DD), UNDEFINED)
    attributes, flags = read(element(0x00081111, "SQ", b""), undefined, element(0x00081140, "SQ", item(b"")))
    assert attributes == {"00081111": {"vr": "SQ"}, "00081115": {"vr": "SQ"}, "00081140": {"vr": "SQ", "Value": [{}]}}
    assert flags == ()


@pytest.mark.parametrize("keep", range(1, 14))
def test_a_header_that_is_cut_keeps_what_is_whole(keep: int) -> None:
    attributes, flags = read(element(0x00100020, "LO", b"P1"), element(0x00100030, "DA", b"19700101")[:keep])
    assert attributes == {"00100020": {"vr": "LO", "Value": ["P1"]}}
    assert flags == ("truncated",)


def test_a_sequence_that_is_cut_keeps_the_items_before() -> None:
    whole = item(element(0x00100020, "LO", b"P1"))
    attributes, flags = read(element(0x00081140, "SQ", whole + item(b"")[:5], UNDEFINED))
    assert attributes["00081140"]["Value"] == [{"00100020": {"vr": "LO", "Value": ["P1"]}}]
    assert flags == ("truncated",)


def test_a_value_never_reaches_out_of_its_item() -> None:
    inner = element(0x00100020, "LO", b"", 30)
    attributes, flags = read(element(0x00081140, "SQ", item(inner)), element(0x00100030, "DA", b"19700101"))
    assert attributes == {"00081140": {"vr": "SQ", "Value": [{}]}, "00100030": {"vr": "DA", "Value": ["19700101"]}}
    assert flags == ("truncated",)


def test_of_a_header_that_is_nonsense_not_every_flag_is_kept() -> None:
    bad = b"".join(element(0x00090000 | number, "US", b"\1") for number in range(0x1000, 0x1000 + 2 * MOST_FLAGS))
    assert len(read(bad)[1]) == MOST_FLAGS


def test_flags_tell_the_tag_and_the_kind_and_no_value() -> None:
    flags = read(element(0x00200013, "IS", b"1A"), element(0x00100010, "PN", b"M\xfcller"))[1]
    assert flags == ("00200013 value", "00100010 charset")


def test_bulk_values_are_referred_to_by_their_path_and_found_there() -> None:
    long, short = bytes(range(256)) * 8, b"\1\2"
    inner = element(0x00281201, "OW", long) + element(0x00281202, "OW", short)
    data_set = element(0x00281201, "OW", long) + element(0x00289145, "SQ", item(b"") + item(inner))
    attributes, _ = read(data_set)
    assert attributes["00281201"] == {"vr": "OW", "BulkDataURI": "00281201"}
    nested = attributes["00289145"]["Value"][1]
    assert nested["00281201"] == {"vr": "OW", "BulkDataURI": "00289145/1/00281201"}
    assert nested["00281202"] == {"vr": "OW", "InlineBinary": base64.b64encode(short).decode()}
    for path, value in (
        ("00281201", long),
        ("00289145/1/00281201", long),
        ("00289145/1/00281202", short),
    ):
        offset, length, vr = locate(data_set, EXPLICIT, path)
        assert (data_set[offset : offset + length], vr) == (value, "OW")


@pytest.mark.parametrize("path", ["", "00289145", "00289145/0/00281201", "00289145/00281201", "00100020", "../x"])
def test_what_is_no_bulk_value_is_not_found(path: str) -> None:
    data_set = element(0x00100020, "LO", b"P1") + element(0x00289145, "SQ", item(b""))
    with pytest.raises(NotFound):
        locate(data_set, EXPLICIT, path)


@pytest.mark.parametrize("size", [LONGEST_INLINE_BYTES, LONGEST_INLINE_BYTES + 1])
def test_the_size_in_bytes_decides_between_inline_and_bulk(size: int) -> None:
    entry = read(element(0x00281201, "OB", bytes(size)))[0]["00281201"]
    assert ("BulkDataURI" in entry) == (size > LONGEST_INLINE_BYTES)


def test_fragments_in_the_header_are_bulk_and_passed_over() -> None:
    fragments = item(b"") + item(b"\xff\xd8ab") + delimiter(0xE0DD)
    icon = element(0x7FE00010, "OB", fragments, UNDEFINED)
    attributes, flags = read(element(0x00880200, "SQ", item(icon)), element(0x00880140, "UI", b"1.2\0"))
    assert attributes["00880200"]["Value"] == [{"7FE00010": {"vr": "OB", "BulkDataURI": "00880200/0/7FE00010"}}]
    assert (attributes["00880140"]["Value"], flags) == (["1.2"], ())


@pytest.mark.parametrize(("vr", "code"), [("OW", "H"), ("OL", "I"), ("OF", "f"), ("OV", "Q"), ("OD", "d"), ("OB", "B")])
def test_big_endian_words_are_given_as_bulk_data_are_little_endian(vr: str, code: str) -> None:
    attributes, _ = read(element(0x00281201, vr, struct.pack(f">3{code}", 1, 2, 3), syntax=BIG), syntax=BIG)
    assert base64.b64decode(attributes["00281201"]["InlineBinary"]) == struct.pack(f"<3{code}", 1, 2, 3)


def test_the_character_set_is_named_as_the_one_of_the_json_in_items_too() -> None:
    latin = element(0x00080005, "CS", b"ISO_IR 100") + element(0x00081030, "LO", b"M\xfcller")
    attributes, flags = read(latin, element(0x00081140, "SQ", item(latin.replace(b"100", b"101"))))
    nested = attributes["00081140"]["Value"][0]
    assert attributes["00080005"]["Value"] == nested["00080005"]["Value"] == ["ISO_IR 192"]
    assert attributes["00081030"]["Value"] == nested["00081030"]["Value"] == ["Müller"]
    assert flags == ()


def test_an_item_inherits_the_character_set() -> None:
    greek = element(0x00081030, "LO", "Αθήνα".encode("iso8859_7"))
    attributes, _ = read(element(0x00080005, "CS", b"ISO_IR 126"), element(0x00081140, "SQ", item(greek)))
    assert attributes["00081140"]["Value"][0]["00081030"]["Value"] == ["Αθήνα"]


def test_pixel_data_is_referred_to() -> None:
    assert pixel_data_reference(0x7FE00010, "OW") == {"7FE00010": {"vr": "OW", "BulkDataURI": "7FE00010"}}


def test_what_is_no_number_in_json_is_text() -> None:
    attributes, _ = read(element(0x00186020, "FL", struct.pack("<2f", math.nan, -math.inf)))
    assert orjson.dumps(attributes["00186020"]) == b'{"vr":"FL","Value":["NaN","-Infinity"]}'
