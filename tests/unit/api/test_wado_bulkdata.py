"""Bulk data of real files, through the index's own documents."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from tests.index_engines import data_set
from tests.wado_engines import EXPLICIT, door_of, door_of_file, fragments, frames_of, image, native_frames


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
    assert (
        await frames_of(await door.get("bulkdata/7FE00010", Accept="multipart/related; type=image/dicom-rle"))
        == expected
    )
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


async def test_video_comes_out_as_one_stream_with_ranges() -> None:
    stream = bytes(range(256)) * 40
    content = image(fragments([stream], 4), frames=30)
    door = await door_of(content, "1.2.840.10008.1.2.4.102")
    whole = await door.get("pixeldata", Accept="video/mp4, video/*")
    assert whole.headers["content-type"] == "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.content == stream
    part = await door.get("pixeldata", Accept="video/mp4", Range="bytes=2500-7600")
    assert part.content == stream[2500:7601]
    assert await frames_of(await door.get("bulkdata/7FE00010")) == [stream]
    assert (await door.get("frames/1")).status_code == 406
