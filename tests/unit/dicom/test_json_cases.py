"""Single cases of headers as DICOM JSON: what devices really send, and what the Standard says about it."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import orjson
import pytest

from radstream.contract.errors import NotFound
from radstream.dicom.json import locate, pixel_data_reference, read_header
from radstream.dicom.walk import LONGEST_INLINE_BYTES, MOST_FLAGS
from tests.dicom_bytes import BIG, EXPLICIT, IMPLICIT, UNDEFINED, delimiter, element, item

Attributes = dict[str, Any]


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
