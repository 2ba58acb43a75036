"""Headers as DICOM JSON: pydicom is the oracle, and every difference from it is named with its reason."""

from __future__ import annotations

import base64
import random
import struct
import warnings
from typing import Any

import orjson
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.header import HeaderScanner
from radstream.dicom.json import locate, read_header
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of
from radstream.dicom.walk import LONGEST_INLINE_BYTES
from tests.dicom_bytes import BIG, EXPLICIT, IMPLICIT, element, encode, item
from tests.samples import Sample, samples

SYNTAXES = (IMPLICIT, EXPLICIT, BIG)
DIFFERENT = {
    "rtplan_truncated.dcm": "cut inside a sequence: what is whole is kept and flagged; pydicom keeps the part",
    "badVR.dcm": "pydicom raises",
}


def header_of(sample: Sample) -> tuple[bytes, str]:
    """Return the data set up to its Pixel Data, inflated if it was deflated."""
    content = sample.path.read_bytes()
    meta = parse_meta(content)
    assert meta is not None
    data_set, syntax = content[meta.data_set_offset :], meta.transfer_syntax_uid
    if encoding_of(syntax).is_deflated:
        data_set, syntax = inflate(data_set, 1 << 26), EXPLICIT
    scanner = HeaderScanner(syntax)
    scanner.feed(data_set)
    return data_set[: scanner.pixel_data_offset], syntax


def oracle(ds: Dataset) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(ds.to_json_dict(bulk_data_threshold=1, bulk_data_element_handler=lambda _: "bulk"))


def comparable(value: Any) -> Any:
    """Return a JSON object without the differences that are meant.

    - group lengths and Pixel Data are left out; the character set is named as the JSON's own
    - an empty sequence has no "Value"; an empty value among several is null; CS is trimmed within several values
    - what is inline and what is bulk is a matter of size
    """
    if isinstance(value, list):
        return [comparable(each) or None for each in value]
    if isinstance(value, str):
        return value.strip() or None
    if not isinstance(value, dict):
        return value
    if "vr" in value:
        if "InlineBinary" in value or "BulkDataURI" in value:
            return {"vr": value["vr"]}
        return {"vr": value["vr"]} | ({"Value": comparable(value["Value"])} if value.get("Value") else {})
    skipped = {"00080005", "7FE00010", "7FE00008", "7FE00009"}
    return {tag: comparable(entry) for tag, entry in value.items() if tag not in skipped and tag[4:] != "0000"}


@pytest.mark.parametrize("sample", [s for s in samples() if s.data_set], ids=lambda sample: sample.name)
def test_a_real_header_reads_as_pydicom_reads_it(sample: Sample) -> None:
    header, syntax = header_of(sample)
    ours = read_header(header, syntax)
    assert b'"Value":[]' not in orjson.dumps(ours.attributes)
    if sample.name in DIFFERENT:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = oracle(pydicom.dcmread(sample.path, stop_before_pixels=True))
    assert comparable(ours.attributes) == comparable(theirs)


# --- data sets that nobody has thought of -----------------------------------------------------------------------------

_TEXT = st.text(st.characters(codec="ascii", exclude_characters="\\^=\0\x1b\r\n\t\f", min_codepoint=32), max_size=12)
_WORDS = st.lists(st.text("ABC_09", min_size=1, max_size=12), min_size=1, max_size=3)


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4"
    ds.StudyDescription = draw(_TEXT)
    ds.ImageType = draw(_WORDS)
    ds.PatientName = draw(st.sampled_from(["", "Doe^Jane", "Yamada^Tarou=山田^太郎=やまだ^たろう"]))
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.WindowCenter = draw(st.lists(st.integers(-1000, 1000), min_size=1, max_size=3))
    ds.InstanceNumber = draw(st.integers(-(1 << 31), (1 << 31) - 1))
    ds.Rows = draw(st.integers(0, 65535))
    ds.PixelRepresentation = draw(st.integers(0, 1))
    ds.SmallestImagePixelValue = draw(st.integers(0, 32767))
    ds.FrameTimeVector = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4))
    ds.RecommendedDisplayFrameRate = draw(st.integers(1, 60))
    ds.ICCProfile = draw(st.binary(max_size=40))
    ds.RealWorldValueSlope = draw(st.floats(allow_nan=False, allow_infinity=False))
    ds.FrameIncrementPointer = draw(st.sampled_from([0x00181063, [0x00181063, 0x00181065]]))
    if depth < 3:
        items = draw(st.lists(data_sets(depth + 1), max_size=2))
        ds.ReferencedImageSequence = Sequence(items)
        ds["ReferencedImageSequence"].is_undefined_length = draw(st.booleans())
        for inner in items:
            inner.is_undefined_length_sequence_item = draw(st.booleans())
    return ds


