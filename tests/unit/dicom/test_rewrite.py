"""Headers in Explicit VR Little Endian; pydicom reads them before and after."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from radstream.contract.errors import RejectedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.header import HeaderScanner
from radstream.dicom.rewrite import rewrite
from radstream.dicom.syntaxes import encoding_of
from tests.samples import Sample, samples

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def header_of(sample: Sample) -> bytes:
    syntax = sample.transfer_syntax_uid
    data = inflate(sample.data_set, 1 << 26) if encoding_of(syntax).is_deflated else sample.data_set
    scanner = HeaderScanner(EXPLICIT if encoding_of(syntax).is_deflated else syntax)
    scanner.feed(data)
    return data[: scanner.pixel_data_offset]


def read(data: bytes, syntax: str) -> Dataset:
    return pydicom.filereader.read_dataset(
        io.BytesIO(data), is_implicit_VR=syntax == IMPLICIT, is_little_endian=syntax != BIG
    )


def comparable(element: DataElement, syntax: str) -> Any:
    if element.VR == "SQ":
        return [contents(item, syntax) for item in element.value]
    if element.VR == "OW" and syntax == BIG:  # pydicom leaves its words as they are
        return np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
    return repr(element.value) if isinstance(element.value, float) else element.value  # NaN is not itself


def contents(dataset: Dataset, syntax: str) -> dict[int, Any]:
    return {int(each.tag): comparable(each, syntax) for each in dataset if each.tag.element}


STORABLE = [sample for sample in samples() if sample.is_storable]


@pytest.mark.parametrize("sample", STORABLE, ids=lambda sample: sample.name)
def test_every_sample_says_the_same_in_explicit_vr_little_endian(sample: Sample) -> None:
    header = header_of(sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = contents(read(header, sample.transfer_syntax_uid), sample.transfer_syntax_uid)
        after = contents(read(rewrite(header, sample.transfer_syntax_uid), EXPLICIT), EXPLICIT)
    assert after == before


def explicit(tag: int, vr: str, value: bytes) -> bytes:
    return rewrite(b"", EXPLICIT, {tag: (vr, value)})


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    return (
        b"".join(part.to_bytes(2, "little") for part in (tag >> 16, tag & 0xFFFF)) + size.to_bytes(4, "little") + value
    )


def test_attributes_take_the_place_of_others_or_come_in_between() -> None:
    header = explicit(0x00080060, "CS", b"CT") + explicit(0x00280010, "US", b"\x01\x00")
    changed = rewrite(header, EXPLICIT, {0x00280010: ("US", b"\x02\x00"), 0x00100020: ("LO", b"P1")})
    assert contents(read(changed, EXPLICIT), EXPLICIT) == {0x00080060: "CT", 0x00100020: "P1", 0x00280010: 2}
    assert rewrite(header, EXPLICIT) == header


def test_what_is_ambiguous_follows_pixel_representation() -> None:
    smallest = implicit(0x00280106, b"\xff\xff")
    for representation, vr in ((b"\0\0", b"US"), (b"\x01\0", b"SS")):
        assert rewrite(implicit(0x00280103, representation) + smallest, IMPLICIT)[10 + 4 : 10 + 6] == vr


def test_value_that_is_too_long_for_its_vr_becomes_unknown() -> None:
    value = b"1.5\\" * 20_000
    found = read(rewrite(implicit(0x00280030, value), IMPLICIT), EXPLICIT)
    assert (found[0x00280030].VR, found[0x00280030].value) == ("UN", value)


def test_group_lengths_are_left_out_and_padding_is_not_read() -> None:
    header = explicit(0x00080000, "UL", b"\x64\0\0\0") + explicit(0x00080060, "CS", b"CT")
    assert rewrite(header + bytes(40), EXPLICIT) == explicit(0x00080060, "CS", b"CT")


def test_private_attributes_have_the_vr_of_their_creator() -> None:
    block = implicit(0x00090010, b"GEMS_IDEN_01")
    known, unknown = implicit(0x00091004, b"name"), implicit(0x00092004, b"some")
    found = rewrite(block + known + unknown, IMPLICIT)
    assert found[20 + 4 : 20 + 6] == b"SH"
    assert b"\x09\x00\x04\x20UN" in found


@pytest.mark.parametrize(
    "header",
    [
        implicit(0x00100020, b"P1", 40),
        implicit(0x00081140, b"", 0xFFFFFFFF),
        implicit(0x00081140, b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF),
        implicit(0x00081140, b"\xfe\xff\x00\xe0\x64\0\0\0", 8),
        implicit(0x00100020, b"P1")[:6],
    ],
)
def test_header_that_ends_early_is_refused(header: bytes) -> None:
    with pytest.raises(RejectedInstance):
        rewrite(header, IMPLICIT)


def test_nesting_without_end_is_refused() -> None:
    nested = b"".join(implicit(0x00081140, b"\xfe\xff\x00\xe0\xff\xff\xff\xff", 0xFFFFFFFF) for _ in range(100))
    with pytest.raises(RejectedInstance, match="nested"):
        rewrite(nested, IMPLICIT)


def test_compressed_icon_is_refused() -> None:
    header = b"\x88\x00\x00\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    header += b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0"
    with pytest.raises(RejectedInstance, match="icon"):
        rewrite(header, EXPLICIT)


SMALL = next(sample for sample in STORABLE if sample.name == "MR_small_implicit.dcm")


@given(
    st.sampled_from([IMPLICIT, EXPLICIT, BIG]),
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=8).map(
            lambda changes: spoilt(header_of(SMALL), changes)
        ),
    ),
)
def test_damaged_header_is_written_or_refused(syntax: str, header: bytes) -> None:
    try:
        written = rewrite(header, syntax)
    except RejectedInstance:
        return
    assert rewrite(written, EXPLICIT) == written, "what was written is read as the same"


def spoilt(header: bytes, changes: list[tuple[int, int]]) -> bytes:
    damaged = bytearray(header)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    return bytes(damaged)
