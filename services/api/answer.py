"""Values as the answer to a request: the parts of a multipart body, or one alone with ranges."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from radstream.retrieval.pixel_data import Value
from radstream.web.accept import Offer
from radstream.web.conditional import cache_headers, ranged, unchanged
from radstream.web.media_types import MediaType
from radstream.web.related import Content, related


def answer(request: Request, offer: Offer, tag: str, values: Sequence[tuple[Value, str]]) -> Response:
    """Return `values` in the representation that was chosen.

    Parameters
    ----------
    offer : Offer
        If it is no multipart, there is one value.
    tag : str
        Says which values of which stored bytes these are; becomes the entity tag.
    values : sequence of (Value, str)
        Each with its URL.
    """
    parameters = {"transfer-syntax": offer.transfer_syntax_uid} if offer.transfer_syntax_uid else {}
    media_type = MediaType(offer.media_type, parameters)
    if not offer.is_multipart:
        ((value, _),) = values
        return ranged(request, f'"{tag}"', str(media_type), value.size_bytes, value.stream)
    etag = f'W/"{tag}"'  # weak: the boundary is another one each time
    if (response := unchanged(request, etag)) is not None:
        return response
    contents = [Content(media_type, value.size_bytes, value.stream, location) for value, location in values]
    return related(contents, headers=cache_headers(etag))