@settings(max_examples=60, deadline=None)
@given(ds=data_sets(), syntax=st.sampled_from(SYNTAXES))
def test_any_header_reads_as_pydicom_reads_it(ds: Dataset, syntax: str) -> None:
    encoded = encode(ds, syntax)
    assert comparable(read_header(encoded, syntax).attributes) == comparable(oracle(ds))


@settings(max_examples=60, deadline=None)
@given(ds=data_sets(), syntax=st.sampled_from(SYNTAXES), cuts=st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_however_a_data_set_is_cut_the_scanner_finds_the_same(ds: Dataset, syntax: str, cuts: list[int]) -> None:
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    ds.BitsAllocated = 8
    ds.PixelData = b"\1\2\3\4"
    ds["PixelData"].VR = "OW"
    encoded = encode(ds, syntax)
    whole, cut = HeaderScanner(syntax), HeaderScanner(syntax)
    whole.feed(encoded)
    position, number = 0, 0
    while position < len(encoded):
        size = cuts[number % len(cuts)]
        cut.feed(memoryview(encoded)[position : position + size])
        position, number = position + size, number + 1
    cut.finish()
    assert (whole.pixel_data_offset, whole.values, whole.is_done) == (cut.pixel_data_offset, cut.values, cut.is_done)
    assert whole.pixel_data_offset is not None
    assert len(encoded) - whole.pixel_data_offset == (12 if syntax == IMPLICIT else 16)
    assert whole.values[0x0020000D] == b"1.2.3"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_are_refused_or_flagged_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    sample = chance.choice([s for s in samples() if s.data_set and len(s.data_set) < 400_000])
    header, syntax = header_of(sample)
    damaged = bytearray(header)
    for _ in range(chance.randint(1, 20)):
        at = chance.randrange(len(damaged))
        damaged[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
    outcomes = set()
    for attempt in (read_header, scan):
        try:
            outcomes.add(type(attempt(bytes(damaged), syntax)).__name__)
        except RejectedInstance:
            outcomes.add("refused")
    assert outcomes <= {"Header", "HeaderScanner", "refused"}


def scan(data: bytes, syntax: str) -> HeaderScanner:
    scanner = HeaderScanner(syntax)
    scanner.feed(data)
    scanner.finish()
    return scanner


# --- single cases -----------------------------------------------------------------------------------------------------


def read(*elements: bytes, syntax: str = EXPLICIT) -> tuple[dict[str, Any], tuple[str, ...]]:
    header = read_header(b"".join(elements), syntax)
    return header.attributes, header.flags


@pytest.mark.parametrize(
    ("tag", "vr", "value", "values", "flagged"),
    [
        (0x00200013, "IS", b"12", [12], False),
        (0x00200013, "IS", b"1A", ["1A"], True),
        (0x00281050, "DS", b"1.5\\\\3 ", [1.5, None, 3.0], False),
        (0x00281050, "DS", b"1e999 ", ["1e999"], True),
        (0x00281050, "DS", b"nan ", ["nan"], True),
        (0x00280010, "US", b"\1\0\2", [1], True),
        (0x00186020, "FL", struct.pack("<2f", float("nan"), float("inf")), ["NaN", "Infinity"], True),
        (0x00280009, "AT", b"\x18\0\x63\x10", ["00181063"], False),
        (0x00100010, "PN", b"Doe^J==phon ", [{"Alphabetic": "Doe^J", "Phonetic": "phon"}], False),
        (0x00080008, "CS", b"A \\\\B ", ["A", None, "B"], False),
        (0x0008103E, "LO", b"  ", None, False),
        (0x00104000, "LT", b"a\\b ", ["a\\b"], False),
        (0x00081190, "UR", b"http://x/ ", ["http://x/"], False),
        (0x00080018, "UI", b"1.2.3\0", ["1.2.3"], False),
        (0x00720083, "UV", struct.pack("<2Q", 7, 1 << 60), [7, str(1 << 60)], False),
    ],
)
def test_a_value_is_given_or_flagged(tag: int, vr: str, value: bytes, values: list[Any] | None, flagged: bool) -> None:
    attributes, flags = read(element(tag, vr, value), element(0x7FDF0010, "LO", b"after "))
    assert attributes[f"{tag:08X}"].get("Value") == values
    assert attributes["7FDF0010"]["Value"] == ["after"], "the rest is read whatever was wrong before"
    assert bool(flags) == flagged
    assert all(value.decode("latin-1") not in flag for flag in flags), "a flag holds no value"


def test_an_unknown_vr_is_kept_as_bytes_and_flagged() -> None:
    attributes, flags = read(element(0x00100020, "ZZ", b"ab"))
    assert attributes["00100020"] == {"vr": "UN", "InlineBinary": base64.b64encode(b"ab").decode()}
    assert flags == ("00100020 vr",)


def test_un_of_a_known_tag_is_read_by_the_dictionary() -> None:
    assert read(element(0x00100020, "UN", b"P1"))[0]["00100020"] == {"vr": "LO", "Value": ["P1"]}


def test_un_of_undefined_length_holds_implicit_items() -> None:
    """PS3.5 6.2.2 (CP-246)."""
    inner = struct.pack("<HHI", 0x0010, 0x0020, 2) + b"P1"
    items = item(inner) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    attributes, flags = read(element(0x00091010, "UN", items, 0xFFFFFFFF), element(0x00100020, "LO", b"P2"))
    assert attributes["00091010"] == {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["P1"]}}]}
    assert (attributes["00100020"]["Value"], flags) == (["P2"], ())


