"""The pages of the workstation, as `make workstation` built them; without a build the start page stands in for them.

Files below `assets` have a hash of their content in their names and never change, so that a browser keeps them for
ever; the page that names them is asked for again each time. Names are matched, never resolved: no URL leads anywhere
but into that one folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.contract.errors import NotFound
from radstream.web.conditional import unchanged
from services.api import built

BUILD: Final = Path(__file__).parents[2] / "workstation" / "dist"

# Decoders are WebAssembly. Pictures and videos that the page makes itself are blobs. Cornerstone sizes its canvases by
# style attributes, which can draw, but not run anything.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_FOR_EVER: Final = "public, max-age=31536000, immutable"


def router(build: Path = BUILD) -> APIRouter:
    """Return the routes of the build's files; of its page only if there is one."""
    routes = APIRouter(include_in_schema=False)
    pages = _Pages(build)
    routes.add_api_route("/assets/{name}", pages.asset, methods=["GET"])
    if (build / "index.html").is_file():
        routes.add_api_route("/", pages.index, methods=["GET"])
    return routes


class _Pages:
    """Answers with files of `build`."""

    def __init__(self, build: Path) -> None:
        self._build = build

    async def index(self, request: Request) -> Response:
        """Answer with the page; 304 if the browser has this one."""
        page = await asyncio.to_thread(built.read, self._build / "index.html")
        etag = f'"{hashlib.sha256(page).hexdigest()[:32]}"'
        response = unchanged(request, etag) or Response(page, media_type="text/html")
        response.headers["etag"] = etag
        response.headers["cache-control"] = "no-cache"
        response.headers["content-security-policy"] = CONTENT_SECURITY_POLICY
        return response

    async def asset(self, request: Request) -> Response:
        """Answer with a file, compressed as the browser likes it."""
        name = str(request.path_params["name"])
        if not _FILE_NAME.fullmatch(name):
            raise NotFound("the workstation has no such file")
        path = self._build / "assets" / name
        content, encoding = await asyncio.to_thread(
            built.read_smallest, path, request.headers.get("accept-encoding", "")
        )
        headers = {"cache-control": _FOR_EVER, "vary": "Accept-Encoding"}
        if encoding:
            headers["content-encoding"] = encoding
        return Response(content, media_type=built.media_type_of(path), headers=headers)
