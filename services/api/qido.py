"""QIDO-RS, the door of queries: studies, series and instances by their attributes.

References
----------
PS3.18 10.6 Search Transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.contract.errors import NotFound
from radstream.dicom.levels import Level
from radstream.dicom.xml import to_xml
from radstream.retrieval.joined import Octets
from radstream.settings import Settings
from radstream.web.accept import choose
from radstream.web.compression import compressed, compressed_whole
from radstream.web.links import base_url
from radstream.web.media_types import MediaType
from radstream.web.parameters import parameters_of
from radstream.web.related import Content, Later, related
from radstream.web.streaming import Streamed
from services.api.address import address_of
from services.api.finding import Found, chunk, chunk_size, find, rows
from services.api.matching import matchings
from services.api.metadata import DICOM_JSON, DICOM_XML
from services.api.query import Query, parse_query

Rows = AsyncIterator[list[bytes]]
"""JSON objects, some at a time."""

RESOURCES: Final = {
    "/studies": Level.STUDY,
    "/series": Level.SERIES,
    "/instances": Level.INSTANCE,
    "/studies/{study}/series": Level.SERIES,
    "/studies/{study}/instances": Level.INSTANCE,
    "/studies/{study}/series/{series}/instances": Level.INSTANCE,
}
"""PS3.18 table 10.6.1-1: what is searched for, and within what."""

_OFFERS: Final = (DICOM_JSON, DICOM_XML)
_HEADERS: Final = {"cache-control": "private, no-cache", "vary": "Accept, Accept-Encoding"}


def router(backends: Backends, settings: Settings) -> APIRouter:
    """Return the routes of QIDO-RS under /dicom-web."""
    routes = APIRouter(prefix="/dicom-web")
    for path, level in RESOURCES.items():
        routes.add_api_route(path, _Search(backends, settings, routes.prefix, level).answer, methods=["GET"])
    return routes


class _Search:
    """One search resource."""

    def __init__(self, backends: Backends, settings: Settings, prefix: str, level: Level) -> None:
        self._catalog = backends.catalog
        self._settings = settings
        self._prefix = prefix
        self._level = level
        self._matchings = matchings(settings.searchable)

    async def answer(self, request: Request) -> Response:
        """Answer with an array or a part for each resource; 400 names a parameter that means nothing."""
        offer = choose(request, _OFFERS)
        query = parse_query(self._level, parameters_of(request), self._matchings)
        address = address_of(request.path_params) if request.path_params else None
        base = f"{base_url(request, self._settings)}{self._prefix}"
        found = await find(self._catalog, query, address)
        asked = self._catalog, query, address
        if offer == DICOM_XML:
            response = _xml_response(rows(*asked, found, base), len(found.documents))
        elif len(found.documents) <= chunk_size(query):
            response = _whole_response(request, await chunk(*asked, found.documents, base))
        else:
            response = _json_response(request, rows(*asked, found, base))
        for text in _warnings(query, found):
            response.headers.append("warning", f'299 {base} "{text}"')
        return response


def _whole_response(request: Request, objects: Sequence[bytes]) -> Response:
    """Answer with an array that is made before it is sent: its length is known."""
    data, encoding = compressed_whole(request, b"[" + b",".join(objects) + b"]")
    return Response(data, headers=_HEADERS | encoding, media_type=DICOM_JSON.media_type)


def _json_response(request: Request, chunks: Rows) -> Response:
    """Answer with an array that is made while it is sent."""
    pieces, encoding = compressed(request, _array(chunks))
    return Streamed(pieces, DICOM_JSON.media_type, headers=_HEADERS | encoding)


async def _array(chunks: Rows) -> AsyncIterator[bytes]:
    separator = b"["
    async for objects in chunks:
        yield separator + b",".join(objects)
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


def _xml_response(chunks: Rows, number: int) -> Response:
    """Answer with a part for each resource, made in its turn; without a body if there is none (PS3.18 10.6.3.1)."""
    if not number:
        return Response(status_code=204, headers=_HEADERS)
    objects = (row async for some in chunks for row in some)
    parts = [Later(partial(_xml_part, objects)) for _ in range(number)]
    return related(parts, MediaType(DICOM_XML.media_type), headers=_HEADERS)


async def _xml_part(objects: AsyncIterator[bytes]) -> Content:
    row = await anext(objects, None)
    if row is None:
        raise NotFound("a resource is not stored here any more")
    data = Octets(to_xml(orjson.loads(row)))
    return Content(MediaType(DICOM_XML.media_type), data.size_bytes, data.stream)


def _warnings(query: Query, found: Found) -> Iterator[str]:
    """Yield what the client has to know about the answer (PS3.18 10.6.3.2)."""
    yield from query.warnings
    if found.remaining:
        yield f"There are {found.remaining} additional results that can be requested"
    if found.is_cut:
        yield "Too many studies or series match; only some of them were looked into"
