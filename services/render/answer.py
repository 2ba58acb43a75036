"""A picture as the answer to a request."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from radstream.catalog.port import Document
from radstream.web.conditional import cache_headers, unchanged
from services.render.enhancement.mark import HEADER, name_of
from services.render.pictures import Pictures
from services.render.pixels import Wish

RENDERING: Final = "1"
"""Part of every entity tag; raise it when the same instance looks different from now on."""


async def picture(
    pictures: Pictures, request: Request, document: Document, index: int, wish: Wish, media_type: str, quality: int
) -> Response:
    """Return the picture of a frame, or 304 if the client has it.

    Raises
    ------
    UnsupportedInstance
        If it has none; the text says why.
    NotFound, Unavailable
    """
    etag = _etag(document, index, wish, media_type, quality)
    if (answer := unchanged(request, etag)) is not None:
        return answer
    made = await pictures.render(document, index, wish, media_type, quality)
    headers = cache_headers(etag) | ({HEADER: name_of(wish.enhancement)} if wish.enhancement else {})
    return Response(made.body, headers=headers, media_type=media_type)


def _etag(document: Document, *parts: object) -> str:
    """Return a strong entity tag: equal bytes of an instance and equal wishes give equal pictures."""
    wish = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return f'"{document["sha256"]}-{wish}-{RENDERING}"'
