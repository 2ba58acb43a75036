"""QIDO-RS, the door of queries: studies, series and instances by their attributes.

References
----------
PS3.18 10.6 Search Transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.dicom.levels import Level
from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.compression import compressed
from radstream.web.links import base_url
from radstream.web.streaming import Streamed
from services.api.address import address_of
from services.api.finding import Found, find, rows
from services.api.matching import matchings
from services.api.query import Query, parse_query

DICOM_JSON: Final = Offer("application/dicom+json", other_names=("application/json",))

RESOURCES: Final = {
    "/studies": Level.STUDY,
    "/series": Level.SERIES,
    "/instances": Level.INSTANCE,
    "/studies/{study}/series": Level.SERIES,
    "/studies/{study}/instances": Level.INSTANCE,
    "/studies/{study}/series/{series}/instances": Level.INSTANCE,
}
"""PS3.18 table 10.6.1-1: what is searched for, and within what."""


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
        """Answer with a JSON array, empty if nothing is found; 400 names a parameter that means nothing."""
        choose(request, [DICOM_JSON])
        query = parse_query(self._level, request.query_params.multi_items(), self._matchings)
        address = address_of(request.path_params) if request.path_params else None
        base = f"{base_url(request, self._settings)}{self._prefix}"
        found = await find(self._catalog, query, address)
        pieces, headers = compressed(request, rows(self._catalog, query, address, found, base))
        headers |= {"cache-control": "private, no-cache", "vary": "Accept, Accept-Encoding"}
        response = Streamed(pieces, DICOM_JSON.media_type, headers=headers)
        for text in _warnings(query, found):
            response.headers.append("warning", f'299 {base} "{text}"')
        return response


def _warnings(query: Query, found: Found) -> Iterator[str]:
    """Yield what the client has to know about the answer (PS3.18 10.6.3.2)."""
    yield from query.warnings
    if found.remaining:
        yield f"There are {found.remaining} additional results that can be requested"
    if found.is_cut:
        yield "Too many studies or series match; only some of them were looked into"
