"""WADO-RS Retrieve Study, Series, Instance: the Part 10 files exactly as they are stored (PS3.18 10.4).

Without a ``transfer-syntax`` parameter the stored one is sent, as with ``*``. (The Standard's default for that case is
Explicit VR Little Endian; nothing is transcoded here.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.errors import UnsupportedInstance
from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.conditional import cache_headers, ranged, unchanged
from radstream.web.links import base_url
from radstream.web.media_types import MediaType
from radstream.web.related import Content, related
from services.api.address import INSTANCE, SERIES, STUDY, address_of, instance_path, instances_at

FIELDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "TransferSyntaxUID", "blob_key", "sha256", "size_bytes")


def add_to(routes: APIRouter, backends: Backends, settings: Settings) -> None:
    """Add the transaction to `routes`."""

    async def retrieve(request: Request) -> Response:
        address = address_of(request.path_params)
        found = await instances_at(backends.catalog, address, FIELDS)
        if address.sop_instance_uid is not None:
            offer = choose(request, _offers(found[0], may_be_alone=True))
            if not offer.is_multipart:
                return _as_file(request, backends.blobs, found[0])
        sent = _acceptable(request, found)
        base = f"{base_url(request, settings)}{routes.prefix}"
        return _as_related(request, backends.blobs, base, sent, is_whole=len(sent) == len(found))

    for path in (STUDY, SERIES, INSTANCE):
        routes.add_api_route(path, retrieve, methods=["GET"])


def _offers(document: Document, *, may_be_alone: bool = False) -> list[Offer]:
    syntax = document["TransferSyntaxUID"]
    offers = [Offer("application/dicom", True, syntax)]
    return [*offers, Offer("application/dicom", False, syntax)] if may_be_alone else offers


def _acceptable(request: Request, found: Sequence[Document]) -> list[Document]:
    """Return the documents of those instances that the client accepts in the syntax in which they are stored."""
    by_syntax = {document["TransferSyntaxUID"]: document for document in found}
    wanted, refusal = set(), None
    for syntax, document in by_syntax.items():
        try:
            choose(request, _offers(document))
            wanted.add(syntax)
        except UnsupportedInstance as error:
            refusal = error
    if not wanted and refusal is not None:
        raise refusal
    return [document for document in found if document["TransferSyntaxUID"] in wanted]


def _as_file(request: Request, blobs: BlobStore, document: Document) -> Response:
    """Return the instance alone, or the part of it that the client asks for."""
    etag = f'"{document["sha256"]}"'
    stream = partial(blobs.stream, document["blob_key"])
    return ranged(request, etag, str(_media_type(document)), document["size_bytes"], stream)


def _as_related(
    request: Request, blobs: BlobStore, base: str, documents: Sequence[Document], *, is_whole: bool
) -> Response:
    """Return the instances as parts; each blob is opened when its turn has come."""
    digests = "".join(document["sha256"] for document in documents)
    etag = f'W/"{hashlib.sha256(digests.encode()).hexdigest()}"'
    if (response := unchanged(request, etag)) is not None:
        return response
    contents = [
        Content(
            _media_type(document),
            document["size_bytes"],
            partial(blobs.stream, document["blob_key"]),
            f"{base}/{instance_path(document)}",
        )
        for document in documents
    ]
    return related(contents, status_code=200 if is_whole else 206, headers=cache_headers(etag))


def _media_type(document: Document) -> MediaType:
    return MediaType("application/dicom", {"transfer-syntax": document["TransferSyntaxUID"]})
