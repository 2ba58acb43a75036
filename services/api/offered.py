"""`/offered`: what this archive has for its pages that not every archive has."""

from __future__ import annotations

import asyncio

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.settings import Settings
from services.api import ohif


def router(settings: Settings) -> APIRouter:
    """Return the route."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/offered")
    async def offered(request: Request) -> Response:
        """Answer with ``{"ohif": …}``: whether OHIF is placed, and served below /ohif/."""
        body = orjson.dumps({"ohif": await asyncio.to_thread(ohif.is_placed, settings)})
        return Response(body, headers={"cache-control": "no-store"}, media_type="application/json")

    return routes
