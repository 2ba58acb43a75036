"""The scanner of arriving headers: pydicom finds the same, however the bytes are cut, and damage costs nothing."""

from __future__ import annotations

import io
import random
import tracemalloc
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.filereader import read_partial

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import PIXEL_DATA_TAGS
from radstream.dicom.header import HeaderScanner
from radstream.dicom.json import read_header
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of
from tests.dicom_bytes import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    SYNTAXES,
    UNDEFINED,
    damaged,
    delimiter,
    element,
    header_of,
    item,
    outcome,
    scan,
)
from tests.samples import Sample, samples

PLAIN = [s for s in samples() if s.data_set and not encoding_of(s.transfer_syntax_uid).is_deflated]
SMALL = [s for s in samples() if s.data_set and len(header_of(s)[0]) < 30_000]
UIDS = {
    0x00080016: "sop_class_uid",
    0x00080018: "sop_instance_uid",
    0x0020000D: "study_instance_uid",
    0x0020000E: "series_instance_uid",
}


def offset_by_pydicom(sample: Sample) -> int | None:
    """Return where pydicom stops in front of the Pixel Data, in the data set; None if there is none."""
    content = sample.path.read_bytes()
    file = io.BytesIO(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_partial(file, lambda tag, *_: tag in PIXEL_DATA_TAGS)
    meta = parse_meta(content)
    assert meta is not None
    return file.tell() - meta.data_set_offset if file.tell() < len(content) else None


@pytest.mark.parametrize("sample", PLAIN, ids=lambda sample: sample.name)
def test_pixel_data_and_uids_of_a_real_file_are_where_pydicom_finds_them(sample: Sample) -> None:
    content = sample.path.read_bytes()
    meta = parse_meta(content)
    assert meta is not None
    scanner = HeaderScanner(sample.transfer_syntax_uid)
    scanner.feed(content[meta.data_set_offset :])
    assert scanner.pixel_data_offset == offset_by_pydicom(sample)
    if sample.is_storable:
        scanner.finish()
        found = {tag: value.decode() for tag, value in scanner.values.items()}
        assert found == {tag: getattr(sample, name) for tag, name in UIDS.items()}


@pytest.mark.parametrize("sample", SMALL[::4], ids=lambda sample: sample.name)
def test_a_real_file_that_comes_byte_by_byte_is_scanned_alike(sample: Sample) -> None:
    header, syntax = header_of(sample)
    data = header + element(0x7FE00010, "OW", b"\1\2", syntax=syntax)
    assert outcome(data, syntax, [1]) == outcome(data, syntax)


def test_bytes_after_pixel_data_are_not_looked_at() -> None:
    scanner = scan(element(0x7FE00010, "OW", b"", UNDEFINED), EXPLICIT)
    scanner.feed(element(0x00080018, "UI", b"1.2.") * 10)
    assert (scanner.pixel_data_offset, scanner.values) == (0, {})


# --- structures that nobody has thought of ----------------------------------------------------------------------------

_TAGS = (*UIDS, 0x00080005, 0x00081140, 0x00090010, 0x00091010, 0x00282000, 0x00880200, 0x60003000, 0x7FE00010)
_VALUES = st.one_of(st.from_regex(rb"1(\.[1-9]){1,8}", fullmatch=True), st.binary(max_size=20), st.just(bytes(1100)))
_MISTAKES = st.integers(0, 19).map(lambda draw: {0: -2, 1: 1, 2: 8, 3: 30}.get(draw, 0))


@st.composite
def structures(draw: st.DrawFn, syntax: str, depth: int = 0) -> bytes:
    """Bytes of elements, nested, of defined and undefined length; now and then one is wrong or lacks its delimiter."""
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        tag, kind = draw(st.sampled_from(_TAGS)), draw(st.integers(0, 9))
        if kind < 5 or depth > 3:
            vr, value = draw(st.sampled_from(["UI", "LO", "UN", "OB", "US", "ZZ", "UT"])), draw(_VALUES)
            parts.append(element(tag, vr, value, max(0, len(value) + draw(_MISTAKES)) & 0xFFFF, syntax))
        elif kind < 9:
            vr = draw(st.sampled_from(["SQ", "SQ", "UN", "OB"]))
            inner = syntax if vr == "SQ" else draw(st.sampled_from([IMPLICIT, syntax]))
            items = b"".join(draw(st.lists(_items(inner, depth + 1), max_size=3)))
            end = delimiter(0xE0DD, inner) if draw(st.integers(0, 15)) else b""
            undefined = element(tag, vr, items, UNDEFINED, syntax) + end
            parts.append(draw(st.sampled_from([undefined, element(tag, vr, items, None, syntax)])))
        else:
            parts.append(delimiter(draw(st.sampled_from([0xE000, 0xE00D, 0xE0DD])), syntax))
    return b"".join(parts)


@st.composite
def _items(draw: st.DrawFn, syntax: str, depth: int) -> bytes:
    content = draw(structures(syntax, depth))
    if draw(st.booleans()):
        return item(content, max(0, len(content) + draw(_MISTAKES)), syntax)
    return item(content, UNDEFINED, syntax) + (delimiter(0xE00D, syntax) if draw(st.integers(0, 15)) else b"")


@st.composite
def headers(draw: st.DrawFn) -> tuple[bytes, str]:
    syntax = draw(st.sampled_from(SYNTAXES))
    first = element(0x00080008, "CS", b"A ", None, syntax)
    pixels = element(0x7FE00010, "OW", b"\1\2", None, syntax)
    return first + draw(structures(syntax)) + draw(st.sampled_from([b"", pixels])), syntax


@settings(max_examples=200, deadline=None)
@given(header=headers(), sizes=st.lists(st.sampled_from([1, 1, 2, 3, 7, 50]), min_size=1, max_size=6))
def test_however_a_header_is_cut_the_scanner_finds_the_same(header: tuple[bytes, str], sizes: list[int]) -> None:
    data, syntax = header
    assert outcome(data, syntax, sizes) == outcome(data, syntax)


@settings(max_examples=200, deadline=None)
@given(header=headers())
def test_what_is_stored_under_a_uid_is_indexed_under_it(header: tuple[bytes, str]) -> None:
    """Two readers of one header must not disagree: ingest looks through the scanner, index through DICOM JSON."""
    data, syntax = header
    agree(data, syntax)


@pytest.mark.parametrize("seed", range(300))
def test_a_damaged_real_header_is_refused_or_read_alike_by_both_readers(seed: int) -> None:
    chance = random.Random(seed)
    header, syntax = header_of(chance.choice(SMALL))
    data = damaged(header + element(0x7FE00010, "OW", b"\1\2", syntax=syntax), chance)
    assert outcome(data, syntax, [1, 3, 50, 7]) == outcome(data, syntax)
    agree(data, syntax)


def agree(data: bytes, syntax: str) -> None:
    try:
        scanner = scan(data, syntax)
    except RejectedInstance as error:
        if "deeper" not in str(error):
            assert "truncated" in read_header(data, syntax).flags
        return
    attributes = read_header(data[: scanner.pixel_data_offset], syntax).attributes
    for tag in UIDS:
        entry, value = attributes.get(f"{tag:08X}", {"vr": "UI"}), scanner.values.get(tag, b"")
        if entry["vr"] == "UI" and set(value) <= set(b"0123456789."):
            assert entry.get("Value", [""]) == [value.decode()]


# --- single cases -----------------------------------------------------------------------------------------------------


def test_the_pixel_data_of_an_icon_is_not_taken_for_that_of_the_image() -> None:
    icon = element(0x7FE00010, "OW", b"\1\2\3\4")
    for length in (None, UNDEFINED):
        items = item(icon, length) + (delimiter(0xE00D) if length else b"")
        sequence = element(0x00880200, "SQ", items, length) + (delimiter(0xE0DD) if length else b"")
        assert scan(sequence + element(0x7FE00010, "OW", b"\5\6"), EXPLICIT).pixel_data_offset == len(sequence)


def test_the_uids_in_sequences_are_not_those_of_the_instance() -> None:
    other = element(0x00080018, "UI", b"9.9\0")
    data = element(0x00081140, "SQ", item(other)) + element(0x00080018, "UI", b"1.2\0")
    assert scan(data, EXPLICIT).values == {0x00080018: b"1.2"}


def test_of_a_uid_that_comes_twice_the_first_counts() -> None:
    data = element(0x00080018, "UI", b"1.2\0") + element(0x00080018, "UI", b"9.9\0")
    assert scan(data, EXPLICIT).values == {0x00080018: b"1.2"}


def test_a_long_value_in_place_of_a_uid_is_kept_in_part_and_does_not_become_one() -> None:
    assert scan(element(0x00080018, "UT", b"1" * 5000), EXPLICIT).values == {0x00080018: b"1" * 256}
    padded = b"1.2".ljust(300, b"\0") + b"x"
    assert scan(element(0x00080018, "UI", padded), EXPLICIT).values == {0x00080018: padded[:256]}


@pytest.mark.parametrize(("declared", "true"), [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT), ("", EXPLICIT)])
def test_the_first_element_shows_whether_the_vr_is_explicit(declared: str, true: str) -> None:
    assert scan(element(0x00080018, "UI", b"1.2\0", syntax=true), declared).values == {0x00080018: b"1.2"}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("is_sequence_delimited", [True, False])
