"""The Pixel Data of instances, remembered for a while: blobs never change, so neither does where their frames lie."""

from __future__ import annotations

import asyncio
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

import orjson

from radstream.blobs.port import BlobStore
from radstream.catalog.filters import Equals
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import NotFound, RejectedInstance, UnsupportedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.frames import FrameTable, build_frame_table
from radstream.dicom.header import HeaderScanner
from radstream.dicom.packing import unpack
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, encoding_of
from radstream.retrieval.extent import Blob, Memory
from radstream.retrieval.pixel_data import Attributes, PixelData, describing

FIELDS: Final = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPClassUID",
    "TransferSyntaxUID",
    "blob_key",
    "sha256",
    "size_bytes",
    "header_bytes",
)
"""Of an instance document, what its Pixel Data and bulk data are found with."""

CACHE_BYTES: Final = 1 << 26

INFLATED_LIMIT_BYTES: Final = 1 << 26
"""Largest deflated data set that is inflated for a reader: it has to be inflated as a whole. As in `index`."""

LONG_BYTES: Final = 1 << 16
"""More than this is unpacked in a thread, so that the loop goes on."""

_ELEMENT_HEAD_BYTES: Final = 8

T = TypeVar("T")


class Images:
    """Finds the Pixel Data of instances.

    Parameters
    ----------
    catalog, blobs
        Where the frame tables and the pixels are.
    """

    def __init__(self, catalog: Catalog, blobs: BlobStore) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._known: OrderedDict[str, tuple[PixelData, int]] = OrderedDict()
        self._known_bytes = 0
        self._inflating = asyncio.Lock()  # one at a time: each takes much memory, and the next may want the same

    async def pixel_data(self, document: Document) -> PixelData:
        """Return the Pixel Data of the instance whose `document` has `FIELDS`.

        Raises
        ------
        NotFound
            If the instance has none.
        UnsupportedInstance
            If it has some that nobody can read.
        Unavailable
        """
        known = self._recall(document["blob_key"])
        return known if known is not None else await self._load(document)

    async def inflated(self, document: Document) -> bytes:
        """Return the data set of a deflated instance, inflated.

        Raises
        ------
        UnsupportedInstance
            If it is damaged, or longer than `INFLATED_LIMIT_BYTES`.
        NotFound, Unavailable
        """
        if document["size_bytes"] > INFLATED_LIMIT_BYTES:
            raise UnsupportedInstance("the deflated data set is too long to be inflated")
        stored = await self._blobs.read(document["blob_key"])
        try:
            return await asyncio.to_thread(_inflate, stored)
        except RejectedInstance as error:
            raise UnsupportedInstance(str(error)) from error

    def _recall(self, blob_key: str) -> PixelData | None:
        if blob_key not in self._known:
            return None
        self._known.move_to_end(blob_key)
        return self._known[blob_key][0]

    def _remember(self, blob_key: str, pixel_data: PixelData, cost_bytes: int) -> PixelData:
        self._known_bytes += cost_bytes - self._known.pop(blob_key, (None, 0))[1]
        self._known[blob_key] = pixel_data, cost_bytes
        while self._known_bytes > CACHE_BYTES and len(self._known) > 1:
            self._known_bytes -= self._known.popitem(last=False)[1][1]
        return pixel_data

    async def _load(self, document: Document) -> PixelData:
        of_instance = Equals("_id", document["_id"])
        found = await self._catalog.find(INSTANCES.name, of_instance, fields=("frames", "metadata"))
        if not found:
            raise NotFound("the instance is not stored here any more")
        attributes = await _aside(found[0]["metadata"], _describing)
        if encoding_of(document["TransferSyntaxUID"]).is_deflated:
            return await self._load_deflated(document, attributes)
        encoded = found[0]["frames"]
        _refuse_without_frames(document, encoded)
        source = Blob(self._blobs, document["blob_key"])
        head = await self._blobs.read(document["blob_key"], document["header_bytes"], _ELEMENT_HEAD_BYTES)
        pixel_data = PixelData(
            FrameTable.decode(encoded),
            source,
            document["size_bytes"],
            document["TransferSyntaxUID"],
            *_tag_and_vr(head, document["TransferSyntaxUID"]),
            attributes,
            document["header_bytes"],
        )
        return self._remember(document["blob_key"], pixel_data, len(encoded) + 4096)

    async def _load_deflated(self, document: Document, attributes: Attributes) -> PixelData:
        async with self._inflating:
            known = self._recall(document["blob_key"])
            if known is not None:
                return known
            data = await self.inflated(document)
            table, header_bytes = await _table_in(data, attributes)
            element = _tag_and_vr(data[header_bytes : header_bytes + _ELEMENT_HEAD_BYTES], EXPLICIT_VR_LITTLE_ENDIAN)
            pixel_data = PixelData(
                table, Memory(data), len(data), EXPLICIT_VR_LITTLE_ENDIAN, *element, attributes, header_bytes
            )
            return self._remember(document["blob_key"], pixel_data, len(data))


def _refuse_without_frames(document: Document, encoded: bytes) -> None:
    """Raise if there is no frame table: because there are no pixels, or because nobody could read them."""
    if encoded:
        return
    if document["header_bytes"] == document["size_bytes"]:
        raise NotFound("the instance has no Pixel Data")
    raise UnsupportedInstance("the Pixel Data of the instance cannot be read")


def _tag_and_vr(head: bytes, transfer_syntax_uid: str) -> tuple[str, str]:
    """Return tag, as eight digits, and VR of the element that begins with `head`; OW where the VR is implicit."""
    encoding = encoding_of(transfer_syntax_uid)
    group, element = struct.unpack("<HH" if encoding.is_little_endian else ">HH", head[:4].ljust(4, b"\0"))
    vr = "OW" if encoding.is_implicit else head[4:6].decode("latin-1")
    return f"{group:04X}{element:04X}", vr


def _inflate(stored: bytes) -> bytes:
    meta = parse_meta(stored)
    if meta is None:
        raise RejectedInstance("the stored file has no data set")
    return inflate(stored[meta.data_set_offset :], INFLATED_LIMIT_BYTES)


def _describing(metadata: bytes) -> Attributes:
    """Return what describes frames, out of the complete DICOM JSON."""
    return describing(orjson.loads(unpack(metadata)))


async def _table_in(data: bytes, attributes: Attributes) -> tuple[FrameTable, int]:
    """Return the frame table of an inflated data set, and where in it the Pixel Data begins."""

    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    scanner = HeaderScanner(EXPLICIT_VR_LITTLE_ENDIAN)
    try:
        scanner.feed(data)
        if scanner.pixel_data_offset is None:
            raise NotFound("the instance has no Pixel Data")
        offset = scanner.pixel_data_offset
        table = await build_frame_table(attributes, EXPLICIT_VR_LITTLE_ENDIAN, offset, len(data), read)
    except RejectedInstance as error:
        raise UnsupportedInstance(str(error)) from error
    if table is None:
        raise UnsupportedInstance("the Pixel Data of the instance cannot be read")
    return table, offset


async def _aside(data: bytes, work: Callable[[bytes], T]) -> T:
    """Return what `work` makes of `data`; in a thread if that takes long."""
    return work(data) if len(data) <= LONG_BYTES else await asyncio.to_thread(work, data)
