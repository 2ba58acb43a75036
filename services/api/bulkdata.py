"""WADO-RS Retrieve Bulk Data: what `metadata` has a BulkDataURI for, and the Pixel Data of an instance.

References
----------
PS3.18 10.4.1.1.5 Bulkdata Resources, 10.4.1.1.6 Pixel Data Resources; RFC 9110 14 for ranges.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.catalog.port import Document
from radstream.contract.errors import MalformedRequest, NotFound, UnsupportedInstance
from radstream.retrieval.header_values import HeaderValues
from radstream.retrieval.images import FIELDS, Images
from radstream.retrieval.streams import DOCUMENT_TYPES, ENCAPSULATED_DOCUMENT
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.links import base_url
from radstream.web.paths import INSTANCE
from services.api.address import address_of, instance_path, instances_at
from services.api.answer import answer
from services.api.frame_set import FrameSet
from services.api.frames import MAX_FRAMES
from services.api.representations import offers

_PATH = re.compile(r"[0-9A-Fa-f]{8}(?:/[0-9]{1,9}/[0-9A-Fa-f]{8}){0,64}")

PIXEL_DATA_TAGS: Final = ("7FE00010", "7FE00008", "7FE00009")
"""Pixel Data, Float Pixel Data, Double Float Pixel Data; an instance has one of them."""


def add_to(routes: APIRouter, backends: Backends, settings: Settings, images: Images, transcoding: Transcoding) -> None:
    """Add the transaction to `routes`."""
    headers = HeaderValues(backends.blobs, images)

    def location(request: Request, document: Document, path: str) -> str:
        return f"{base_url(request, settings)}{routes.prefix}/{instance_path(document)}/bulkdata/{path}"

    async def retrieve_pixel_data(request: Request) -> Response:
        (document,) = await instances_at(backends.catalog, address_of(request.path_params), FIELDS)
        pixel_data = await images.pixel_data(document)
        path = request.path_params.get("path", pixel_data.tag).upper()
        if path != pixel_data.tag:
            raise NotFound("the instance has no such bulk data")
        frames = FrameSet(document, pixel_data, transcoding)
        known = frames.offers(may_be_alone=True)
        possible = [offer for offer in known if offer.is_multipart or frames.parts(offer) == 1]
        offer = choose(request, _in_order(request, possible))
        if frames.parts(offer) > MAX_FRAMES:
            raise UnsupportedInstance(f"there are more than {MAX_FRAMES} compressed frames: retrieve them as frames")
        values = [(value, location(request, document, path)) for value in frames.all(offer)]
        return await answer(request, offer, frames.tag(offer, path), values)

    async def retrieve_bulk_data(request: Request) -> Response:
        path = bulk_data_path(request.path_params["path"])
        if path in PIXEL_DATA_TAGS:
            return await retrieve_pixel_data(request)
        (document,) = await instances_at(backends.catalog, address_of(request.path_params), FIELDS)
        value = await headers.value(document, path)
        offer = choose(request, _in_order(request, _offers_of_value(document, path)))
        tag = f"{document['sha256']}-{path.replace('/', '-')}"
        return await answer(request, offer, tag, [(value, location(request, document, path))])

    routes.add_api_route(f"{INSTANCE}/bulkdata/{{path:path}}", retrieve_bulk_data, methods=["GET"])
    routes.add_api_route(f"{INSTANCE}/pixeldata", retrieve_pixel_data, methods=["GET"])


def bulk_data_path(text: str) -> str:
    """Return `text` as the path of an element: tag, or tag, item index, tag …, as `radstream.dicom.json` writes it.

    Raises
    ------
    MalformedRequest
        If it is none.
    """
    if not _PATH.fullmatch(text):
        raise MalformedRequest("bulk data is named by its tag, or by tags and item numbers with slashes between them")
    return text.upper()


def _offers_of_value(document: Document, path: str) -> tuple[Offer, ...]:
    """Return the representations of a value in the header; an encapsulated document is one of its own kind too."""
    octets = offers("", is_encapsulated=False, may_be_alone=True)
    kind = DOCUMENT_TYPES.get(document["SOPClassUID"]) if path == ENCAPSULATED_DOCUMENT else None
    return octets if kind is None else (*octets, Offer(kind, True), Offer(kind, False))


def _in_order(request: Request, known: Sequence[Offer]) -> Sequence[Offer]:
    """Return what can be offered: what goes alone goes first if the client wants a range of it."""
    return sorted(known, key=lambda offer: offer.is_multipart) if "range" in request.headers else known
