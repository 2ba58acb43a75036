"""The address under which the client reached us, for the links in answers.

Behind a gateway the Host header is the gateway's business: with `trust_forwarded` set, X-Forwarded-Proto, -Host and
-Prefix say what the client sees. Without it they are what any client may write, and are ignored.
"""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.requests import Request

from radstream.contract.errors import MalformedRequest
from radstream.settings import Settings

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")


def base_url(request: Request, settings: Settings) -> str:
    """Return scheme, host and prefix as the client sees them, without a slash at the end.

    Raises
    ------
    MalformedRequest
        If one of them has characters that no address has: links are written into JSON and headers as they are.
    """
    scheme = _forwarded(request, settings, "proto") or str(request.scope["scheme"])
    host = _forwarded(request, settings, "host") or request.headers.get("host", "") or _own_host(request)
    prefix = _forwarded(request, settings, "prefix") or str(request.scope.get("root_path", ""))
    return _joined(scheme, host, prefix)


@lru_cache(256)  # clients know few names of an archive
def _joined(scheme: str, host: str, prefix: str) -> str:
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host) or not _PREFIX.fullmatch(prefix):
        raise MalformedRequest("the Host of the request, or what a gateway says of it, is no address")
    return f"{scheme}://{host}{prefix.rstrip('/')}"


def _forwarded(request: Request, settings: Settings, name: str) -> str:
    """Return the value that the gateway nearest to the client set; the first of several."""
    if not settings.trust_forwarded:
        return ""
    return request.headers.get(f"x-forwarded-{name}", "").split(",")[0].strip()


def _own_host(request: Request) -> str:
    """Return the address that the request came in on; HTTP/1.0 needs no Host header."""
    host, port = request.scope.get("server") or ("localhost", None)
    return f"{host}:{port}" if port else str(host)
