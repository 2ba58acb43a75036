"""Only the header of a deflated data set is inflated, however long the rest is; what is damaged keeps its beginning."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.contract.errors import RejectedInstance
from radstream.dicom import inflating
from radstream.dicom.inflating import InflatedHeader
from tests.dicom_bytes import UNDEFINED, element, item
from tests.mutations.specimens import deflate

HEADER = element(0x00080060, "CS", b"MR") + element(0x00291010, "OB", random.Random(1).randbytes(3000))
PIXEL_DATA = element(0x7FE00010, "OW", bytes(1 << 20))


def fed(deflated: bytes, size: int = 1 << 30) -> InflatedHeader:
    header = InflatedHeader()
    for offset in range(0, len(deflated), size):
        if not header.is_done:
            header.feed(deflated[offset : offset + size])
    return header


@given(st.integers(1, 4000))
def test_the_header_is_found_however_it_is_cut(size: int) -> None:
    header = fed(deflate(HEADER + PIXEL_DATA), size)
    assert header.pixel_data_offset == len(HEADER)
    assert header.data[: len(HEADER)] == HEADER
    assert header.is_whole
    assert header.is_done


def test_what_follows_the_header_stays_deflated() -> None:
    giant = deflate(HEADER + element(0x7FE00010, "OW", bytes(100 << 20)))
    assert len(fed(giant).data) < len(HEADER) + (1 << 19)


def test_a_data_set_without_pixel_data_is_whole_when_the_stream_is() -> None:
    assert (fed(deflate(HEADER)).is_whole, fed(deflate(HEADER)).is_done) == (True, False)
    assert not fed(deflate(HEADER)[:-200]).is_whole


def test_a_bomb_in_the_header_is_inflated_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflating, "HEADER_LIMIT_BYTES", 1 << 20)
    header = fed(deflate(HEADER + element(0x00291011, "OB", bytes(50 << 20)) + PIXEL_DATA))
    assert header.is_too_long
    assert header.is_done
    assert not header.is_whole
    assert len(header.data) < 2 << 20


def test_a_damaged_stream_keeps_what_came_before() -> None:
    noise = random.Random(2).randbytes(600_000)
    stream = bytearray(zlib.compress(HEADER + element(0x00291011, "OB", noise))[2:])
    stream[-300_000:] = bytes(300_000)
    header = fed(bytes(stream[:-300_000]), 1000)
    with pytest.raises(RejectedInstance, match="damaged"):
        header.feed(bytes(stream[-300_000:]))
    assert header.data.startswith(HEADER)


def test_sequences_too_deep_are_refused() -> None:
    deep = (element(0x00081140, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED)) * 70
    with pytest.raises(RejectedInstance, match="deeper"):
        fed(deflate(HEADER + deep))
