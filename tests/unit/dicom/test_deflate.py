"""Deflated data sets: inflated up to a limit, refused if they are damaged."""

from __future__ import annotations

import contextlib
import random
import tracemalloc
import zlib

import pytest

from radstream.contract.errors import RejectedInstance
from radstream.dicom.deflate import Inflater, inflate
from radstream.dicom.header import HeaderScanner
from tests.dicom_bytes import DEFLATED, damaged, element
from tests.samples import is_deflated, samples

UIDS = ((0x00080016, b"1.2\0"), (0x00080018, b"1.3\0"), (0x0020000D, b"1.4\0"), (0x0020000E, b"1.5\0"))
NAMED = b"".join(element(tag, "UI", value) for tag, value in UIDS)


def deflated(data: bytes, window_bits: int = -zlib.MAX_WBITS) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return compressor.compress(data) + compressor.flush()


def test_a_deflated_data_set_is_inflated_up_to_the_limit() -> None:
    assert inflate(deflated(b"abc" * 1000), 3000) == b"abc" * 1000
    assert inflate(deflated(b"abc") + b"\0", 3) == b"abc"
    with pytest.raises(RejectedInstance, match="longer"):
        inflate(deflated(b"abc" * 1000), 2999)


def test_a_stream_in_the_frame_of_zlib_is_inflated_too() -> None:
    assert inflate(deflated(b"abc" * 1000, zlib.MAX_WBITS), 3000) == b"abc" * 1000


@pytest.mark.parametrize("data", [b"\xff\xff\xff", deflated(b"abc" * 1000)[:-4], b""])
def test_a_damaged_deflated_data_set_is_refused(data: bytes) -> None:
    with pytest.raises(RejectedInstance):
        inflate(data, 1 << 20)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_in_a_deflated_file_it_is_inflated_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    sample = chance.choice([sample for sample in samples() if is_deflated(sample)])
    data = damaged(sample.data_set, chance)
    with contextlib.suppress(RejectedInstance):
        assert len(inflate(data, 1 << 22)) <= 1 << 22
    scanner = HeaderScanner(DEFLATED)
    with contextlib.suppress(RejectedInstance):
        scanner.feed(data)
        scanner.finish()


def test_a_bomb_is_never_inflated() -> None:
    bomb = deflated(bytes(1 << 28))
    assert len(bomb) < 1 << 19
    tracemalloc.start()
    scanner = HeaderScanner(DEFLATED)
    with pytest.raises(RejectedInstance, match="near its beginning"):
        scanner.feed(bomb)
    with pytest.raises(RejectedInstance, match="longer"):
        inflate(bomb, 1 << 20)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 6 << 20


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_uids_of_a_deflated_data_set_are_found_however_it_is_cut(size: int) -> None:
    data = deflated(NAMED + bytes(100_000))
    scanner = HeaderScanner(DEFLATED)
    for start in range(0, len(data), size):
        scanner.feed(data[start : start + size])
    scanner.finish()
    assert scanner.is_done
    assert scanner.pixel_data_offset is None, "where it is in the inflated data set helps nobody"
    assert scanner.values == {tag: value.rstrip(b"\0") for tag, value in UIDS}


def test_what_is_behind_the_uids_stays_deflated() -> None:
    scanner = HeaderScanner(DEFLATED)
    scanner.feed(deflated(NAMED + bytes(1 << 28)))
    assert scanner.is_done


def test_a_deflated_data_set_that_ends_before_its_uids_is_refused() -> None:
    scanner = HeaderScanner(DEFLATED)
    scanner.feed(deflated(NAMED[:20] + random.Random(1).randbytes(1000))[:40])
    with pytest.raises(RejectedInstance, match="ends early"):
        scanner.finish()


def test_what_comes_after_the_end_is_not_asked_for_again() -> None:
    inflater = Inflater()
    assert inflater.inflate(deflated(b"abc") + b"padding", 100) == (b"abc", b"")
    assert inflater.is_complete
    assert inflater.inflate(b"more", 100) == (b"", b"")
