"""One indexed instance behind the web door, made from real files; pydicom says what must come out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate

from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import wado
from tests import index_engines
from tests.api_engines import parts_of, transcoding_of
from tests.index_engines import data_set
from tests.samples import data_set_of

EXPLICIT = "1.2.840.10008.1.2.1"


@dataclass
class Door:
    """An instance that was indexed, and a client that asks for it."""

    archive: index_engines.Archive
    url: str

    @property
    def client(self) -> httpx2.AsyncClient:
        backends, settings = self.archive.backends, Settings()
        app = create_app("test", [wado.router(backends, settings, transcoding_of(backends, settings))], {})
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(f"{self.url}/{path}" if path else self.url, headers=named)


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


def image(pixel_data: bytes, *, rows: int = 10, columns: int = 10, bits: int = 8, frames: int = 2) -> bytes:
    """Return a data set with `pixel_data`, from its tag on."""
    header = data_set(
        Rows=rows,
        Columns=columns,
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=0,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        NumberOfFrames=frames,
    )
    return header + pixel_data


def fragments(frames: list[bytes], fragments_per_frame: int) -> bytes:
    """Return the element of encapsulated Pixel Data."""
    items = encapsulate(frames, fragments_per_frame=fragments_per_frame, has_bot=True)
    return b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff" + items + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
