"""The study list of the workstation: a page of studies, and how many there are in all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.catalog.port import Catalog
from radstream.contract.documents import STUDIES
from radstream.web.compression import compressed
from radstream.web.streaming import Streamed
from services.api.study_search import FIELDS, parse_search, study_row


def router(backends: Backends) -> APIRouter:
    """Return the route."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/study-list", _Door(backends.catalog).studies, methods=["GET"])
    return routes


class _Door:
    """Answers requests."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def studies(self, request: Request) -> Response:
        """Answer with ``{"total": …, "studies": […]}``; 400 if the query means nothing."""
        search = parse_search(request.query_params)
        total, documents = await asyncio.gather(
            self._catalog.count(STUDIES.name, search.where),
            self._catalog.find(
                STUDIES.name, search.where, fields=FIELDS, sort=search.sort, skip=search.skip, limit=search.limit
            ),
        )
        body = orjson.dumps({"total": total, "studies": [study_row(document) for document in documents]})
        pieces, encoding = compressed(request, _once(body))
        headers = {"cache-control": "no-store", "vary": "Accept-Encoding"}
        return Streamed(pieces, "application/json", headers=headers | encoding)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
