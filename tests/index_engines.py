"""What the index is tested with: stored instances, a blob store, a log and a catalog in memory, a clock."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pydicom
from pydicom.dataset import Dataset
from pydicom.filewriter import write_dataset

from radstream.backends import Backends
from radstream.bus.port import Record
from radstream.contract.blob_keys import InstanceKey
from radstream.contract.events import InstanceStored, from_json, headers_of, new_event_id, to_json, to_timestamp
from radstream.contract.uids import Uid
from radstream.dicom.part10 import encode_meta
from radstream.dicom.searchable import Searchable
from radstream.settings import Settings
from services.index.handle import Arrival, Indexing
from services.ingest.accept import Accepting
from services.ingest.identity import Origin
from tests.ingest_engines import MemoryBlobs, MemoryBus
from tests.memory_catalog import MemoryCatalog

EXPLICIT = "1.2.840.10008.1.2.1"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Blobs(MemoryBlobs):
    """Remembers what was read of each blob."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, int, int | None]] = []

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        self.reads.append((key, offset, length))
        return await super().read(key, offset, length)

    async def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        content = await super().read(key, offset, length)
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]


def data_set(**attributes: Any) -> bytes:
    """Return a data set in Explicit VR Little Endian, with `attributes` by keyword."""
    ds = Dataset()
    defaults = {
        "SOPClassUID": CT_IMAGE_STORAGE,
        "SOPInstanceUID": "1.2.3.1",
        "StudyInstanceUID": "1.2.1.1",
        "SeriesInstanceUID": "1.2.2.1",
        "PatientID": "P1",
        "PatientName": "Smith^John",
        "Modality": "CT",
    }
    values = defaults | attributes
    if not "".join(map(str, values.values())).isascii():
        values["SpecificCharacterSet"] = "ISO_IR 192"
    with pydicom.config.disable_value_validation():
        for keyword, value in values.items():
            setattr(ds, keyword, value)
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, ds)
    return bytes(buffer.getvalue())


@dataclass
class Archive:
    """An index over engines in memory."""

    blobs: Blobs = field(default_factory=Blobs)
    previews: MemoryBlobs = field(default_factory=MemoryBlobs)
    bus: MemoryBus = field(default_factory=MemoryBus)
    catalog: Any = field(default_factory=MemoryCatalog)
    now: datetime = START
    searchable: Sequence[Searchable] = ()

    def __post_init__(self) -> None:
        self.indexing = Indexing(self.backends, self.searchable, lambda: self.now)

    @property
    def backends(self) -> Backends:
        return Backends(
            bus=cast(Any, self.bus),
            blobs=cast(Any, self.blobs),
            previews=cast(Any, self.previews),
            catalog=self.catalog,
        )

    def store(self, *, after_s: float = 0, site: str = "main", **attributes: Any) -> InstanceStored:
        """Store an instance, as ingest does, and return its event."""
        return self.store_bytes(data_set(**attributes), after_s=after_s, site=site)

    def store_bytes(
        self, content: bytes, *, after_s: float = 0, site: str = "main", syntax: str = EXPLICIT, header_bytes: int = -1
    ) -> InstanceStored:
        ds = pydicom.dcmread(io.BytesIO(content), force=True) if syntax == EXPLICIT else Dataset()
        uids = [
            Uid(str(ds.get(keyword, default)))
            for keyword, default in (
                ("StudyInstanceUID", "1.2.1.1"),
                ("SeriesInstanceUID", "1.2.2.1"),
                ("SOPInstanceUID", "1.2.3.1"),
            )
        ]
        sop_class = str(ds.get("SOPClassUID", CT_IMAGE_STORAGE))
        prefix = encode_meta(sop_class, uids[2], syntax)
        key = InstanceKey(site, *uids, hashlib.sha256(content).hexdigest())
        arrival = prefix + content, START + timedelta(seconds=after_s)
        _, stored_at = self.blobs.contents.setdefault(str(key), arrival)
        before_pixels = content.find(b"\xe0\x7f\x10\x00")
        offset = len(prefix) + (before_pixels if before_pixels >= 0 else len(content))
        return InstanceStored(
            event_id=new_event_id(),
            occurred_at=to_timestamp(stored_at),
            site=site,
            study_instance_uid=uids[0],
            series_instance_uid=uids[1],
            sop_instance_uid=uids[2],
            sop_class_uid=Uid(sop_class),
            transfer_syntax_uid=Uid(syntax),
            blob_key=str(key),
            size_bytes=len(prefix) + len(content),
            sha256=key.sha256,
            header_bytes=offset if header_bytes < 0 else header_bytes,
        )

    async def ingest(self, content: bytes, syntax: str) -> InstanceStored:
        """Take a data set in through the door, and return the event that it puts on the log."""
        acceptance = Accepting(self.backends, Settings(site="main")).begin(Origin("import", syntax))
        acceptance.write(content)
        await acceptance.finish()
        return from_json(self.bus.messages[-1].value, InstanceStored)

    async def index(self, *events: InstanceStored) -> None:
        await self.indexing.index([Arrival(event) for event in events])

    def published(self, topic: str, kind: Any) -> list[Any]:
        return [from_json(message.value, kind) for message in self.bus.messages if message.topic == topic]

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        return cast(dict[str, dict[str, Any]], self.catalog.collections[collection])


def record_of(event: InstanceStored, offset: int = 0) -> Record:
    return Record("instance-stored", 0, offset, event.study_instance_uid, to_json(event), headers_of(event), 0)
