"""OHIF, the viewer, at ``/ohif/``: the release that `make ohif` placed, served as files.

It finds its way by URLs of its own (``/ohif/viewer?StudyInstanceUIDs=…``), so that each path that is no file is its
page. Names are matched, never resolved: no URL leads anywhere but into the one folder.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from radstream.contract.errors import NotFound
from radstream.settings import Settings
from radstream.web.conditional import unchanged
from services.api import built

PLACED: Final = Path(__file__).parents[2] / "build" / "ohif"
"""Where `make ohif` places it, unless RADSTREAM_OHIF_DIR is another folder."""

_MISSING: Final = "OHIF is not here. `make ohif` gets it and places it; then ask again.\n"
_FILE: Final = re.compile(r"(?:[A-Za-z0-9_-]{1,64}/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\.[a-z0-9]{1,8}")
_UNTOUCHED: Final = re.compile(r"[0-9a-f]{16}\.(?:wasm|woff2)")
_BUNDLE: Final = re.compile(r"[A-Za-z0-9-]+\.bundle\.[0-9a-f]{16}\.js")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_FOR_A_DAY: Final = "public, max-age=86400"  # named by what it was before it was rewritten, which may change


def router(settings: Settings) -> APIRouter:
    """Return the routes of OHIF's page and its files; they say how to get it as long as it is not there."""
    routes = APIRouter(include_in_schema=False)
    folder = _folder(settings)

    @routes.get("/ohif")
    @routes.get("/ohif/{path:path}")
    async def answer(request: Request) -> Response:
        name = str(request.path_params.get("path", ""))
        if _FILE.fullmatch(name) and name != "index.html":
            return await asyncio.to_thread(_file, request, folder / name)
        return await asyncio.to_thread(_page, request, folder / "index.html")

    return routes


def is_placed(settings: Settings) -> bool:
    """Tell whether OHIF is there."""
    return (_folder(settings) / "index.html").is_file()


def _folder(settings: Settings) -> Path:
    return Path(settings.ohif_dir) if settings.ohif_dir else PLACED


def _page(request: Request, path: Path) -> Response:
    """Answer with the page, whatever its URL; 304 if the browser has this one."""
    try:
        content, encoding = built.read_smallest(path, request.headers.get("accept-encoding", ""))
        policy = content_security_policy(built.read(path).decode())
    except NotFound:
        return PlainTextResponse(_MISSING, 404)
    response = _answer(request, content, encoding, "text/html")
    response.headers["content-security-policy"] = policy
    return response


def _file(request: Request, path: Path) -> Response:
    """Answer with a file, compressed as the browser likes it; 304 if the browser has it."""
    content, encoding = built.read_smallest(path, request.headers.get("accept-encoding", ""))
    response = _answer(request, content, encoding, built.media_type_of(path))
    if _UNTOUCHED.fullmatch(path.name):
        response.headers["cache-control"] = _FOR_EVER
    elif _BUNDLE.fullmatch(path.name):
        response.headers["cache-control"] = _FOR_A_DAY
    return response


def _answer(request: Request, content: bytes, encoding: str, media_type: str) -> Response:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    response = unchanged(request, etag) or Response(content, media_type=media_type)
    response.headers.update({"etag": etag, "cache-control": "no-cache", "vary": "Accept-Encoding"})
    if encoding and response.status_code == 200:
        response.headers["content-encoding"] = encoding
    return response


def content_security_policy(page: str) -> str:
    """Return the policy of OHIF's page: its own origin, and of scripts in the page just those that it holds.

    It belongs to the page alone: workers take theirs from their own script, and those of OHIF compile their decoders
    in a way that a policy would have to call unsafe. Styles it writes in ways that no hash can name.
    """
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' {hashes}",
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            "media-src 'self' blob:",
            "connect-src 'self' blob: data:",
            "object-src 'self' blob:",
            "frame-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )
