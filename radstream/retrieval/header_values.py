"""Bulk values in the header of an instance: where they lie is remembered, so that a range of one is one small read."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.header import HEADER_LIMIT_BYTES
from radstream.dicom.json import locate
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of
from radstream.dicom.values import WORD_BYTES
from radstream.retrieval.extent import Blob, Extent, Memory
from radstream.retrieval.images import Images

REMEMBERED: Final = 4096
"""Places that are kept."""

Place = tuple[int, int, str]
"""Offset in the blob, length in bytes, VR."""


class HeaderValues:
    """Finds values in the headers of instances."""

    def __init__(self, blobs: BlobStore, images: Images) -> None:
        self._blobs = blobs
        self._images = images
        self._places: OrderedDict[tuple[str, str], Place] = OrderedDict()

    async def value(self, document: Document, path: str) -> Extent:
        """Return a value of the instance whose `document` has `images.FIELDS`.

        Parameters
        ----------
        path : str
            See `radstream.dicom.json.locate`.

        Raises
        ------
        NotFound
            If there is no such element.
        UnsupportedInstance
            If the header is damaged, or too long to be searched.
        Unavailable
        """
        syntax = document["TransferSyntaxUID"]
        if encoding_of(syntax).is_deflated:
            data = await self._images.inflated(document)
            start, length, _ = await _located(data, syntax, path)
            return Extent(Memory(data), ((start, length),))
        start, length, vr = await self._place(document, path)
        word_bytes = 1 if encoding_of(syntax).is_little_endian else WORD_BYTES.get(vr, 1)
        return Extent(Blob(self._blobs, document["blob_key"]), ((start, length),), word_bytes, start)

    async def _place(self, document: Document, path: str) -> Place:
        key = document["blob_key"], path
        if key not in self._places:
            self._places[key] = await self._search(document, path)
        self._places.move_to_end(key)
        if len(self._places) > REMEMBERED:
            self._places.popitem(last=False)
        return self._places[key]

    async def _search(self, document: Document, path: str) -> Place:
        head = await self._blobs.read(document["blob_key"], 0, document["header_bytes"] or HEADER_LIMIT_BYTES)
        try:
            meta = parse_meta(head)
        except RejectedInstance as error:
            raise UnsupportedInstance(str(error)) from error
        if meta is None:
            raise UnsupportedInstance("the stored file has no data set")
        offset, length, vr = await _located(head[meta.data_set_offset :], document["TransferSyntaxUID"], path)
        return meta.data_set_offset + offset, length, vr


async def _located(header: bytes, transfer_syntax_uid: str, path: str) -> Place:
    """Return where the value lies in `header`; looked for in a thread, since long headers take long."""
    try:
        return await asyncio.to_thread(locate, header, transfer_syntax_uid, path)
    except RejectedInstance as error:
        raise UnsupportedInstance(str(error)) from error
