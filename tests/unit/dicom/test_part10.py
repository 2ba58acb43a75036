"""The file format: preamble, prefix, meta group, and where the data set begins."""

from __future__ import annotations

import contextlib
import io
import random
import struct

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.contract.errors import RejectedInstance
from radstream.dicom.part10 import META_LIMIT_BYTES, MOST_META_ELEMENTS, FileMeta, encode_meta, parse_meta
from tests.dicom_bytes import damaged, element
from tests.samples import Sample, samples

UIDS = ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.45", "1.2.840.10008.1.2.1")
PREFIX = bytes(128) + b"DICM"
DATA_SET = element(0x00080018, "UI", b"1.2.")


def test_the_meta_group_that_we_write_is_read_by_pydicom_and_by_us() -> None:
    meta = encode_meta(*UIDS)
    ds = pydicom.dcmread(io.BytesIO(meta))
    assert (ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID) == UIDS[:2]
    assert ds.file_meta.TransferSyntaxUID == UIDS[2]
    assert ds.file_meta.FileMetaInformationVersion == b"\0\1"
    assert ds.file_meta.FileMetaInformationGroupLength == len(meta) - 144
    assert parse_meta(meta + DATA_SET) == FileMeta(*UIDS, len(meta))


def test_equal_data_sets_get_equal_meta_groups() -> None:
    assert encode_meta(*UIDS) == encode_meta(*UIDS)


@given(st.integers(0, 400))
def test_more_is_asked_for_until_the_meta_group_is_whole(keep: int) -> None:
    whole = encode_meta(*UIDS) + DATA_SET
    found = parse_meta(memoryview(whole)[:keep])
    assert (found is not None) == (keep >= len(encode_meta(*UIDS)) + 2)


@pytest.mark.parametrize("sample", [s for s in samples() if s.data_set], ids=lambda sample: sample.name)
def test_the_meta_group_of_a_real_file_ends_where_it_says(sample: Sample) -> None:
    content = sample.path.read_bytes()
    meta = parse_meta(content)
    assert meta is not None
    assert meta.transfer_syntax_uid == sample.transfer_syntax_uid
    if sample.name == "no_meta_group_length.dcm":  # it does not say
        assert content[meta.data_set_offset :].startswith(b"\x08\x00")
    else:
        assert content[meta.data_set_offset :] == sample.data_set


def test_the_group_length_is_not_believed() -> None:
    wrong = element(0x00020000, "UL", struct.pack("<I", 4))
    content = PREFIX + wrong + element(0x00020010, "UI", b"1.2.3\0") + DATA_SET
    assert parse_meta(content) == FileMeta("", "", "1.2.3", len(content) - len(DATA_SET))


def test_a_file_without_meta_group_says_nothing_about_its_data_set() -> None:
    assert parse_meta(PREFIX + DATA_SET) == FileMeta("", "", "", 132)


def test_the_preamble_may_be_missing() -> None:
    content = b"DICM" + element(0x00020010, "UI", b"1.2.3\0") + DATA_SET * 12
    assert parse_meta(content) == FileMeta("", "", "1.2.3", len(content) - 12 * len(DATA_SET))


def test_of_a_transfer_syntax_that_comes_twice_the_first_counts() -> None:
    twice = element(0x00020010, "UI", b"1.2\0") + element(0x00020010, "UI", b"1.3\0")
    found = parse_meta(PREFIX + twice + DATA_SET)
    assert found is not None
    assert found.transfer_syntax_uid == "1.2"


@pytest.mark.parametrize("content", [bytes(200), b"GIF89a" + bytes(200), b"\x08\x00\x05\x00CS" + bytes(200)])
def test_what_is_no_part_10_file_is_refused(content: bytes) -> None:
    with pytest.raises(RejectedInstance, match="not a DICOM file"):
        parse_meta(content)


@pytest.mark.parametrize("length", [META_LIMIT_BYTES + 1, 0xFFFFFFF0, 0xFFFFFFFF])
def test_an_absurdly_long_meta_group_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(RejectedInstance, match="absurdly long"):
        parse_meta(PREFIX + element(0x00020102, "OB", b"", length))


def test_a_meta_group_of_countless_elements_is_refused() -> None:
    """Else each piece of a file that arrives in small ones would cost more than the one before."""
    some = element(0x00020100, "UI", b"") * MOST_META_ELEMENTS
    with pytest.raises(RejectedInstance, match="absurdly many"):
        parse_meta(PREFIX + some)
    assert parse_meta(PREFIX + some[8:] + DATA_SET) is not None


@pytest.mark.parametrize("seed", range(300))
def test_a_damaged_file_is_refused_or_read_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    head = chance.choice([s for s in samples() if s.data_set]).path.read_bytes()[:600]
    with contextlib.suppress(RejectedInstance):
        found = parse_meta(damaged(head, chance))
        assert found is None or 4 <= found.data_set_offset <= len(head) + 1000
