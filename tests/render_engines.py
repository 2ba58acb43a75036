"""What render is tested with: engines in memory, filled with files as index would, and a client of the web door."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
import orjson
import pydicom
import zstandard
from fastapi import APIRouter

from radstream.backends import Backends
from radstream.bus.port import Record
from radstream.contract.blob_keys import InstanceKey
from radstream.contract.documents import series_key
from radstream.contract.events import InstanceIndexed, to_json
from radstream.contract.uids import Uid
from radstream.dicom.deflate import inflate
from radstream.dicom.frames import build_frame_table
from radstream.dicom.header import HeaderScanner
from radstream.dicom.json import read_header
from radstream.dicom.part10 import encode_meta, parse_meta
from radstream.dicom.syntaxes import encoding_of
from radstream.settings import Settings
from radstream.web.app import create_app
from services.render import http, uri
from services.render.kept import Kept
from services.render.pictures import Pictures
from services.render.reconstruction.volumes import Volumes
from services.render.sandbox import Sandbox
from tests import ingest_engines
from tests.api_engines import transcoding_of
from tests.memory_catalog import SCHEMA, MemoryCatalog, blank, declared

STUDY, SERIES = "1.2.3", "1.2.3.4"


class MemoryBlobs(ingest_engines.MemoryBlobs):
    """Blobs in memory; `read_bytes` counts what was read."""

    read_bytes = 0

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        data = await super().read(key, offset, length)
        self.read_bytes += len(data)
        return data

    async def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        data = await self.read(key, offset, length)
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]


@dataclass
class RenderArchive:
    """An archive of instances to be rendered."""

    sandbox: Sandbox
    settings: Settings = field(default_factory=Settings)
    catalog: MemoryCatalog = field(default_factory=MemoryCatalog)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    previews: MemoryBlobs = field(default_factory=MemoryBlobs)
    bus: ingest_engines.MemoryBus = field(default_factory=ingest_engines.MemoryBus)
    volumes: Volumes | None = None

    @property
    def backends(self) -> Backends:
        return Backends(
            cast("Any", self.bus), cast("Any", self.blobs), cast("Any", self.previews), cast("Any", self.catalog)
        )

    @property
    def pictures(self) -> Pictures:
        return Pictures(self.backends, self.settings, self.sandbox)

    @property
    def kept(self) -> Kept:
        return Kept(self.pictures, cast("Any", self.previews), self.settings.keep_rendered)

    @property
    def client(self) -> httpx2.AsyncClient:
        return self.client_of(
            "http://pacs/dicom-web", http.router(self.backends, self.settings, self.sandbox, self.volumes)
        )

    @property
    def uri_client(self) -> httpx2.AsyncClient:
        transcoding = transcoding_of(self.backends, self.settings)
        router = uri.router(self.backends, self.settings, self.sandbox, transcoding)
        return self.client_of("http://pacs", router)

    def client_of(self, base_url: str, router: APIRouter) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app("test", [router], {})), base_url=base_url)

    async def add_file(self, content: bytes, **changes: Any) -> InstanceIndexed:
        """Store the data set of a Part 10 file as ingest and index do; `changes` are of the document."""
        meta = parse_meta(content)
        assert meta is not None
        syntax, data_set = meta.transfer_syntax_uid, content[meta.data_set_offset :]
        is_deflated = encoding_of(syntax).is_deflated
        parsed = inflate(data_set, 1 << 26) if is_deflated else data_set
        scanner = HeaderScanner(syntax)
        scanner.feed(data_set)
        in_data_set = len(data_set) if scanner.pixel_data_offset is None else scanner.pixel_data_offset
        attributes = read_header(parsed if is_deflated else parsed[:in_data_set], syntax).attributes
        uid = changes.pop("sop_instance_uid", None) or str(value(attributes, "00080018"))
        sop_class = str(value(attributes, "00080016"))
        blob = encode_meta(sop_class, uid, syntax) + data_set
        header_bytes = 0 if is_deflated else len(blob) - len(data_set) + in_data_set
        sha256 = hashlib.sha256(data_set).hexdigest()
        key = InstanceKey(
            "main", Uid(changes.pop("study", STUDY)), Uid(changes.pop("series", SERIES)), Uid(uid), sha256
        )
        self.blobs.store(str(key), blob, sha256)
        table = None
        if not is_deflated:
            table = await build_frame_table(attributes, syntax, header_bytes, len(blob), self._reader(str(key)))
        document = {
            "SOPInstanceUID": uid,
            "StudyInstanceUID": key.study_instance_uid,
            "SeriesInstanceUID": key.series_instance_uid,
            "series_key": series_key(key.study_instance_uid, key.series_instance_uid),
            "SOPClassUID": sop_class,
            "InstanceNumber": 1,
            "Rows": value(attributes, "00280010"),
            "Columns": value(attributes, "00280011"),
            "NumberOfFrames": value(attributes, "00280008"),
            "TransferSyntaxUID": syntax,
            "blob_key": str(key),
            "sha256": sha256,
            "size_bytes": len(blob),
            "header_bytes": header_bytes,
            "frames": table.encode() if table is not None else b"",
            "metadata": zstandard.ZstdCompressor().compress(orjson.dumps(attributes)),
        }
        instances = SCHEMA["instances"]
        self.catalog.collections["instances"][uid] = blank(instances) | declared(instances, document | changes)
        self.add_series(key.study_instance_uid, key.series_instance_uid, 1)
        return InstanceIndexed(
            event_id="1",
            occurred_at="2026-01-02T03:04:05.000006Z",
            site="main",
            study_instance_uid=key.study_instance_uid,
            series_instance_uid=key.series_instance_uid,
            sop_instance_uid=key.sop_instance_uid,
            sop_class_uid=Uid(sop_class),
            transfer_syntax_uid=Uid(syntax),
            blob_key=str(key),
            size_bytes=len(blob),
            sha256=sha256,
            header_bytes=header_bytes,
        )

    def add_series(self, study: str, series: str, number: int) -> None:
        document = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SeriesNumber": number}
        self.catalog.collections["series"].setdefault(series_key(study, series), blank(SCHEMA["series"]) | document)

    def _reader(self, key: str) -> Any:
        async def read(offset: int, length: int) -> bytes:
            return await self.blobs.read(key, offset, length)

        return read


def value(attributes: dict[str, dict[str, Any]], tag: str) -> Any:
    return (attributes.get(tag, {}).get("Value") or [None])[0]


def records(events: Sequence[InstanceIndexed]) -> list[Record]:
    return [
        Record("instance-indexed", 0, offset, event.study_instance_uid, to_json(event), {"traceparent": "00-t"}, 0)
        for offset, event in enumerate(events)
    ]


def to_bytes(dataset: pydicom.Dataset) -> bytes:
    """Return `dataset` as Part 10 file."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def path(uid: str, *more: str) -> str:
    return "/".join((f"/studies/{STUDY}/series/{SERIES}/instances/{uid}", *more))
