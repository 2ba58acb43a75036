"""Where frames lie: pydicom finds the same bytes, nothing is read but what is needed, and nonsense is refused."""

from __future__ import annotations

import contextlib
import random
import struct
import warnings
from typing import Any

import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames, get_frame
from pydicom.pixels.utils import get_expected_length

from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dicom.frames import FrameTable, build_frame_table
from radstream.dicom.header import HeaderScanner
from radstream.dicom.json import read_header
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of, is_video
from tests.dicom_bytes import BIG, EXPLICIT, IMPLICIT, damaged
from tests.samples import Sample, samples

JPEG = "1.2.840.10008.1.2.4.50"
MPEG4 = "1.2.840.10008.1.2.4.102"
ENCAPSULATED_HEAD = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)


def native_head(length: int) -> bytes:
    return struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, length)


NATIVE_HEAD = native_head(1 << 20)


class Blob:
    """Bytes that count what is read of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.read_bytes = 0

    async def read(self, offset: int, length: int) -> bytes:
        piece = self.data[offset : offset + length]
        self.read_bytes += len(piece)
        return piece

    def frame(self, table: FrameTable, frame_index: int) -> bytes:
        return b"".join(self.data[offset : offset + length] for offset, length in table.pieces(frame_index))


def describing(**values: Any) -> dict[str, dict[str, Any]]:
    tags = {
        "frames": "00280008",
        "rows": "00280010",
        "columns": "00280011",
        "bits": "00280100",
        "samples": "00280002",
        "photometric": "00280004",
    }
    described = {"rows": 4, "columns": 4, "bits": 8, "samples": 1} | values
    return {tags[name]: {"vr": "US", "Value": [value]} for name, value in described.items()}


async def table_of(pixel_data: bytes, syntax: str, **values: Any) -> tuple[FrameTable, Blob]:
    blob = Blob(pixel_data)
    table = await build_frame_table(describing(**values), syntax, 0, len(pixel_data), blob.read)
    assert table is not None
    return FrameTable.decode(table.encode()), blob


async def real_table(sample: Sample) -> tuple[FrameTable | None, Blob]:
    blob = Blob(sample.path.read_bytes())
    meta = parse_meta(blob.data)
    assert meta is not None
    scanner = HeaderScanner(meta.transfer_syntax_uid)
    scanner.feed(blob.data[meta.data_set_offset :])
    end = len(blob.data) if scanner.pixel_data_offset is None else meta.data_set_offset + scanner.pixel_data_offset
    header = read_header(blob.data[meta.data_set_offset : end], meta.transfer_syntax_uid)
    blob.read_bytes = 0
    return await build_frame_table(header.attributes, meta.transfer_syntax_uid, end, len(blob.data), blob.read), blob


PLAIN = [s for s in samples() if s.data_set and not encoding_of(s.transfer_syntax_uid).is_deflated]
WRONG = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "pydicom looks for a delimiter inside the frame",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "its delimiter is missing: pydicom has no Pixel Data at all",
    "MR_truncated.dcm": "the frame is where it would be if the file were whole",
    "badVR.dcm": "the header is damaged",
}


@pytest.mark.parametrize("sample", PLAIN, ids=lambda sample: sample.name)
async def test_the_frames_of_a_real_file_are_those_that_pydicom_finds(sample: Sample) -> None:
    try:
        table, blob = await real_table(sample)
    except RejectedInstance:
        assert sample.name in WRONG or "Rows" not in pydicom.dcmread(sample.path, stop_before_pixels=True)
        return
    if sample.name in WRONG or is_video(sample.transfer_syntax_uid):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(sample.path)
    if "PixelData" not in ds and "FloatPixelData" not in ds and "DoubleFloatPixelData" not in ds:
        assert table is None
        return
    assert table is not None
    assert blob.read_bytes <= 12 + len(blob.data)
    count = int(ds.get("NumberOfFrames") or 1)
    assert table.number_of_frames == count
    assert table.is_encapsulated == ds.file_meta.TransferSyntaxUID.is_encapsulated
    if table.is_encapsulated:
        frames = generate_frames(ds.PixelData, number_of_frames=count)
        assert [blob.frame(table, index) for index in range(count)] == list(frames)
    for index in {0, count // 2, count - 1}:
        assert blob.frame(table, index) == frame_by_pydicom(ds, index, count), index


async def test_all_frames_are_found_though_the_delimiter_behind_them_is_missing() -> None:
    table, blob = await real_table(next(s for s in samples() if s.name.endswith("lossless_too_short.dcm")))
    assert table is not None
    frames = [blob.frame(table, index) for index in range(10)]
    assert all(frame.startswith(b"\xff\x4f") and frame.rstrip(b"\0").endswith(b"\xff\xd9") for frame in frames)


async def test_a_real_frame_that_is_cut_is_where_it_would_be() -> None:
    """So that a reader sees that the blob ends before, and sends no part of it."""
    table, blob = await real_table(next(s for s in samples() if s.name == "MR_truncated.dcm"))
    assert table is not None
    ((offset, length),) = table.pieces(0)
    assert offset < len(blob.data) < offset + length


def frame_by_pydicom(ds: pydicom.Dataset, index: int, count: int) -> bytes:
    keyword = next(k for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if k in ds)
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        return bytes(get_frame(ds.PixelData, index, number_of_frames=count))
    bits = get_expected_length(ds, unit="pixels") * int(ds.BitsAllocated) // count
    if ds.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits // 3 * 2
    start, end = index * bits // 8, -(-(index + 1) * bits // 8)
    return bytes(ds[keyword].value[start:end])


FRAMES = [b"\xff\xd8" + bytes([number]) * (10 + 2 * number) for number in range(5)]


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("fragments", [1, 2, 3])
async def test_frames_of_several_fragments_are_found_by_their_table_or_by_their_beginnings(
    has_table: bool, fragments: int
) -> None:
    encapsulated = encapsulate(FRAMES, fragments_per_frame=fragments, has_bot=has_table)
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulated, JPEG, frames=5)
    assert table.is_encapsulated
    for index, frame in enumerate(FRAMES):
        assert blob.frame(table, index).rstrip(b"\0") == frame.rstrip(b"\0")
        assert len(table.pieces(index)) == fragments


async def test_an_extended_offset_table_changes_nothing() -> None:
    encapsulated, offsets, lengths = encapsulate_extended(FRAMES)
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulated, JPEG, frames=5)
    for index in range(5):
        by_table = get_frame(encapsulated, index, extended_offsets=(offsets, lengths))
        assert blob.frame(table, index).rstrip(b"\0") == by_table.rstrip(b"\0")


@pytest.mark.parametrize(("entry", "offset"), [(0, 1), (1, 12345), (1, 0), (2, 0xFFFFFFFE)])
async def test_a_wrong_offset_table_is_not_believed(entry: int, offset: int) -> None:
    encapsulated = bytearray(encapsulate(FRAMES, fragments_per_frame=2, has_bot=True))
    encapsulated[8 + 4 * entry : 12 + 4 * entry] = struct.pack("<I", offset)
    table, blob = await table_of(ENCAPSULATED_HEAD + bytes(encapsulated), JPEG, frames=5)
    assert [blob.frame(table, index).rstrip(b"\0") for index in range(5)] == [f.rstrip(b"\0") for f in FRAMES]


RLE = "1.2.840.10008.1.2.5"
WITHOUT_MARKERS = [bytes([1, 0, 0, 0]) + bytes(60 + 2 * number) for number in range(4)]


async def test_frames_without_a_beginning_have_a_fragment_each() -> None:
    encapsulated = encapsulate(WITHOUT_MARKERS, has_bot=False)
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulated, RLE, frames=6)
    assert [blob.frame(table, index) for index in range(4)] == WITHOUT_MARKERS
    with pytest.raises(NotFound):
        table.pieces(4)


async def test_fragments_that_nothing_tells_apart_are_refused() -> None:
    encapsulated = ENCAPSULATED_HEAD + encapsulate(WITHOUT_MARKERS, has_bot=False)
    with pytest.raises(RejectedInstance, match="nothing says"):
        await table_of(encapsulated, RLE, frames=3)
    table, blob = await table_of(encapsulated, RLE)
    assert blob.frame(table, 0) == b"".join(WITHOUT_MARKERS), "of one frame all fragments are part"


async def test_a_fragment_that_happens_to_begin_like_a_codestream_makes_no_frame() -> None:
    fragments = [b"\xff\xd8one.", b"\xff\xd8two.", b"more", b"\xff\xd8not a frame."]
    with pytest.raises(RejectedInstance):
        await table_of(ENCAPSULATED_HEAD + encapsulate(fragments, has_bot=False), JPEG, frames=2)


async def test_frames_beyond_those_declared_are_left_out() -> None:
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulate(FRAMES, has_bot=False), JPEG, frames=3)
    assert blob.frame(table, 2).rstrip(b"\0") == FRAMES[2].rstrip(b"\0")
    with pytest.raises(NotFound):
        table.pieces(3)


async def test_a_frame_that_is_declared_and_not_there_is_not_found() -> None:
    table, _ = await table_of(ENCAPSULATED_HEAD + encapsulate(FRAMES[:3], has_bot=False), JPEG, frames=5)
    assert table.number_of_frames == 5
    assert table.pieces(2)
    for index in (3, 4, 5, -1):
        with pytest.raises(NotFound):
            table.pieces(index)


@pytest.mark.parametrize("declared", [3, 7])
async def test_no_frame_is_shown_for_another_when_a_beginning_is_damaged(declared: int) -> None:
    frames = [b"\xff\xd8one.", b"\0\0two.", b"\xff\xd8three"]
    encapsulated = encapsulate(frames, fragments_per_frame=2, has_bot=False)
    whole = ENCAPSULATED_HEAD + encapsulated + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    with pytest.raises(RejectedInstance, match="which fragments"):
        await table_of(whole, JPEG, frames=declared)


async def test_a_video_is_one_piece_of_all_its_fragments() -> None:
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulate(FRAMES, has_bot=False), MPEG4, frames=300)
    assert table.number_of_frames == 1
    assert len(table.pieces(0)) == 5
    assert blob.frame(table, 0).startswith(FRAMES[0])


async def test_native_frames_of_one_bit_share_bytes() -> None:
    table, _ = await table_of(native_head(100) + bytes(100), EXPLICIT, rows=3, columns=5, bits=1, frames=9)
    # Fifteen bits each: 0 to 15 in bytes 0 and 1, 15 to 30 in bytes 1 to 3, 30 to 45 in bytes 3 to 5.
    assert [table.pieces(index) for index in range(3)] == [((12, 2),), ((13, 3),), ((15, 3),)]
    assert table.frame_bits == 15
    assert [table.bit_offset(index) for index in range(4)] == [0, 7, 6, 5]


@pytest.mark.parametrize(("length", "present"), [(0, 0), (15, 0), (16, 1), (31, 1), (48, 3), (80, 5), (4000, 5)])
async def test_no_native_frame_reaches_beyond_its_pixel_data(length: int, present: int) -> None:
    """What is behind Pixel Data (padding, signatures) must not be shown as an image."""
    table, _ = await table_of(native_head(length) + bytes(4000), EXPLICIT, frames=5)
    for index in range(5):
        if index < present:
            assert table.pieces(index) == ((12 + 16 * index, 16),)
        else:
            with pytest.raises(NotFound, match="too short"):
                table.pieces(index)


@pytest.mark.parametrize("length", [0x4142, 0x5A5A, 0x00014658, 0x00424C44, 0x4D4E5050])
async def test_the_length_of_implicit_pixel_data_is_not_taken_for_a_vr(length: int) -> None:
    """Two bytes of a length may be capitals, such as those of DL or PP."""
    head = struct.pack("<HHI", 0x7FE0, 0x0010, length)
    table, _ = await table_of(head + bytes(64), IMPLICIT, rows=2, columns=2)
    assert table.pieces(0) == ((8, 4),)


@pytest.mark.parametrize(
    ("syntax", "head"),
    [
        (IMPLICIT, native_head(64)),
        (EXPLICIT, struct.pack("<HHI", 0x7FE0, 0x0010, 64)),
        (BIG, struct.pack(">HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 64)),
    ],
)
async def test_pixel_data_is_read_as_it_is_and_not_as_is_declared(syntax: str, head: bytes) -> None:
    table, _ = await table_of(head + bytes(64), syntax)
    assert table.pieces(0) == ((len(head), 16),)


async def test_subsampled_colour_takes_two_samples_a_pixel() -> None:
    table, _ = await table_of(NATIVE_HEAD + bytes(100), EXPLICIT, samples=3, photometric="YBR_FULL_422", frames=2)
    assert table.pieces(1) == ((12 + 32, 32),)


async def test_one_entry_of_a_long_table_is_looked_up_without_the_others() -> None:
    encapsulated = encapsulate([b"\xff\xd8ab"] * 20_000, has_bot=False)
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulated, JPEG, frames=20_000)
    assert blob.frame(table, 19_999) == b"\xff\xd8ab"
    assert len(table.encode()) == 9 + 20_001 * 4 + 20_000 * 12
    cut = FrameTable.decode(table.encode()[: 9 + 20_001 * 4 + 12])
    assert cut.pieces(0) == table.pieces(0), "what lies behind an entry is not looked at"


async def test_big_fragments_are_passed_over() -> None:
    frame = b"\xff\xd8" + bytes(1 << 20)
    encapsulated = encapsulate([frame] * 8, has_bot=False)
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulated, JPEG, frames=8)
    assert table.number_of_frames == 8
    assert blob.read_bytes < 3 << 16


@pytest.mark.parametrize(
    "values", [{"rows": 0}, {"rows": 65535, "columns": 65535, "bits": 1 << 40}, {"frames": 1 << 32}, {"bits": 0}]
)
async def test_nonsense_is_refused(values: dict[str, int]) -> None:
    blob = Blob(NATIVE_HEAD + bytes(64))
    with pytest.raises(RejectedInstance):
        await build_frame_table(describing(**values), EXPLICIT, 0, 76, blob.read)


async def test_what_is_no_pixel_data_has_no_table() -> None:
    blob = Blob(struct.pack("<HH2sHI", 0xFFFA, 0xFFFA, b"SQ", 0, 0))
    assert await build_frame_table(describing(), EXPLICIT, 0, 12, blob.read) is None
    assert await build_frame_table(describing(), EXPLICIT, 12, 12, blob.read) is None


@pytest.mark.parametrize("keep", range(12, 60, 3))
async def test_pixel_data_that_ends_early_has_the_frames_that_are_there(keep: int) -> None:
    whole = ENCAPSULATED_HEAD + encapsulate(FRAMES, has_bot=False)
    table, _ = await table_of(whole[:keep], JPEG, frames=5)
    assert table.number_of_frames == 5
    complete, _ = await table_of(whole, JPEG, frames=5)
    for index in range(5):
        ((offset, length),) = complete.pieces(index)
        if offset < keep:
            assert table.pieces(index) == ((offset, length),), "also of a fragment that reaches beyond the end"
        else:
            with pytest.raises(NotFound):
                table.pieces(index)


async def test_an_offset_table_that_reaches_beyond_the_end_costs_nothing() -> None:
    head = ENCAPSULATED_HEAD + struct.pack("<HHI", 0xFFFE, 0xE000, 4 * (1 << 29))
    table, blob = await table_of(head + bytes(100), JPEG, frames=1 << 29)
    assert blob.read_bytes < 200
    with pytest.raises(NotFound):
        table.pieces(0)


async def test_a_long_offset_table_is_read_only_if_there_are_as_many_fragments() -> None:
    table_bytes = 1 << 20
    encapsulated = struct.pack("<HHI", 0xFFFE, 0xE000, table_bytes) + bytes(table_bytes)
    encapsulated += encapsulate(FRAMES, has_bot=False)[8:]
    table, blob = await table_of(ENCAPSULATED_HEAD + encapsulated, JPEG, frames=table_bytes // 4)
    assert table.pieces(0)
    assert blob.read_bytes < 1 << 17


async def test_countless_fragments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radstream.dicom.fragments.MOST_FRAGMENTS", 1000)
    with pytest.raises(RejectedInstance, match="absurdly many fragments"):
        await table_of(ENCAPSULATED_HEAD + struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 1003, JPEG, frames=5)


async def test_a_huge_number_of_native_frames_takes_no_room() -> None:
    table, _ = await table_of(NATIVE_HEAD + bytes(64), EXPLICIT, frames=0xFFFFFFFF)
    assert len(table.encode()) < 32
    with pytest.raises(NotFound):
        table.pieces(0xFFFFFFFE)


@pytest.mark.parametrize("seed", range(200))
async def test_damaged_pixel_data_is_refused_or_located_within_reason(seed: int) -> None:
    chance = random.Random(seed)
    encapsulated = encapsulate(FRAMES, fragments_per_frame=chance.choice((1, 2)), has_bot=chance.random() < 0.5)
    data = damaged(ENCAPSULATED_HEAD + encapsulated, chance)
    syntax = chance.choice((JPEG, RLE, MPEG4, EXPLICIT, IMPLICIT, BIG))
    blob = Blob(data)
    try:
        table = await build_frame_table(describing(frames=chance.choice((1, 4, 5))), syntax, 0, len(data), blob.read)
    except RejectedInstance:
        return
    assert blob.read_bytes <= 2 * len(data) + 12
    for index in range(table.number_of_frames if table else 0):
        with contextlib.suppress(NotFound):
            assert all(0 < offset <= len(data) for offset, _ in table.pieces(index))
