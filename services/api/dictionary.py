"""`/dictionary`: the keyword of every attribute of the Standard (PS3.6), for pages that name tags."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter
from pydicom.datadict import DicomDictionary
from starlette.requests import Request
from starlette.responses import Response

from radstream.web.compression import compressed
from radstream.web.streaming import Streamed


def router() -> APIRouter:
    """Return the route."""
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/dictionary", dictionary, methods=["GET"])
    return routes


async def dictionary(request: Request) -> Response:
    """Answer with an object of keywords by tag, eight hexadecimal digits as DICOM JSON writes it."""
    pieces, encoding = compressed(request, _keywords())
    headers = {"cache-control": "public, max-age=86400", "vary": "Accept-Encoding"}
    return Streamed(pieces, "application/json", headers=headers | encoding)


async def _keywords() -> AsyncIterator[bytes]:
    yield orjson.dumps({f"{tag:08X}": entry[4] for tag, entry in DicomDictionary.items() if entry[4]})
