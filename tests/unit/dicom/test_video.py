"""Transfer syntax and size of videos by what stands at their beginning."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dicom.recognition import recognize
from radstream.dicom.syntaxes import is_video
from radstream.dicom.video import read_video


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def mp4(entry: bytes, configuration: bytes, settings: bytes, columns: int = 1920, rows: int = 1080) -> bytes:
    """Return the beginning of an MP4 file (ISO/IEC 14496-12 8.5.2, 12.1.3)."""
    sample = bytes(6) + b"\0\1" + bytes(16) + struct.pack(">HH", columns, rows) + bytes(50)
    assert len(sample) == 78
    description = box(b"stsd", bytes(7) + b"\1" + box(entry, sample + box(configuration, settings)))
    tables = box(
        b"moov", box(b"mvhd", bytes(100)) + box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", description))))
    )
    return box(b"ftyp", b"mp42" + bytes(8)) + tables + box(b"mdat", bytes(64))


def avc(profile: int, level: int, entry: bytes = b"avc1") -> bytes:
    return mp4(entry, b"avcC", bytes([1, profile, 0, level]) + bytes(16))


def hevc(profile: int, level: int, entry: bytes = b"hvc1") -> bytes:
    return mp4(entry, b"hvcC", bytes([1, 0x20 | profile]) + bytes(10) + bytes([level]) + bytes(10))


def mpeg2(profile_and_level: int, columns: int = 720, rows: int = 576) -> bytes:
    """Return a sequence header with its extension (ISO/IEC 13818-2 6.2.2.1, 6.2.2.3), behind a pack header."""
    header = b"\x00\x00\x01\xb3" + (columns << 12 | rows).to_bytes(3, "big") + bytes(5)
    extension = b"\x00\x00\x01\xb5" + (1 << 12 | profile_and_level << 4).to_bytes(2, "big") + bytes(4)
    return b"\x00\x00\x01\xba" + bytes(10) + header + extension


@pytest.mark.parametrize(
    ("head", "number", "size", "precision"),
    [
        (avc(100, 41), "102", (1080, 1920), 8),
        (avc(77, 31, b"avc3"), "102", (1080, 1920), 8),
        (avc(100, 42), "104", (1080, 1920), 8),
        (hevc(1, 153), "107", (1080, 1920), 8),
        (hevc(2, 120, b"hev1"), "108", (1080, 1920), 10),
        (mpeg2(0x48), "100", (576, 720), 8),
        (mpeg2(0x44, 1920, 1080), "101", (1080, 1920), 8),
    ],
)
def test_a_video_tells_what_it_is(head: bytes, number: str, size: tuple[int, int], precision: int) -> None:
    found = read_video(head)
    assert found is not None
    syntax, stream = found
    assert syntax == f"1.2.840.10008.1.2.4.{number}"
    assert ((stream.rows, stream.columns), stream.precision) == (size, precision)


@pytest.mark.parametrize(
    "head",
    [
        avc(110, 41),
        avc(100, 51),
        hevc(3, 120),
        hevc(1, 156),
        mpeg2(0x4A),
        mpeg2(0x48)[:-8],
        avc(100, 41).replace(b"moov", b"free"),
        avc(100, 41)[:200],
        b"",
    ],
)
def test_what_no_transfer_syntax_is_for_or_is_not_seen_is_not_guessed(head: bytes) -> None:
    assert read_video(head) is None


def test_what_is_left_out_of_the_metadata_is_filled_in() -> None:
    pixel = recognize("video/mp4", "", hevc(2, 120)).image_pixel
    values = {tag: entry["Value"][0] for tag, entry in pixel.items()}
    assert values == {
        "00280002": 3,
        "00280004": "YBR_PARTIAL_420",
        "00280006": 0,
        "00280010": 1080,
        "00280011": 1920,
        "00280100": 16,
        "00280101": 10,
        "00280102": 9,
        "00280103": 0,
    }


@pytest.mark.parametrize(("named", "is_as_named"), [("102", True), ("104", True), ("102.1", True), ("108", False)])
def test_a_wider_transfer_syntax_may_be_named(named: str, is_as_named: bool) -> None:
    found = recognize("video/mp4", f"1.2.840.10008.1.2.4.{named}", avc(100, 31))
    assert (found.transfer_syntax_uid.rpartition(".4.")[2], found.is_as_named) == (named, is_as_named)


@given(st.binary(max_size=300), st.sampled_from([avc(100, 41), hevc(1, 120), mpeg2(0x48)]), st.integers(0, 400))
def test_no_bytes_break_the_reader(junk: bytes, head: bytes, at: int) -> None:
    for damaged in (junk, head[:at] + junk + head[at:], head[:at] + junk, b"\0\0\0\0ftyp" + junk):
        found = read_video(damaged)
        assert found is None or is_video(found[0])
