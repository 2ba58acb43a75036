"""The door that describes all doors: Capabilities (PS3.18 8.9) by OPTIONS, the OpenAPI document, a page for people.

References
----------
PS3.18 8.9 Retrieve Capabilities Transaction, H Capabilities Description; OpenAPI 3.1.
"""

from __future__ import annotations

from typing import Final

import orjson
from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.links import base_url
from services.api.description.openapi import document
from services.api.description.operation import HTML, JSON, WADL, Operation
from services.api.description.operations import OPENAPI_PATH, PAGE_PATHS, operations
from services.api.description.page import to_html
from services.api.description.wadl import to_xml, tree
from services.api.matching import matchings
from services.api.policy import content_security_policy

_OFFERS: Final = (Offer(WADL, other_names=("application/xml", "text/xml")), Offer(JSON))


def router(settings: Settings) -> APIRouter:
    """Return the routes."""
    described = operations(matchings(settings.searchable), may_delete=settings.allow_delete)
    routes = APIRouter()

    async def capabilities(request: Request) -> Response:
        route: APIRoute = request.scope["route"]
        path = route.path.replace("{path:path}", "{path}")
        offer = choose(request, _OFFERS)
        found = tree(described, base_url(request, settings), path)
        body = orjson.dumps(found) if offer.media_type == JSON else to_xml(found)
        return Response(body, 200, {"allow": allowed(described, path), "vary": "Accept"}, offer.media_type)

    async def description(request: Request) -> Response:
        body = orjson.dumps(document(described, base_url(request, settings)))
        return Response(body, 200, {"cache-control": "no-cache"}, JSON)

    async def page(request: Request) -> Response:
        text = to_html(described, base_url(request, settings))
        headers = {"content-security-policy": content_security_policy(text), "cache-control": "no-cache"}
        return Response(text, 200, headers, HTML)

    for each in described:
        if each.method == "OPTIONS":
            path = each.path.replace("{path}", "{path:path}")
            routes.add_api_route(path, capabilities, methods=["OPTIONS"], name=each.name)
    routes.add_api_route(OPENAPI_PATH, description, methods=["GET"])
    for path in PAGE_PATHS:
        routes.add_api_route(path, page, methods=["GET"])
    return routes


def allowed(described: list[Operation], path: str) -> str:
    """Return the methods of a resource, for the header Allow (RFC 9110 10.2.1)."""
    methods = dict.fromkeys(each.method for each in described if each.path == path)
    return ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
