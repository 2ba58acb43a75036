"""The edge of a cluster on one machine: each URL goes to the service that owns it, as an Ingress would route it."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Final, Literal
from urllib.parse import quote_from_bytes

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

Owner = Literal["ingest", "render", "api"]

_STORE: Final = re.compile(r"/dicom-web/studies(/[^/]+)?/?")
_DELETE: Final = re.compile(r"/dicom-web/studies/[^/]+(/series/[^/]+(/instances/[^/]+)?)?/?")
_PICTURE: Final = re.compile(r"/dicom-web/.*/(rendered|renderedmpr|thumbnail)/?|/wado/?")
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade"}
    | {"transfer-encoding"}
)
_PRINTABLE: Final = string.digits + string.ascii_letters + string.punctuation.replace("#", "")
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


def owner_of(method: str, path: str) -> Owner:
    """Return the service that owns a URL: ingest what changes the record, render pictures, api the rest."""
    if (changes := {"POST": _STORE, "DELETE": _DELETE}.get(method)) is not None and changes.fullmatch(path):
        return "ingest"
    return "render" if method != "OPTIONS" and _PICTURE.fullmatch(path) else "api"


class Gateway:
    """Hands requests on, body and answer as they come.

    Parameters
    ----------
    upstreams : mapping of str to sequence of str
        By service the base URLs of its copies, which are asked in turn; one that does not listen is passed over.
    transport : httpx2.AsyncBaseTransport, optional
        The way to them; TCP by default.
    """

    def __init__(
        self, upstreams: Mapping[str, Sequence[str]], transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._upstreams = upstreams
        self._turns: dict[str, Iterator[int]] = {name: itertools.count() for name in upstreams}
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(300, connect=2), limits=httpx2.Limits(max_connections=200), transport=transport
        )
        self._client.headers.clear()  # else it would ask for compressed answers in the name of who cannot read them

    def app(self) -> Starlette:
        """Return the web application."""
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=_METHODS)])

    async def answer(self, request: Request) -> Response:
        """Answer with what the owner of the URL answers; 503 if none of its copies does.

        A request whose body was on its way when a copy died cannot be handed to the next one: its sender repeats it.
        """
        owner = owner_of(request.method, request.url.path)
        bases = self._upstreams[owner]
        first = next(self._turns[owner])
        for number in range(len(bases)):
            try:
                return await self._forward(request, bases[(first + number) % len(bases)])
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
            except httpx2.TransportError:
                if _has_body(request):
                    break
        return PlainTextResponse(f"{owner} is not there", 503, headers={"retry-after": "1"})

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def _forward(self, request: Request, base: str) -> Response:
        outgoing = self._client.build_request(
            request.method,
            base + _target(request),
            headers=[(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP],
            content=request.stream() if _has_body(request) else None,
        )
        answer = await self._client.send(outgoing, stream=True)
        headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _HOP_BY_HOP]
        response = StreamingResponse(_body(answer), answer.status_code)
        response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return response


def _target(request: Request) -> str:
    """Return path and query as they came: decoded, a slash or control character in a name would be another path."""
    query = request.scope["query_string"]
    raw = request.scope["raw_path"].partition(b"?")[0] + (b"?" + query if query else b"")
    return quote_from_bytes(raw, safe=_PRINTABLE)


def _has_body(request: Request) -> bool:
    return not {"content-length", "transfer-encoding"}.isdisjoint(request.headers)


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield the answer as it was encoded, and let go of the connection also if the client goes."""
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()
