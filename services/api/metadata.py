"""WADO-RS Retrieve Metadata: the complete DICOM JSON of every instance, a join of bytes that were made when it came.

Or the same as XML, a part for each instance, made when it is sent.

References
----------
PS3.18 10.4.1.1.2 Metadata Resources; Annex F DICOM JSON Model; PS3.19 A.1 Native DICOM Model.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.catalog.filters import In
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import NotFound
from radstream.dicom.packing import unpack
from radstream.dicom.xml import to_xml
from radstream.retrieval.joined import Octets
from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.compression import compressed
from radstream.web.conditional import cache_headers, unchanged
from radstream.web.links import base_url
from radstream.web.media_types import MediaType
from radstream.web.paths import INSTANCE, SERIES, STUDY
from radstream.web.related import Content, Later, related
from radstream.web.streaming import Streamed
from services.api.address import address_of, instance_path, instances_at

DICOM_JSON: Final = Offer("application/dicom+json", other_names=("application/json",))

DICOM_XML: Final = Offer("application/dicom+xml", True)

PAGE: Final = 64
"""Instances whose metadata are in memory at once."""

PIECE_BYTES: Final = 256 * 1024
"""Sent together: small enough to begin soon, large enough to compress well."""

_RELATIVE: Final = b'"BulkDataURI":"'
"""Cannot occur inside a JSON string, where its quotation marks would be escaped."""


def add_to(routes: APIRouter, backends: Backends, settings: Settings) -> None:
    """Add the transaction to `routes`."""

    async def retrieve_metadata(request: Request) -> Response:
        address = address_of(request.path_params)
        offer = choose(request, [DICOM_JSON, DICOM_XML])
        found = await instances_at(backends.catalog, address, ("StudyInstanceUID", "SeriesInstanceUID", "sha256"))
        base = f"{base_url(request, settings)}{routes.prefix}"
        etag = _etag(base, found, offer.media_type)
        if (response := unchanged(request, etag)) is not None:
            return response
        if offer == DICOM_XML:
            parts = [Later(partial(_xml, backends.catalog, base, document)) for document in found]
            return related(parts, MediaType(DICOM_XML.media_type), headers=cache_headers(etag))
        pieces, headers = compressed(request, _pieces(backends.catalog, base, found))
        return Streamed(pieces, DICOM_JSON.media_type, headers={**cache_headers(etag), **headers})

    for path in (STUDY, SERIES, INSTANCE):
        routes.add_api_route(f"{path}/metadata", retrieve_metadata, methods=["GET"])


def _etag(base: str, found: Sequence[Document], media_type: str) -> str:
    """Return a tag of which instances there are, with which bytes; the links in the answer depend on `base`."""
    digest = hashlib.sha256(f"{base} {media_type}".encode())
    for document in found:
        digest.update(f"{document['_id']} {document['sha256']}".encode())
    return f'W/"{digest.hexdigest()}"'


async def _pieces(catalog: Catalog, base: str, found: Sequence[Document]) -> AsyncIterator[bytes]:
    """Yield the JSON array of the metadata of `found`, in that order."""
    unsent, separator = bytearray(b"["), b""
    for start in range(0, len(found), PAGE):
        for text in await _metadata(catalog, base, found[start : start + PAGE]):
            unsent += separator + text
            separator = b","
            if len(unsent) >= PIECE_BYTES:
                yield bytes(unsent)
                unsent.clear()
    yield bytes(unsent + b"]")


async def _metadata(catalog: Catalog, base: str, page: Sequence[Document]) -> list[bytes]:
    """Return the DICOM JSON object of each instance of `page` that is still there, its bulk data linked to us."""
    keys = [document["_id"] for document in page]
    known = await catalog.find(INSTANCES.name, In("_id", keys), fields=("metadata",))
    packed = {document["_id"]: document["metadata"] for document in known}
    return [_linked(packed[document["_id"]], base, document) for document in page if document["_id"] in packed]


def _linked(packed: bytes, base: str, document: Document) -> bytes:
    link = f"{base}/{instance_path(document)}/bulkdata/".encode()
    return unpack(packed).replace(_RELATIVE, _RELATIVE + link)


async def _xml(catalog: Catalog, base: str, document: Document) -> Content:
    """Return the part of one instance."""
    found = await _metadata(catalog, base, [document])
    if not found:
        raise NotFound("the instance is not stored here any more")
    data = Octets(await asyncio.to_thread(lambda: to_xml(orjson.loads(found[0]))))
    location = f"{base}/{instance_path(document)}/metadata"
    return Content(MediaType(DICOM_XML.media_type), data.size_bytes, data.stream, location)