def test_an_empty_item_of_undefined_length_is_one(syntax: str, is_sequence_delimited: bool) -> None:
    items = item(b"", UNDEFINED, syntax) + delimiter(0xE00D, syntax)
    length = UNDEFINED if is_sequence_delimited else None
    sequence = element(0x00081140, "SQ", items, length, syntax)
    sequence += delimiter(0xE0DD, syntax) if is_sequence_delimited else b""
    data = sequence + element(0x0020000D, "UI", b"1.2\0", syntax=syntax)
    assert scan(data, syntax).values == {0x0020000D: b"1.2"}
    assert read_header(data, syntax).attributes["00081140"] == {"vr": "SQ", "Value": [{}]}


def test_a_few_nulls_at_the_end_are_padding() -> None:
    assert scan(element(0x00080018, "UI", b"1.2\0") + bytes(7), EXPLICIT).values == {0x00080018: b"1.2"}


@pytest.mark.parametrize("keep", range(1, 14))
def test_a_data_set_that_ends_inside_an_element_is_refused(keep: int) -> None:
    data = element(0x00080018, "UI", b"1.2\0") + element(0x00100030, "DA", b"19700101")[:keep]
    with pytest.raises(RejectedInstance, match="ends inside"):
        scan(data, EXPLICIT)


