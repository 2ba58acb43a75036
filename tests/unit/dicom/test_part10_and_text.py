"""The file format, deflated data sets, and texts folded for matching."""

from __future__ import annotations

import io
import zlib

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.contract.errors import RejectedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.folding import fold, fold_person_name
from radstream.dicom.header import HeaderScanner
from radstream.dicom.part10 import META_LIMIT_BYTES, encode_meta, parse_meta
from tests.dicom_bytes import element
from tests.samples import Sample, samples

UIDS = ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.45", "1.2.840.10008.1.2.1")
DEFLATED = "1.2.840.10008.1.2.1.99"


def test_the_meta_group_that_we_write_is_read_by_pydicom_and_by_us() -> None:
    meta = encode_meta(*UIDS)
    ds = pydicom.dcmread(io.BytesIO(meta))
    assert (ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID) == UIDS[:2]
    assert ds.file_meta.TransferSyntaxUID == UIDS[2]
    ours = parse_meta(meta + b"\x08\x00")
    assert ours is not None
    assert (ours.media_storage_sop_class_uid, ours.media_storage_sop_instance_uid, ours.transfer_syntax_uid) == UIDS
    assert ours.data_set_offset == len(meta)


def test_equal_data_sets_get_equal_meta_groups() -> None:
    assert encode_meta(*UIDS) == encode_meta(*UIDS)


@given(st.integers(0, 400))
def test_more_is_asked_for_until_the_meta_group_is_whole(keep: int) -> None:
    whole = encode_meta(*UIDS) + element(0x00080018, "UI", b"1.2")
    found = parse_meta(whole[:keep])
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


@pytest.mark.parametrize("content", [bytes(200), b"GIF89a" + bytes(200), b"\x08\x00\x05\x00CS" + bytes(200)])
def test_what_is_no_part_10_file_is_refused(content: bytes) -> None:
    with pytest.raises(RejectedInstance):
        parse_meta(content)


def test_an_absurdly_long_meta_group_is_refused_before_it_is_read() -> None:
    head = bytes(128) + b"DICM" + element(0x00020102, "OB", b"", META_LIMIT_BYTES + 1)
    with pytest.raises(RejectedInstance):
        parse_meta(head)


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def test_a_deflated_data_set_is_inflated_up_to_the_limit() -> None:
    assert inflate(deflated(b"abc" * 1000), 3000) == b"abc" * 1000
    assert inflate(deflated(b"abc") + b"\0", 3) == b"abc"
    with pytest.raises(RejectedInstance, match="longer"):
        inflate(deflated(b"abc" * 1000), 2999)


@pytest.mark.parametrize("data", [b"\xff\xff\xff", deflated(b"abc" * 1000)[:-4], b""])
def test_a_damaged_deflated_data_set_is_refused(data: bytes) -> None:
    with pytest.raises(RejectedInstance):
        inflate(data, 1 << 20)


def test_a_bomb_is_never_inflated() -> None:
    bomb = deflated(bytes(1 << 28))
    assert len(bomb) < 1 << 19
    scanner = HeaderScanner(DEFLATED)
    with pytest.raises(RejectedInstance):
        scanner.feed(bomb)
    with pytest.raises(RejectedInstance):
        inflate(bomb, 1 << 20)


def test_the_uids_of_a_deflated_data_set_are_found_however_it_is_cut() -> None:
    elements = ((0x00080016, b"1.2\0"), (0x00080018, b"1.3\0"), (0x0020000D, b"1.4\0"), (0x0020000E, b"1.5\0"))
    data = deflated(b"".join(element(tag, "UI", value) for tag, value in elements) + bytes(100_000))
    scanner = HeaderScanner(DEFLATED)
    for start in range(0, len(data), 3):
        scanner.feed(data[start : start + 3])
    assert scanner.is_done
    assert scanner.pixel_data_offset is None
    assert scanner.values == {tag: value.rstrip(b"\0") for tag, value in elements}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("  ÉCOLE   Saint-Jean ", "ecole saint-jean"),
        ("Straße", "strasse"),
        ("ΑΘΗΝΑ", "αθηνα"),
        ("Ёлка", "елка"),
        ("山田", "山田"),
        ("İstanbul", "istanbul"),
        ("", ""),
    ],
)
def test_case_accents_and_white_space_do_not_matter_for_matching(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("Doe^Jane^^Dr", ["doe^jane^^dr"]),
        ("Doe^^", ["doe"]),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ["yamada^tarou", "山田^太郎", "やまだ^たろう"]),
        ("=山田", ["山田"]),
        ("^^", []),
        ("", []),
    ],
)
def test_each_group_of_a_name_is_folded(name: str, groups: list[str]) -> None:
    assert fold_person_name(name) == groups
