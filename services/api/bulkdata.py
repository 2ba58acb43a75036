"""WADO-RS Retrieve Bulk Data: what `metadata` has a BulkDataURI for, and the Pixel Data of an instance.

References
----------
PS3.18 10.4.1.1.5 Bulkdata Resources, 10.4.1.1.6 Pixel Data Resources; RFC 9110 14 for ranges.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.catalog.port import Document
from radstream.contract.errors import MalformedRequest, NotFound, UnsupportedInstance
from radstream.retrieval.header_values import HeaderValues
from radstream.retrieval.images import FIELDS, Images
from radstream.retrieval.pixel_data import PixelData, Value
from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.links import base_url
from services.api.address import INSTANCE, address_of, instance_path, instances_at
from services.api.answer import answer
from services.api.frames import MAX_FRAMES
from services.api.representations import offers, offers_of

_PATH = re.compile(r"[0-9A-Fa-f]{8}(?:/[0-9]{1,9}/[0-9A-Fa-f]{8}){0,64}")

PIXEL_DATA_TAGS: Final = ("7FE00010", "7FE00008", "7FE00009")
"""Pixel Data, Float Pixel Data, Double Float Pixel Data; an instance has one of them."""


def add_to(routes: APIRouter, backends: Backends, settings: Settings, images: Images) -> None:
    """Add the transaction to `routes`."""
    headers = HeaderValues(backends.blobs, images)

    def send(request: Request, document: Document, path: str, values: list[Value], known: list[Offer]) -> Response:
        location = f"{base_url(request, settings)}{routes.prefix}/{instance_path(document)}/bulkdata/{path}"
        offer = choose(request, _possible(request, known, values))
        tag = f"{document['sha256']}-{path.replace('/', '-')}"
        return answer(request, offer, tag, [(value, location) for value in values])

    async def retrieve_pixel_data(request: Request) -> Response:
        (document,) = await instances_at(backends.catalog, address_of(request.path_params), FIELDS)
        pixel_data = await images.pixel_data(document)
        if request.path_params.get("path", pixel_data.tag).upper() != pixel_data.tag:
            raise NotFound("the instance has no such bulk data")
        return send(request, document, pixel_data.tag, _values(pixel_data), offers_of(pixel_data, may_be_alone=True))

    async def retrieve_bulk_data(request: Request) -> Response:
        path = bulk_data_path(request.path_params["path"])
        if path in PIXEL_DATA_TAGS:
            return await retrieve_pixel_data(request)
        (document,) = await instances_at(backends.catalog, address_of(request.path_params), FIELDS)
        value = await headers.value(document, path)
        return send(request, document, path, [value], offers("", is_encapsulated=False, may_be_alone=True))

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


def _values(pixel_data: PixelData) -> list[Value]:
    """Return what the parts of an answer with all Pixel Data hold: single frames only if they are compressed ones."""
    if not pixel_data.table.is_encapsulated or pixel_data.is_video:
        return [pixel_data.whole()]
    if pixel_data.table.number_of_frames > MAX_FRAMES:
        raise UnsupportedInstance(f"the instance has more than {MAX_FRAMES} compressed frames: retrieve them as frames")
    return [pixel_data.frame(index) for index in range(pixel_data.table.number_of_frames)]


def _possible(request: Request, known: list[Offer], values: list[Value]) -> list[Offer]:
    """Return what can be offered: one value may go alone, and goes first if the client wants a range of it."""
    possible = [offer for offer in known if offer.is_multipart or len(values) == 1]
    return sorted(possible, key=lambda offer: offer.is_multipart) if "range" in request.headers else possible
