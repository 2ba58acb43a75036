from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.frames import FrameTable
from radstream.retrieval.extent import Memory
from radstream.retrieval.pixel_data import PixelData, Value
from services.api.representations import offers

BIG_ENDIAN = "1.2.840.10008.1.2.2"
EXPLICIT = "1.2.840.10008.1.2.1"
START = 11
"""Offset of Pixel Data in the source, in bytes; not even a multiple of two."""


def pixel_data(
    data: bytes,
    frames: int,
    rows: int,
    columns: int,
    bits: int,
    vr: str = "OW",
    syntax: str = EXPLICIT,
    samples: int = 1,
) -> PixelData:
    tag = {"OF": "7FE00008", "OD": "7FE00009"}.get(vr, "7FE00010")
    integers = {"00280002": 1, "00280010": rows, "00280011": columns, "00280100": bits}
    attributes: dict[str, Any] = {key: {"vr": "US", "Value": [value]} for key, value in integers.items()}
    source = bytes(START) + data
    table = FrameTable.native(frames, START, rows * columns * bits, 1 << 40)
    return PixelData(table, Memory(source), len(source), syntax, tag, vr, attributes)


async def read(value: Value) -> bytes:
    data = b"".join([chunk async for chunk in value.stream()])
    assert len(data) == value.size_bytes
    return data


@pytest.mark.parametrize(
    ("vr", "bits", "dtype"),
    [("OW", 16, "u2"), ("OW", 32, "u4"), ("OB", 16, "u2"), ("OF", 32, "f4"), ("OD", 64, "f8")],
)
async def test_big_endian_frames_become_little_endian(vr: str, bits: int, dtype: str) -> None:
    values = np.arange(24).astype(f"<{dtype}")
    stored = values.astype(f">{dtype}").tobytes()
    found = pixel_data(stored, 2, 3, 4, bits, vr, BIG_ENDIAN)
    assert await read(found.frame(0)) == values[:12].tobytes()
    assert await read(found.frame(1)) == values[12:].tobytes()
    assert await read(found.whole()) == values.tobytes()


async def test_big_endian_words_of_8_bit_samples_are_swapped_across_odd_frames() -> None:
    frames = [bytes(range(9)), bytes(range(100, 109))]
    stored = np.frombuffer(b"".join(frames), ">u2").astype("<u2").tobytes()
    found = pixel_data(stored, 2, 3, 3, 8, "OW", BIG_ENDIAN)
    assert [await read(found.frame(index)) for index in range(2)] == frames


async def test_big_endian_bytes_stay_where_the_vr_says_bytes() -> None:
    found = pixel_data(bytes(range(18)), 2, 3, 3, 8, "OB", BIG_ENDIAN)
    assert await read(found.frame(1)) == bytes(range(9, 18))


async def test_frames_of_single_bits_begin_at_a_byte() -> None:
    generator = np.random.default_rng(1)
    pixels = generator.integers(0, 2, (5, 3, 7), dtype=np.uint8)
    stored = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    found = pixel_data(stored, 5, 3, 7, 1)
    for index in range(5):
        assert await read(found.frame(index)) == np.packbits(pixels[index].ravel(), bitorder="little").tobytes()


async def test_frames_of_single_bits_that_fill_their_bytes_are_read_as_they_are() -> None:
    found = pixel_data(bytes(range(8)), 2, 4, 8, 1)
    assert await read(found.frame(1)) == bytes(range(4, 8))


def test_frame_that_is_cut_off_is_not_sent_in_part() -> None:
    found = pixel_data(bytes(17), 2, 3, 3, 8)
    found.frame(0)
    with pytest.raises(UnsupportedInstance):
        found.frame(1)
    with pytest.raises(UnsupportedInstance):
        found.whole()


def test_words_of_unknown_size_are_not_reversed() -> None:
    with pytest.raises(UnsupportedInstance):
        pixel_data(bytes(18), 2, 1, 3, 24, "OW", BIG_ENDIAN).frame(0)


def test_absurdly_large_frame_of_single_bits_is_not_moved() -> None:
    found = pixel_data(b"", 1, 65535, 65535, 1)
    with pytest.raises(UnsupportedInstance):
        found.frame(0)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        ("1.2.840.10008.1.2.4.50", "image/jpeg"),
        ("1.2.840.10008.1.2.4.51", "image/jpeg"),
        ("1.2.840.10008.1.2.4.57", "image/jpeg"),
        ("1.2.840.10008.1.2.4.70", "image/jpeg"),
        ("1.2.840.10008.1.2.4.80", "image/jls"),
        ("1.2.840.10008.1.2.4.81", "image/jls"),
        ("1.2.840.10008.1.2.4.90", "image/jp2"),
        ("1.2.840.10008.1.2.4.91", "image/jp2"),
        ("1.2.840.10008.1.2.4.92", "image/jpx"),
        ("1.2.840.10008.1.2.4.201", "image/jphc"),
        ("1.2.840.10008.1.2.4.202", "image/jphc"),
        ("1.2.840.10008.1.2.4.203", "image/jphc"),
        ("1.2.840.10008.1.2.5", "image/dicom-rle"),
        ("1.2.840.10008.1.2.4.100", "video/mpeg"),
        ("1.2.840.10008.1.2.4.102.1", "video/mp4"),
        ("1.2.840.10008.1.2.4.107", "video/h265"),
        ("1.2.3.4", "application/octet-stream"),
    ],
)
def test_compressed_frames_are_offered_under_their_own_media_type(syntax: str, name: str) -> None:
    found = offers(syntax, is_encapsulated=True, may_be_alone=False)
    assert {(offer.media_type, offer.transfer_syntax_uid, offer.is_multipart) for offer in found} == {
        (name, syntax, True)
    }


@pytest.mark.parametrize("syntax", [EXPLICIT, "1.2.840.10008.1.2", BIG_ENDIAN, "1.2.840.10008.1.2.1.98"])
def test_frames_without_compression_are_octets_in_the_order_of_explicit_little_endian(syntax: str) -> None:
    is_encapsulated = syntax.endswith(".98")
    for offer in offers(syntax, is_encapsulated=is_encapsulated, may_be_alone=True):
        assert (offer.media_type, offer.transfer_syntax_uid) == ("application/octet-stream", EXPLICIT)