def test_pixel_representation_decides_between_us_and_ss_in_items_too() -> None:
    def implicit(tag: int, value: bytes) -> bytes:
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value

    smallest = implicit(0x00280106, b"\xff\xff")
    data_set = implicit(0x00280103, b"\1\0") + smallest + implicit(0x00289145, item(smallest))
    attributes, _ = read(data_set, syntax=IMPLICIT)
    assert attributes["00280106"] == {"vr": "SS", "Value": [-1]}
    assert attributes["00289145"]["Value"][0]["00280106"] == {"vr": "SS", "Value": [-1]}


def test_a_private_element_has_the_vr_of_its_creator_where_that_is_known() -> None:
    def implicit(tag: int, value: bytes) -> bytes:
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value

    attributes, _ = read(
        implicit(0x00190010, b"GEMS_ACQU_01"),
        implicit(0x00191002, b"\5\0\0\0"),
        implicit(0x00210010, b"NOBODY"),
        implicit(0x00211002, b"\5\0\0\0"),
        syntax=IMPLICIT,
    )
    assert attributes["00191002"]["vr"] in {"SL", "SS", "US", "UL"}
    assert attributes["00211002"]["vr"] == "UN"


def test_group_lengths_are_left_out_and_of_doubles_the_first_counts() -> None:
    attributes, _ = read(
        element(0x00100000, "UL", b"\0\0\0\0"), element(0x00100020, "LO", b"P1"), element(0x00100020, "LO", b"P2")
    )
    assert list(attributes) == ["00100020"]
    assert attributes["00100020"]["Value"] == ["P1"]


@pytest.mark.parametrize("keep", range(1, 14))
def test_a_header_that_is_cut_keeps_what_is_whole(keep: int) -> None:
    attributes, flags = read(element(0x00100020, "LO", b"P1"), element(0x00100030, "DA", b"19700101")[:keep])
    assert attributes["00100020"]["Value"] == ["P1"]
    assert flags == ("truncated",)


def test_bulk_values_are_referred_to_by_their_path_and_found_there() -> None:
    long, short = bytes(range(256)) * 8, b"\1\2"
    inner = element(0x00281201, "OW", long) + element(0x00281202, "OW", short)
    data_set = element(0x00281201, "OW", long) + element(0x00289145, "SQ", item(b"") + item(inner))
    attributes, _ = read(data_set)
    assert len(long) > LONGEST_INLINE_BYTES
    assert attributes["00281201"] == {"vr": "OW", "BulkDataURI": "00281201"}
    nested = attributes["00289145"]["Value"][1]
    assert nested["00281201"] == {"vr": "OW", "BulkDataURI": "00289145/1/00281201"}
    assert nested["00281202"] == {"vr": "OW", "InlineBinary": base64.b64encode(short).decode()}
    for path in ("00281201", "00289145/1/00281201"):
        offset, length, vr = locate(data_set, EXPLICIT, path)
        assert (data_set[offset : offset + length], vr) == (long, "OW")
    with pytest.raises(NotFound):
        locate(data_set, EXPLICIT, "00289145/0/00281201")


