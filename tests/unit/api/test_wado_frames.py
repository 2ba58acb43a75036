"""Frames of real files, through the index's own documents."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from pydicom.encaps import generate_frames

from radstream.dicom.codecs import decode_frame
from radstream.retrieval import images
from tests.api_engines import parts_of
from tests.index_engines import data_set
from tests.pixel_files import pixel_files
from tests.wado_engines import EXPLICIT, door_of, door_of_file, fragments, frames_of, image, native_frames, read_file

OHIF = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "emri_small_big_endian.dcm",
        "rtdose_expb.dcm",
        "rtdose.dcm",
        "OBXXXX1A_expb_2frame.dcm",
        "SC_rgb_expb_16bit_2frame.dcm",
        "SC_rgb_expb_32bit_2frame.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_rgb_small_odd.dcm",
        "ExplVR_BigEnd.dcm",
        "liver_expb.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "image_dfl.dcm",
    ],
)
async def test_native_frames_come_out_in_little_endian(name: str) -> None:
    door, dataset = await door_of_file(name)
    expected = native_frames(dataset)
    numbers = ",".join(str(number) for number in range(1, len(expected) + 1))
    for accept in (OHIF["Accept"], 'multipart/related; type="application/octet-stream"', "*/*"):
        answer = await door.get(f"frames/{numbers}", Accept=accept)
        found = await parts_of(answer)
        assert [content for _, content in found] == expected
        assert found[0][0]["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
        assert found[-1][0]["content-location"] == f"http://pacs{door.url}/frames/{len(expected)}"
    last = await door.get(f"frames/{len(expected)}", Accept="application/octet-stream")
    assert last.content == expected[-1]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "image/jls"),
        ("MR_small_jp2klossless.dcm", "image/jp2"),
        ("emri_small_jpeg_2k_lossless.dcm", "image/jp2"),
        ("MR_small_RLE.dcm", "image/dicom-rle"),
        ("emri_small_RLE.dcm", "image/dicom-rle"),
        ("SC_rgb_jpeg_gdcm.dcm", "image/jpeg"),
        ("color3d_jpeg_baseline.dcm", "image/jpeg"),
        ("JPEG-LL.dcm", "image/jpeg"),
        ("JPEG-lossy.dcm", "image/jpeg"),
    ],
)
async def test_compressed_frames_come_out_as_they_are(name: str, media_type: str) -> None:
    door, dataset = await door_of_file(name)
    count = int(dataset.get("NumberOfFrames", 1))
    expected = list(generate_frames(dataset.PixelData, number_of_frames=count))
    syntax = dataset.file_meta.TransferSyntaxUID
    for accept in (OHIF["Accept"], f'multipart/related; type="{media_type}"', f"image/*, {OHIF['Accept']}"):
        for number in {1, count}:
            answer = await door.get(f"frames/{number}", Accept=accept)
            if accept.startswith("image/*"):
                assert answer.headers["content-type"] == f"{media_type}; transfer-syntax={syntax}"
                assert answer.content == expected[number - 1]
                continue
            [(headers, content)] = await parts_of(answer)
            assert headers["content-type"] == f"{media_type}; transfer-syntax={syntax}"
            assert content == expected[number - 1]


UNCOMPRESSED = [
    "application/octet-stream",
    'multipart/related; type="application/octet-stream"',
    'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
    "*/*",
    "",
]


@pytest.mark.parametrize("accept", UNCOMPRESSED)
@pytest.mark.parametrize(
    "name", ["MR_small_jpeg_ls_lossless.dcm", "emri_small_RLE.dcm", "MR_small_jp2klossless.dcm", "JPEG-LL.dcm"]
)
async def test_frame_is_decoded_for_who_wants_it_without_compression(name: str, accept: str) -> None:
    door, _ = await door_of_file(name)
    file = pixel_files()[name]
    for number in {1, file.number_of_frames}:
        answer = await door.get(f"frames/{number}", Accept=accept)
        syntax = f"application/octet-stream; transfer-syntax={EXPLICIT}"
        content = answer.content
        if accept != UNCOMPRESSED[0]:
            [(headers, content)] = await parts_of(answer)
            assert headers["content-type"] == syntax
        assert content == file.decode(number - 1)[0].tobytes()


async def test_all_decoded_frames_are_one_part() -> None:
    door, _ = await door_of_file("emri_small_RLE.dcm")
    file = pixel_files()["emri_small_RLE.dcm"]
    expected = b"".join(file.decode(index)[0].tobytes() for index in range(file.number_of_frames))
    answer = await door.get("pixeldata", Accept="application/octet-stream", Range="bytes=8000-9999")
    assert (answer.status_code, answer.content) == (206, expected[8000:10000])


@pytest.mark.parametrize(
    ("accept", "media_type", "syntax"),
    [
        ("image/jphc", "image/jphc", "1.2.840.10008.1.2.4.201"),
        ("image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202", "image/jphc", "1.2.840.10008.1.2.4.202"),
        ("image/jpeg", "image/jpeg", "1.2.840.10008.1.2.4.70"),
        ("image/jpeg; transfer-syntax=*", "image/jpeg", "1.2.840.10008.1.2.4.70"),
        ("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.57", "image/jpeg", "1.2.840.10008.1.2.4.57"),
        ("image/jls", "image/jls", "1.2.840.10008.1.2.4.80"),
        ("image/jp2", "image/jp2", "1.2.840.10008.1.2.4.90"),
        ("image/dicom-rle", "image/dicom-rle", "1.2.840.10008.1.2.5"),
        ("image/png, image/x-jls;q=0.5", "image/jls", "1.2.840.10008.1.2.4.80"),
        ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.201", "image/jphc", "1.2.840.10008.1.2.4.201"),
    ],
)
async def test_frame_is_compressed_anew_without_loss_for_who_names_a_media_type(
    accept: str, media_type: str, syntax: str
) -> None:
    door, _ = await door_of_file("CT_small.dcm")
    file = pixel_files()["CT_small.dcm"]
    alone = await door.get("frames/1", Accept=accept)
    assert alone.headers["content-type"] == f"{media_type}; transfer-syntax={syntax}"
    samples, _ = decode_frame(alone.content, syntax, **file.attributes)
    assert samples.tobytes() == file.decode(0)[0].tobytes()
    kind, _, parameters = accept.partition(";")
    several = await door.get("frames/1", Accept=f"multipart/related; type={kind.split(',')[-1]};{parameters}")
    if "," not in accept:
        assert [content for _, content in await parts_of(several, has_length=False)] == [alone.content]


async def test_frame_that_is_made_once_is_kept() -> None:
    door, _ = await door_of_file("CT_small.dcm")
    first = await door.get("frames/1", Accept="image/jphc")
    (key,) = door.archive.previews.contents
    assert key.endswith("/1.2.840.10008.1.2.4.201-1/1")
    door.archive.blobs.reads.clear()
    again = await door.get("frames/1", Accept="image/jphc")
    assert again.content == first.content
    assert sum(length or 0 for _, _, length in door.archive.blobs.reads) < 100, "only what the element is"
    door.archive.previews.contents.clear()
    assert (await door.get("frames/1", Accept="image/jphc")).content == first.content


async def test_cache_that_is_away_keeps_nobody_from_a_frame() -> None:
    door, _ = await door_of_file("CT_small.dcm")
    door.archive.previews.fails_at |= {"read", "put"}
    assert (await door.get("frames/1", Accept="image/jphc")).status_code == 200


@pytest.mark.parametrize("accept", ["image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50", "image/png", "image/jxl"])
async def test_frame_that_cannot_be_made_is_refused_with_what_there_is(accept: str) -> None:
    door, _ = await door_of_file("CT_small.dcm")
    answer = await door.get("frames/1", Accept=accept)
    assert answer.status_code == 406
    assert "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.201" in answer.json()["detail"]


async def test_frames_of_single_bits_are_moved_to_the_beginning_of_a_byte() -> None:
    pixels = np.random.default_rng(1).integers(0, 2, (5, 21), dtype=np.uint8)
    stored = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    content = image(b"\xe0\x7f\x10\x00OB\x00\x00\x0e\x00\x00\x00" + stored, rows=3, columns=7, bits=1, frames=5)
    door = await door_of(content, EXPLICIT)
    expected = [np.packbits(frame, bitorder="little").tobytes() for frame in pixels]
    assert await frames_of(await door.get("frames/1,2,3,4,5")) == expected


async def test_float_pixels_come_out() -> None:
    pixels = np.arange(200, dtype="<f4").tobytes()
    content = image(b"\xe0\x7f\x08\x00OF\x00\x00" + len(pixels).to_bytes(4, "little") + pixels, bits=32)
    door = await door_of(content, EXPLICIT)
    assert await frames_of(await door.get("frames/2")) == [pixels[400:]]
    assert await frames_of(await door.get("bulkdata/7FE00008")) == [pixels]
    assert (await door.get("bulkdata/7FE00010")).status_code == 404


async def test_fragments_of_a_frame_are_joined_by_one_read() -> None:
    frames = [bytes(range(100)), bytes(range(50, 150))]
    content = image(fragments(frames, 3))
    door = await door_of(content, "1.2.840.10008.1.2.5")
    await door.get("frames/1", **OHIF)
    reads = door.archive.blobs.reads
    assert await frames_of(await door.get("frames/2,1", **OHIF)) == [frames[1], frames[0]]
    reads.clear()
    client = door.client
    for _ in range(2):
        answer = await client.get(f"{door.url}/frames/2", headers=OHIF)
        assert await frames_of(answer) == [frames[1]]
    assert len(reads) == 3, "one read for what the element is, then one for each frame"


@pytest.mark.parametrize(
    ("frames", "status"), [("1", 200), ("10", 200), ("11", 404), ("1,11", 404), ("4294967296", 404)]
)
async def test_frame_beyond_the_last_one_is_not_found(frames: str, status: int) -> None:
    door, _ = await door_of_file("emri_small_big_endian.dcm")
    assert (await door.get(f"frames/{frames}")).status_code == status


@pytest.mark.parametrize(
    "frames", ["0", "1,0", "-1", "abc", "1,,2", "1.5", ",", "1;2", "1-3", "9" * 11, "1," * 20000 + "1"]
)
async def test_what_names_no_frame_is_a_bad_request(frames: str) -> None:
    door, _ = await door_of_file("CT_small.dcm")
    assert (await door.get(f"frames/{frames}")).status_code == 400


async def test_instance_without_pixels_has_no_frames() -> None:
    door = await door_of(data_set(), EXPLICIT)
    for path in ("frames/1", "bulkdata/7FE00010", "pixeldata"):
        assert (await door.get(path)).status_code == 404


async def test_truncated_frame_is_not_sent_in_part() -> None:
    content, _ = read_file("CT_small.dcm")
    door = await door_of(content[:-1000], EXPLICIT)
    assert (await door.get("frames/1")).status_code == 406


async def test_all_frames_of_a_deflated_instance_are_found() -> None:
    frames = [bytes([number]) * 100 for number in range(3)]
    pixel_data = b"\xe0\x7f\x10\x00OW\x00\x00" + (300).to_bytes(4, "little") + b"".join(frames)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = deflater.compress(image(pixel_data, frames=3)) + deflater.flush()
    door = await door_of(content, "1.2.840.10008.1.2.1.99")
    assert await frames_of(await door.get("frames/1,2,3", **OHIF)) == frames
    assert (await door.get("frames/4")).status_code == 404


async def test_known_frame_is_not_sent_again() -> None:
    door, _ = await door_of_file("CT_small.dcm")
    for accept in ("*/*", "application/octet-stream"):
        etag = (await door.get("frames/1", Accept=accept)).headers["etag"]
        assert (await door.get("frames/1", Accept=accept, If_None_Match=etag)).status_code == 304


async def test_frame_tables_are_remembered_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "CACHE_BYTES", 1)
    door, dataset = await door_of_file("CT_small.dcm")
    client = door.client
    for _ in range(3):
        answer = await client.get(f"{door.url}/frames/1", headers={"Accept": "application/octet-stream"})
        assert answer.content == dataset.PixelData


async def test_data_set_that_inflates_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    door, _ = await door_of_file("image_dfl.dcm")
    monkeypatch.setattr(images, "INFLATED_LIMIT_BYTES", 200_000)
    for path in ("frames/1", "bulkdata/7FE00010", "bulkdata/00281201"):
        assert (await door.get(path)).status_code == 406
