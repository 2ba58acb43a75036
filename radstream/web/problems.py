"""Errors as HTTP answers: problem+json bodies (RFC 9457) whose texts are safe to send to anybody."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from radstream.contract.errors import RadstreamError, Unavailable, answer_to

RETRY_AFTER_S: Final = 5

UNEXPECTED: Final = "Something went wrong inside the archive. It has been logged; the request may be tried again."


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return an answer with a problem+json body: type, title, status, detail."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(orjson.dumps(body), status, headers, "application/problem+json")


def problem_of(error: Exception) -> Response:
    """Return the answer to `error` by the table of `contract.errors`; what is none of ours gets a fixed text."""
    headers = {"retry-after": str(RETRY_AFTER_S)} if isinstance(error, Unavailable) else None
    detail = str(error) if isinstance(error, RadstreamError) else UNEXPECTED
    return problem(answer_to(error).http_status, detail, headers)


async def on_error(_request: Request, error: Exception) -> Response:
    """Answer whatever a handler raises."""
    return problem_of(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what routing itself refuses: no such resource, no such method."""
    assert isinstance(error, HTTPException)
    headers = {"allow": _methods_at(request)} if error.status_code == 405 else dict(error.headers or {})
    return problem(error.status_code, str(error.detail), headers)


def _methods_at(request: Request) -> str:
    """Return the methods of all routes at the path of a request; routing itself names those of the first one."""
    path = request.scope["path"]
    known: list[Route] = [route for route in request.app.state.routes if isinstance(route, Route)]
    routes = [route for route in known if route.path_regex.match(path)]
    methods = {method for route in routes for method in route.methods or ()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def on_validation_error(_request: Request, error: Exception) -> Response:
    """Answer 400 with the names of the parameters at fault; their values may be patient data."""
    assert isinstance(error, RequestValidationError)
    names = sorted({str(part) for problem in error.errors() for part in problem["loc"][1:]})
    return problem(400, f"cannot be understood: {', '.join(names)}")
