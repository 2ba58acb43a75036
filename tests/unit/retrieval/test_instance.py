"""What stands around the frames of a transcoded instance."""

from __future__ import annotations

import io
import struct

import pydicom
import pytest

from radstream.retrieval.instance import _offset_table
from tests.wado_engines import EXPLICIT, door_of, image

JPEG_LS = "1.2.840.10008.1.2.4.80"


def test_offsets_are_counted_from_the_first_item() -> None:
    item, changes = _offset_table([10, 20, 30])
    assert item == b"\xfe\xff\x00\xe0" + struct.pack("<I3I", 12, 0, 18, 46)
    assert changes == {}


def test_offsets_beyond_four_gigabytes_are_in_an_extended_table() -> None:
    size = 1 << 31
    item, changes = _offset_table([size] * 3)
    assert item == b"\xfe\xff\x00\xe0\0\0\0\0"
    assert changes == {
        0x7FE00001: ("OV", struct.pack("<3Q", 0, size + 8, 2 * (size + 8))),
        0x7FE00002: ("OV", struct.pack("<3Q", size, size, size)),
    }


def element(head: bytes, value: bytes) -> bytes:
    return head + struct.pack("<I", len(value)) + value


SIGNATURES = element(b"\xfa\xff\xfa\xffSQ\0\0", b"")
PADDING = element(b"\xfc\xff\xfc\xffOB\0\0", b"\0\0")


@pytest.mark.parametrize("target", [EXPLICIT, JPEG_LS])
async def test_what_stands_behind_pixel_data_stays(target: str) -> None:
    pixel_data = element(b"\xe0\x7f\x10\x00OB\0\0", bytes(200))
    door = await door_of(image(pixel_data) + SIGNATURES + PADDING, EXPLICIT)
    answer = await door.get("", Accept=f"application/dicom; transfer-syntax={target}")
    dataset = pydicom.dcmread(io.BytesIO(answer.content))
    assert dataset[0xFFFAFFFA].VR == "SQ"
    assert dataset[0xFFFCFFFC].value == b"\0\0"
    assert answer.content.endswith(SIGNATURES + PADDING)


async def test_old_offset_tables_do_not_stay() -> None:
    frames = [bytes([1]) * 100, bytes([2]) * 100]
    tables = element(b"\xe0\x7f\x01\x00OV\0\0", bytes(16)) + element(b"\xe0\x7f\x02\x00OV\0\0", bytes(16))
    pixel_data = element(b"\xe0\x7f\x10\x00OB\0\0", b"".join(frames))
    door = await door_of(image(tables + pixel_data), EXPLICIT)
    answer = await door.get("", Accept=f"application/dicom; transfer-syntax={JPEG_LS}")
    dataset = pydicom.dcmread(io.BytesIO(answer.content))
    assert 0x7FE00001 not in dataset
    assert 0x7FE00002 not in dataset
    assert dataset.pixel_array.tobytes() == b"".join(frames)


async def test_overlay_in_bits_of_pixels_is_not_lost() -> None:
    overlay = b"\x00\x60\x00\x01US\x02\x00\x10\x00"  # Overlay Bits Allocated is 16
    pixel_data = element(b"\xe0\x7f\x10\x00OB\0\0", bytes(200))
    door = await door_of(image(overlay + pixel_data), EXPLICIT)
    refused = await door.get("", Accept=f"application/dicom; transfer-syntax={JPEG_LS}")
    assert (refused.status_code, "overlay" in refused.json()["detail"]) == (406, True)
    assert (await door.get("", Accept="application/dicom")).status_code == 200
