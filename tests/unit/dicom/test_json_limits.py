"""A hostile header costs little: what would take many times its size is referred to, or left out and flagged."""

from __future__ import annotations

import struct
import tracemalloc

import pytest

from radstream.dicom import walk
from radstream.dicom.json import locate, read_header
from radstream.dicom.values import REFERABLE_VRS
from radstream.dicom.walk import LONGEST_OTHER_BYTES, LONGEST_VALUE_BYTES, TOO_LONG
from tests.dicom_bytes import EXPLICIT, IMPLICIT, UNDEFINED, delimiter, element, item

PARTS = 1 << 13
PIECE = 2 * PARTS


def long_value(vr: str, value: bytes, syntax: str = EXPLICIT) -> bytes:
    """Return an element longer than a VR with a 16-bit length can be: in implicit VR, or as UN of a known tag."""
    tag = {"US": 0x00280010, "LT": 0x00104000, "LO": 0x00100020, "PN": 0x00100010, "FD": 0x00189087}[vr]
    return element(tag, "UN", value, syntax=syntax)


@pytest.mark.parametrize("vr", ["US", "LT", "FD"])
@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_long_value_is_bulk_data_where_its_vr_allows_that(vr: str, syntax: str) -> None:
    value = b"ab" * (LONGEST_VALUE_BYTES // 2 + 4)
    data_set = long_value(vr, value, syntax)
    header = read_header(data_set, syntax)
    ((tag, entry),) = header.attributes.items()
    assert vr in REFERABLE_VRS
    assert (entry, header.flags) == ({"vr": vr, "BulkDataURI": tag}, ())
    start, length, place_vr = locate(data_set, syntax, tag)
    assert (data_set[start : start + length], place_vr) == (value, vr)


@pytest.mark.parametrize("vr", ["LO", "PN"])
def test_a_long_value_of_any_other_vr_is_kept_as_bytes_and_flagged(vr: str) -> None:
    header = read_header(long_value(vr, b"a\\" * LONGEST_OTHER_BYTES), EXPLICIT)
    ((tag, entry),) = header.attributes.items()
    assert vr not in REFERABLE_VRS
    assert (entry, header.flags) == ({"vr": "UN", "BulkDataURI": tag}, (f"{tag} value",))


def test_a_value_as_long_as_is_allowed_is_given() -> None:
    entry = read_header(long_value("US", bytes(LONGEST_VALUE_BYTES)), EXPLICIT).attributes["00280010"]
    assert len(entry["Value"]) == LONGEST_VALUE_BYTES // 2


HOSTILE = {
    "elements": lambda: b"".join(struct.pack("<HHI", 0x0029, number & 0xFFFF, 0) for number in range(PIECE)),
    "items": lambda: element(0x00081140, "SQ", item(b"") * PIECE),
    "items without end": lambda: element(0x00081140, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED) * 60 * 1000,
    "items with an element": lambda: element(0x00081140, "SQ", item(element(0x00080060, "CS", b"MR")) * PIECE),
    "numbers": lambda: element(0x00280010, "UN", b"\xff\xfe" * (PIECE // 2)) * 99,
    "names": lambda: element(0x00081140, "SQ", item(element(0x00100010, "PN", b"a\\" * 5000)) * 99),
    "texts": lambda: element(0x00081140, "SQ", item(element(0x00104000, "LT", b"\0" * 6000)) * 99),
    "small bulk values": lambda: element(0x00081140, "SQ", item(element(0x00420011, "OB", bytes(1000))) * 10_000),
    "deep bulk values": lambda: deep(element(0x00420011, "OB", b"ab") * 10_000),
}


def deep(content: bytes) -> bytes:
    for _ in range(60):
        content = element(0x00081140, "SQ", item(content))
    return content


@pytest.mark.parametrize("name", HOSTILE)
def test_memory_is_bounded_by_the_number_of_parts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_PARTS", PARTS)
    header = HOSTILE[name]()
    syntax = IMPLICIT if name == "elements" else EXPLICIT
    tracemalloc.start()
    try:
        read_header(header, syntax)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400 * PARTS, f"{peak / PARTS:.0f} bytes a part"


@pytest.mark.parametrize("name", ["elements", "items", "items with an element", "names", "texts"])
def test_what_is_left_out_is_flagged_once_and_nothing_else_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_PARTS", PARTS)
    first = element(0x00080005, "CS", b"ISO_IR 100", syntax=IMPLICIT if name == "elements" else EXPLICIT)
    header = read_header(first + HOSTILE[name](), IMPLICIT if name == "elements" else EXPLICIT)
    assert header.flags == (TOO_LONG,)
    assert "00080005" in header.attributes
    assert len(header.attributes) > 1


def test_a_sequence_that_is_left_out_in_part_is_not_called_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_PARTS", 10)
    items = (item(element(0x00080060, "CS", b"MR"), UNDEFINED) + delimiter(0xE00D)) * 20
    header = read_header(element(0x00081140, "SQ", items, UNDEFINED) + delimiter(0xE0DD), EXPLICIT)
    assert header.flags == (TOO_LONG,)
    assert header.attributes["00081140"]["Value"][0] == {"00080060": {"vr": "CS", "Value": ["MR"]}}


def test_an_enhanced_instance_of_ten_thousand_frames_is_described_whole() -> None:
    frame = (
        element(0x00209113, "SQ", item(element(0x00200032, "DS", b"1\\2\\3 "))) + element(0x00180050, "DS", b"1 ") * 1
    )
    groups = element(0x52009230, "SQ", item(frame) * 10_000)
    header = read_header(groups, EXPLICIT)
    assert header.flags == ()
    assert len(header.attributes["52009230"]["Value"]) == 10_000
