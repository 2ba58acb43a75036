"""Straight to the handler, past what FastAPI does between a URL and a handler.

That takes about 0.1 ms, longer than many an answer, and a handler that wants nothing but the request has no use for it.
FastAPI keeps the routes, describes them, and serves everything else: other paths, other methods, handlers whose
arguments it has to make.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from radstream.web.problems import on_http_exception

_MOST_SLASHES: Final = 32


class Direct:
    """The routes of `routers` that need no help, in front of `app`, which has them all.

    Parameters
    ----------
    app : ASGIApp
    routers : sequence of APIRouter
        Where two have the same path and method, the first one wins.
    """

    def __init__(self, app: ASGIApp, routers: Sequence[APIRouter]) -> None:
        self._app = app
        routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
        helped = {id(route) for router in routers if router.dependencies for route in router.routes}
        self._simple = {id(route) for route in routes if _wants_the_request_only(route)} - helped
        self._candidates = cache(lambda slashes: [route for route in routes if _may_have(route, slashes)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._route(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        if route is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except HTTPException as error:
            response = await on_http_exception(request, error)
        await response(scope, receive, send)

    def _route(self, scope: Scope) -> APIRoute | None:
        """Return whose request it is, noted in `scope` as Starlette does; None if FastAPI has to see to it."""
        path, method = scope["path"], scope["method"]
        for route in self._candidates(min(path.count("/"), _MOST_SLASHES)):
            if method in (route.methods or ()) and (match := route.path_regex.match(path)):
                if id(route) not in self._simple:
                    return None
                scope.update(route=route, endpoint=route.endpoint, path_params=match.groupdict())
                return route
        return None


def _wants_the_request_only(route: APIRoute) -> bool:
    is_alone = list(inspect.signature(route.endpoint).parameters) == ["request"]
    return is_alone and inspect.iscoroutinefunction(route.endpoint) and not route.dependencies


def _may_have(route: APIRoute, slashes: int) -> bool:
    """Tell whether a path with so many slashes can be one of `route`."""
    return ":path}" in route.path or route.path.count("/") == slashes