def test_big_endian_words_are_given_as_bulk_data_are_little_endian() -> None:
    ds = Dataset()
    ds.add_new(0x00281201, "OW", struct.pack(">3H", 1, 2, 3))
    attributes, _ = read(encode(ds, BIG), syntax=BIG)
    assert base64.b64decode(attributes["00281201"]["InlineBinary"]) == struct.pack("<3H", 1, 2, 3)


@pytest.mark.parametrize(
    ("term", "value", "text", "flagged"),
    [
        ("ISO_IR 100", "Müller".encode("latin-1"), "Müller", False),
        ("ISO IR 100", "Müller".encode("latin-1"), "Müller", True),
        ("ISO_IR 192", "Müller山".encode(), "Müller山", False),
        ("UTF-8", "Müller山".encode(), "Müller山", True),
        ("GB18030", "王\\x".encode("gb18030"), "王", False),
        ("ISO_IR 144", "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг", False),
        ("", "Müller".encode(), "Müller", True),
        ("", "Müller".encode("latin-1"), "Müller", True),
        ("\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe8", "김", False),
        ("\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B", "山田", False),
        ("NO SUCH SET", b"plain", "plain", True),
    ],
)
def test_texts_are_read_in_their_character_set_even_if_it_is_misspelt(
    term: str, value: bytes, text: str, flagged: bool
) -> None:
    attributes, flags = read(element(0x00080005, "CS", term.encode()), element(0x00081030, "LO", value))
    assert attributes["00081030"]["Value"][0] == text
    assert bool(flags) == flagged
    assert attributes["00080005"].get("Value") in (None, ["ISO_IR 192"])


# --- bombs ------------------------------------------------------------------------------------------------------------


def nested(depth: int, *, undefined: bool) -> bytes:
    data = element(0x00100020, "LO", b"P1")
    for _ in range(depth):
        if undefined:
            ends = [struct.pack("<HHI", 0xFFFE, tag, 0) for tag in (0xE00D, 0xE0DD)]
            data = element(0x00081140, "SQ", item(data + ends[0], 0xFFFFFFFF) + ends[1], 0xFFFFFFFF)
        else:
            data = element(0x00081140, "SQ", item(data))
    return data


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_64_deep_are_read_and_65_deep_refused(undefined: bool) -> None:
    read_header(nested(64, undefined=undefined), EXPLICIT)
    scan(nested(64, undefined=undefined), EXPLICIT)
    with pytest.raises(RejectedInstance, match="64"):
        read_header(nested(65, undefined=undefined), EXPLICIT)
    with pytest.raises(RejectedInstance, match="64"):
        scan(nested(65, undefined=undefined), EXPLICIT)


def test_a_hundred_thousand_opened_sequences_are_refused() -> None:
    opened = (element(0x00081140, "SQ", b"", 0xFFFFFFFF) + item(b"", 0xFFFFFFFF)) * 100_000
    with pytest.raises(RejectedInstance):
        scan(opened, EXPLICIT)
    with pytest.raises(RejectedInstance):
        read_header(opened, EXPLICIT)


def test_a_length_of_four_gigabytes_costs_nothing() -> None:
    data = element(0x00080018, "UI", b"1.2") + element(0x00091010, "OB", b"x", 0xFFFFFFF0)
    assert read(data)[1] == ("truncated",)
    with pytest.raises(RejectedInstance, match="ends inside"):
        scan(data, EXPLICIT)


def test_the_pixel_data_of_an_icon_is_not_taken_for_that_of_the_image() -> None:
    icon = element(0x7FE00010, "OW", b"\1\2\3\4")
    data = element(0x00880200, "SQ", item(icon)) + element(0x7FE00010, "OW", b"\5\6")
    assert scan(data, EXPLICIT).pixel_data_offset == len(data) - 14