def nested(depth: int, syntax: str, *, undefined: bool) -> bytes:
    data = element(0x00100020, "LO", b"P1", syntax=syntax)
    for _ in range(depth):
        if undefined:
            items = item(data, UNDEFINED, syntax) + delimiter(0xE00D, syntax)
            data = element(0x00081140, "SQ", items, UNDEFINED, syntax) + delimiter(0xE0DD, syntax)
        else:
            data = element(0x00081140, "SQ", item(data, None, syntax), None, syntax)
    return data


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_64_deep_are_read_and_65_deep_refused(syntax: str, undefined: bool) -> None:
    for read in (read_header, scan):
        read(nested(64, syntax, undefined=undefined), syntax)
        with pytest.raises(RejectedInstance, match="64"):
            read(nested(65, syntax, undefined=undefined), syntax)


@pytest.mark.parametrize("vr", ["SQ", "UN"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_hundred_thousand_opened_sequences_are_refused_in_little_memory(syntax: str, vr: str) -> None:
    opened = (element(0x00081140, vr, b"", UNDEFINED, syntax) + item(b"", UNDEFINED, syntax)) * 100_000
    tracemalloc.start()
    for read in (read_header, scan):
        with pytest.raises(RejectedInstance, match="64"):
            read(opened, syntax)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1 << 20


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("tag", [0x00080018, 0x00091010, 0x00282000])
def test_a_length_of_four_gigabytes_costs_nothing(syntax: str, tag: int) -> None:
    data = element(0x00080005, "CS", b"", None, syntax) + element(tag, "OB", b"x" * 400, 0xFFFFFFF0, syntax)
    tracemalloc.start()
    assert read_header(data, syntax).flags == ("truncated",)
    with pytest.raises(RejectedInstance, match="ends inside"):
        scan(data, syntax)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1 << 16


def test_memory_does_not_grow_with_what_is_skipped() -> None:
    scanner = HeaderScanner(EXPLICIT)
    scanner.feed(element(0x00091010, "OB", b"", 1 << 30))
    tracemalloc.start()
    for _ in range(1 << 10):
        scanner.feed(bytes(1 << 20))
    scanner.feed(element(0x0020000D, "UI", b"1.2\0") + element(0x7FE00010, "OW", b""))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (scanner.pixel_data_offset, scanner.values) == ((1 << 30) + 24, {0x0020000D: b"1.2"})
    assert peak_bytes < 3 << 20


def test_big_endian_tags_are_read_as_such() -> None:
    data = element(0x00080018, "UI", b"1.2\0", syntax=BIG) + element(0x7FE00010, "OW", b"\1\2", syntax=BIG)
    scanner = scan(data, BIG)
    assert (scanner.pixel_data_offset, scanner.values) == (12, {0x00080018: b"1.2"})
