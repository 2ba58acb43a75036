"""Values as the answer to a request: the parts of a multipart body, or one alone with ranges."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from radstream.retrieval.joined import Octets
from radstream.retrieval.pixel_data import Value, pieces_of
from radstream.web.accept import Offer
from radstream.web.conditional import cache_headers, ranged, unchanged
from radstream.web.media_types import MediaType
from radstream.web.related import Content, Later, related

Making = Callable[[], Awaitable[bytes]]
"""Makes the bytes of a value, whose size nobody knows before."""


async def answer(request: Request, offer: Offer, tag: str, values: Sequence[tuple[Value | Making, str]]) -> Response:
    """Return `values` in the representation that was chosen.

    Parameters
    ----------
    offer : Offer
        If it is no multipart, there is one value.
    tag : str
        Says which values of which stored bytes these are; becomes the entity tag.
    values : sequence of (Value or Making, str)
        Each with its URL. What is to be made is made when its turn has come.
    """
    parameters = {"transfer-syntax": offer.transfer_syntax_uid} if offer.transfer_syntax_uid else {}
    media_type = MediaType(offer.media_type, parameters)
    etag = f'W/"{tag}"' if offer.is_multipart else f'"{tag}"'  # weak: the boundary is another one each time
    if (response := unchanged(request, etag)) is not None:
        return response
    if not offer.is_multipart:
        ((value, _),) = values
        known = Octets(await value()) if callable(value) else value
        return ranged(request, etag, str(media_type), known.size_bytes, pieces_of(known))
    contents = [_content(media_type, value, location) for value, location in values]
    return related(contents, media_type, headers=cache_headers(etag))


def _content(media_type: MediaType, value: Value | Making, location: str) -> Content | Later:
    if callable(value):
        return Later(partial(_made, media_type, value, location))
    return Content(media_type, value.size_bytes, pieces_of(value), location)


async def _made(media_type: MediaType, make: Making, location: str) -> Content:
    data = Octets(await make())
    return Content(media_type, data.size_bytes, data.stream, location)
