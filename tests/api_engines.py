"""What the api is tested with: blobs and a catalog in memory, filled by hand, and a client of the web door."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
import orjson
import zstandard

from radstream.backends import Backends
from radstream.blobs.port import BlobStore
from radstream.catalog.port import Catalog
from radstream.contract.documents import series_key
from radstream.contract.errors import NotFound
from radstream.dicom import transcode
from radstream.dicom.part10 import encode_meta
from radstream.retrieval.transcoding import Transcoding
from radstream.sandbox.pool import Sandbox
from radstream.settings import Settings
from radstream.web.app import create_app
from radstream.web.multipart import boundary_of, parts
from services.api import start_page, wado
from tests import ingest_engines
from tests.memory_catalog import SCHEMA, MemoryCatalog, blank, declared


async def parts_of(answer: httpx2.Response, *, has_length: bool = True) -> list[tuple[dict[str, str], bytes]]:
    """Return headers and content of each part of a multipart answer, whose length was promised where it was known."""
    assert answer.status_code in {200, 206}, answer.text
    assert answer.headers.get("content-length") == (str(len(answer.content)) if has_length else None)

    async def body() -> AsyncIterator[bytes]:
        yield answer.content

    found = parts(body(), boundary_of(answer.headers["content-type"]))
    return [(part.headers, b"".join([piece async for piece in part.stream()])) async for part in found]


class InProcess:
    """Does in this process what a sandbox does in others."""

    async def run(self, order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes]:
        return transcode.work(order, header, frame)

    async def close(self) -> None:
        return


def transcoding_of(backends: Backends, settings: Settings) -> Transcoding:
    return Transcoding(backends.previews, settings, cast("Sandbox", InProcess()))


@dataclass
class MemoryBlobs:
    """Blobs in memory. `reads` are the ranges that were asked for."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    reads: list[tuple[int, int | None]] = field(default_factory=list)
    piece_bytes: int = 7

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        if key not in self.blobs:
            raise NotFound("no such blob")
        self.reads.append((offset, length))
        return self.blobs[key][offset : None if length is None else offset + length]

    async def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        data = await self.read(key, offset, length)
        for at in range(0, len(data), self.piece_bytes):
            yield data[at : at + self.piece_bytes]

    async def check(self) -> None:
        return


@dataclass
class Archive:
    """An archive whose catalog and blobs are filled by hand, and a client of its web door."""

    catalog: MemoryCatalog
    blobs: MemoryBlobs
    settings: Settings
    previews: ingest_engines.MemoryBlobs = field(default_factory=ingest_engines.MemoryBlobs)

    @property
    def backends(self) -> Backends:
        unused = cast("Any", None)
        previews = cast("BlobStore", self.previews)
        return Backends(unused, cast("BlobStore", self.blobs), previews, cast("Catalog", self.catalog))

    @property
    def client(self) -> httpx2.AsyncClient:
        transcoding = transcoding_of(self.backends, self.settings)
        routers = [
            wado.router(self.backends, self.settings, transcoding),
            start_page.router(self.backends, self.settings),
        ]
        transport = httpx2.ASGITransport(create_app("test", routers, {}))
        return httpx2.AsyncClient(transport=transport, base_url="http://pacs:8042")

    def add(
        self,
        sop_instance_uid: str = "1.2.3",
        data_set: bytes = b"data set",
        *,
        study: str = "1.1",
        series: str = "1.2",
        number: int = 1,
        syntax: str = "1.2.840.10008.1.2.1",
        attributes: Mapping[str, Any] | None = None,
        frames: bytes = b"",
        header_bytes: int | None = None,
    ) -> bytes:
        """Store an instance and return its blob; `header_bytes` is an offset in the data set, by default its end."""
        meta = encode_meta("1.2.840.10008.5.1.4.1.1.7", sop_instance_uid, syntax)
        blob, sha256 = meta + data_set, hashlib.sha256(data_set).hexdigest()
        key = f"main/instances/{study}/{series}/{sop_instance_uid}/{sha256}.dcm"
        self.blobs.blobs[key] = blob
        complete = {"00080018": {"vr": "UI", "Value": [sop_instance_uid]}, **(attributes or {})}
        document = {
            "SOPInstanceUID": sop_instance_uid,
            "StudyInstanceUID": study,
            "SeriesInstanceUID": series,
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
            "series_key": series_key(study, series),
            "InstanceNumber": number,
            "TransferSyntaxUID": syntax,
            "blob_key": key,
            "sha256": sha256,
            "size_bytes": len(blob),
            "header_bytes": len(blob) if header_bytes is None else len(meta) + header_bytes,
            "frames": frames,
            "metadata": zstandard.ZstdCompressor().compress(orjson.dumps(complete)),
        }
        instances = SCHEMA["instances"]
        self.catalog.collections["instances"][sop_instance_uid] = blank(instances) | declared(instances, document)
        return blob
