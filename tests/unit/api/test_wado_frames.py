"""Frames and bulk data of real files, through the index's own documents; pydicom says what must come out."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate, generate_frames

from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import images, wado
from tests import index_engines
from tests.api_engines import parts_of
from tests.index_engines import data_set
from tests.samples import data_set_of

INSTANCE = "/dicom-web/studies/1.2.1.1/series/1.2.2.1/instances/1.2.3.1"
EXPLICIT = "1.2.840.10008.1.2.1"
OHIF = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}


@dataclass
class Door:
    """An instance that was indexed, and a client that asks for it."""

    archive: index_engines.Archive
    url: str

    @property
    def client(self) -> httpx2.AsyncClient:
        app = create_app("test", [wado.router(self.archive.backends, Settings())], {})
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(f"{self.url}/{path}", headers=named)


async def door_of(content: bytes, syntax: str) -> Door:
    archive = index_engines.Archive()
    event = archive.store_bytes(content, syntax=syntax, header_bytes=0)
    await archive.index(event)
    uids = (event.study_instance_uid, event.series_instance_uid, event.sop_instance_uid)
    return Door(archive, "/dicom-web/studies/{}/series/{}/instances/{}".format(*uids))


def read_file(name: str) -> tuple[bytes, FileDataset]:
    """Return the data set's bytes of one of pydicom's files, and what pydicom makes of it."""
    path = get_testdata_file(name)
    assert isinstance(path, str)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        dataset.decode()
    return data_set_of(Path(path).read_bytes()), dataset


async def door_of_file(name: str) -> tuple[Door, FileDataset]:
    content, dataset = read_file(name)
    return await door_of(content, str(dataset.file_meta.TransferSyntaxUID)), dataset


async def frames_of(answer: httpx2.Response) -> list[bytes]:
    return [content for _, content in await parts_of(answer)]


def native_frames(dataset: FileDataset) -> list[bytes]:
    """Return the frames of a native data set in little endian, each beginning at a byte."""
    data = dataset.PixelData
    if not dataset.original_encoding[1] and dataset.BitsAllocated > 1:
        size = max(dataset.BitsAllocated // 8, 2 if dataset["PixelData"].VR == "OW" else 1)
        data = np.frombuffer(data, f">u{size}").astype(f"<u{size}").tobytes()
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    bits = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        bits = bits * 2 // 3
    stream = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return [
        np.packbits(stream[index * bits : (index + 1) * bits], bitorder="little").tobytes() for index in range(count)
    ]


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
    for accept in (OHIF["Accept"], f'multipart/related; type="{media_type}"', "*/*", f"image/*, {OHIF['Accept']}"):
        for number in {1, count}:
            answer = await door.get(f"frames/{number}", Accept=accept)
            if accept.startswith("image/*"):
                assert answer.headers["content-type"] == f"{media_type}; transfer-syntax={syntax}"
                assert answer.content == expected[number - 1]
                continue
            [(headers, content)] = await parts_of(answer)
            assert headers["content-type"] == f"{media_type}; transfer-syntax={syntax}"
            assert content == expected[number - 1]


@pytest.mark.parametrize(
    "accept",
    [
        "application/octet-stream",
        'multipart/related; type="application/octet-stream"',
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
        'multipart/related; type="image/jpeg"',
        "image/jpeg",
    ],
)
async def test_frame_is_not_decoded_for_who_wants_it_without_compression(accept: str) -> None:
    door, _ = await door_of_file("MR_small_jpeg_ls_lossless.dcm")
    assert (await door.get("frames/1", Accept=accept)).status_code == 406


async def test_fragments_of_a_frame_are_joined_by_one_read() -> None:
    frames = [bytes(range(100)), bytes(range(50, 150))]
    content = data_set(
        Rows=10, Columns=10, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2", NumberOfFrames=2,
    )  # fmt: skip
    pixels = encapsulate(frames, fragments_per_frame=3, has_bot=True)
    content += b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff" + pixels + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    door = await door_of(content, "1.2.840.10008.1.2.5")
    await door.get("frames/1")
    reads = door.archive.blobs.reads
    assert await frames_of(await door.get("frames/2,1")) == [frames[1], frames[0]]
    reads.clear()
    client = door.client
    for _ in range(2):
        answer = await client.get(f"{door.url}/frames/2")
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


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_bigendian.dcm", "rtdose_expb.dcm", "image_dfl.dcm"])
async def test_all_pixels_come_out_as_bulk_data(name: str) -> None:
    door, dataset = await door_of_file(name)
    expected = b"".join(native_frames(dataset))
    for path in ("bulkdata/7FE00010", "bulkdata/7fe00010", "pixeldata"):
        assert await frames_of(await door.get(path)) == [expected]
        assert (await door.get(path, Accept="application/octet-stream")).content == expected
    part = await door.get("bulkdata/7FE00010", Range="bytes=101-222")
    assert part.status_code == 206
    assert part.content == expected[101:223]


async def test_place_of_a_header_value_is_looked_for_once() -> None:
    door = await door_of(with_bulk_values(), EXPLICIT)
    client, reads = door.client, door.archive.blobs.reads
    for _ in range(3):
        answer = await client.get(f"{door.url}/bulkdata/00281201", headers={"Range": "bytes=0-9"})
        assert answer.status_code == 206
    reads.clear()
    await client.get(f"{door.url}/bulkdata/00281201", headers={"Range": "bytes=10-19"})
    assert [length for _, _, length in reads] == [10]


async def test_compressed_pixels_come_out_frame_by_frame() -> None:
    door, dataset = await door_of_file("emri_small_RLE.dcm")
    expected = list(generate_frames(dataset.PixelData, number_of_frames=10))
    assert await frames_of(await door.get("bulkdata/7FE00010")) == expected
    assert (await door.get("bulkdata/7FE00010", Accept="image/dicom-rle")).status_code == 406
    alone, image = await door_of_file("MR_small_RLE.dcm")
    answer = await alone.get("bulkdata/7FE00010", Accept="image/dicom-rle")
    assert answer.content == next(generate_frames(image.PixelData))


def with_bulk_values() -> bytes:
    item = Dataset()
    item.add_new(0x00420011, "OB", bytes(range(256)) * 8)
    return data_set(
        RedPaletteColorLookupTableData=np.arange(1024, dtype="<u2").tobytes(), ContentSequence=[item], Rows=1
    )


async def test_every_link_of_the_metadata_leads_to_its_value() -> None:
    door = await door_of(with_bulk_values(), EXPLICIT)
    [metadata] = (await door.get("metadata")).json()
    links = {
        metadata["00281201"]["BulkDataURI"]: np.arange(1024, dtype="<u2").tobytes(),
        metadata["0040A730"]["Value"][0]["00420011"]["BulkDataURI"]: bytes(range(256)) * 8,
    }
    for url, expected in links.items():
        assert await frames_of(await door.client.get(url)) == [expected]
        alone = await door.client.get(url, headers={"Accept": "application/octet-stream"})
        assert alone.content == expected
        part = await door.client.get(url, headers={"Range": "bytes=-10", "Accept": "*/*"})
        assert (part.status_code, part.content) == (206, expected[-10:])


async def test_header_values_are_found_in_deflated_data_sets() -> None:
    deflater = zlib.compressobj(wbits=-15)
    content = deflater.compress(with_bulk_values()) + deflater.flush()
    door = await door_of(content, "1.2.840.10008.1.2.1.99")
    answer = await door.get("bulkdata/0040A730/0/00420011", Accept="application/octet-stream")
    assert answer.content == bytes(range(256)) * 8


@pytest.mark.parametrize("path", ["00281202", "0040A730/1/00420011", "0040A730/0/00420012", "7FE00008"])
async def test_value_that_is_not_there_is_not_found(path: str) -> None:
    door = await door_of(with_bulk_values(), EXPLICIT)
    assert (await door.get(f"bulkdata/{path}")).status_code == 404


@pytest.mark.parametrize("path", ["PixelData", "0028120", "0040A730/0", "0040A730/x/00420011", "../../x", "7FE00010/"])
async def test_path_that_means_no_value_is_a_bad_request(path: str) -> None:
    door = await door_of(with_bulk_values(), EXPLICIT)
    assert (await door.get(f"bulkdata/{path.replace('..', '%2e%2e')}")).status_code in {400, 404}
