"""The parameters in the query of a URL."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request


def parameters_of(request: Request) -> list[tuple[str, str]]:
    """Return name and value of each parameter, percent-decoded, in their order; a name may come several times."""
    query: bytes = request.scope["query_string"]
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else []


def may_have(request: Request, name: str) -> bool:
    """Tell whether there may be a parameter `name`, in ASCII; far sooner than by reading them all."""
    query: bytes = request.scope["query_string"]
    return name.encode() in query or b"%" in query
