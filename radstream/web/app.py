"""The application of every web process: routers in, one table for errors, health, metrics, security headers.

Request bodies are never gathered here: a door reads `request.stream()` as far and as fast as it wants.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from prometheus_client import Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from radstream.contract.errors import RadstreamError, answer_to
from radstream.telemetry import HTTP_SECONDS, Check, code_path, get_logger
from radstream.web import health
from radstream.web.direct import Direct
from radstream.web.problems import on_error, on_http_exception, on_validation_error, problem, problem_of

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
)
_PAGES: Final = (b"text/html", b"text/xml")  # what a browser would run scripts in
_SECURITY_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check] | None,
    signs_of_life: Mapping[str, Check] | None = None,
) -> ASGIApp:
    """Return an application that serves `routers`, /healthz, /readyz and /metrics.

    Parameters
    ----------
    title : str
    routers : sequence of APIRouter
        Where two have the same path and method, the first one wins.
    checks, signs_of_life : mapping of str to Check
        See `health.router`. None as `checks`: how the process is does another door tell.
    """
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None)
    told_here = [] if checks is None else [health.router(checks, signs_of_life)]
    for router in (*routers, *told_here):
        app.include_router(router)
    app.state.routes = [route for router in (*routers, *told_here) for route in router.routes]
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(Exception, on_error)
    return Boundary(Direct(app, routers))


class Boundary:
    """The outermost part of an application: what comes out of it is a good answer, whatever happens inside.

    Turns errors into answers, answers HEAD wherever GET is known, adds the security headers, refuses encoded bodies
    (they could grow without bound when unpacked), and measures. Plain ASGI: it adds microseconds, and buffers nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        try:
            if exchange.is_body_encoded():
                await problem(415, "a request body must not be encoded")(scope, receive, exchange.send)
            else:
                await self._app(exchange.scope, receive, exchange.send)
        except (_HeadIsSent, ClientDisconnect):
            return
        except Exception as error:  # noqa: BLE001 whatever a handler raises is an answer here
            _log(error, exchange)
            if not exchange.is_started:
                await problem_of(error)(scope, receive, exchange.send)
            # else the server ends the connection: a body that is not complete must not look complete


class _HeadIsSent(Exception):
    """The client asked for the headers only and has them; whatever makes the body may stop."""


class _Exchange:
    """One request and how far its answer has come."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._is_head = scope["method"] == "HEAD"
        self._since = time.perf_counter()
        self.scope: Scope = {**scope, "method": "GET"} if self._is_head else scope
        self.is_started = False

    @property
    def route(self) -> str:
        """The template of the path, which holds no UIDs."""
        return str(getattr(self.scope.get("route"), "path", "none"))

    def is_body_encoded(self) -> bool:
        encodings = [value for name, value in self.scope["headers"] if name == b"content-encoding"]
        return any(value.strip().lower() not in {b"", b"identity"} for value in encodings)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            _seconds(self.route, message["status"]).observe(time.perf_counter() - self._since)
            await self._send({**message, "headers": _with_security(message["headers"])})
        elif self._is_head:
            await self._send({"type": "http.response.body"})
            raise _HeadIsSent
        else:
            await self._send(message)


@lru_cache(1024)
def _seconds(route: str, status: int) -> Histogram:
    """Return what measures a route's answers; looking it up takes longer than measuring."""
    return HTTP_SECONDS.labels(route, status)


def _with_security(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return `headers` and those that keep a browser from guessing, framing, and telling others the URL."""
    added = list(_SECURITY_HEADERS)
    names = dict(headers)
    if names.get(b"content-type", b"").startswith(_PAGES) and b"content-security-policy" not in names:
        added.append((b"content-security-policy", CONTENT_SECURITY_POLICY.encode()))
    return [*headers, *added]


def _log(error: Exception, exchange: _Exchange) -> None:
    """Log what went wrong and where; texts of errors that are not ours may hold patient data and stay out."""
    log = get_logger(__name__)
    where = {"path": exchange.route, "method": exchange.scope["method"], "error_type": type(error).__name__}
    if not isinstance(error, RadstreamError):
        log.error("request_failed", reason=code_path(error), **where)
    elif answer_to(error).http_status < 500:
        log.debug("request_refused", error=str(error), **where)  # the client's business, and often much of it
    else:
        log.warning("request_not_served", error=str(error), **where)
