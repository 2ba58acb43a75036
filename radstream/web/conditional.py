"""Conditional and partial answers: If-None-Match, If-Range and Range.

Archives change seldom and viewers come back often, so every WADO answer has an entity tag. Patient data may lie in the
client's own cache only, and is asked for again before it is shown (`no-cache` does not mean "do not keep").

References
----------
RFC 9110 13 Conditional Requests, 14 Range Requests.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from radstream.web.streaming import Piece, Streamed

_RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,19})-([0-9]{1,19})?|-([0-9]{1,19}))\s*")

CACHE_CONTROL: Final = "private, no-cache"


def cache_headers(etag: str) -> dict[str, str]:
    """Return the headers of an answer that may be kept and asked for again.

    Parameters
    ----------
    etag : str
        Complete with quotation marks and, if it is a weak one, ``W/``.
    """
    return {"etag": etag, "cache-control": CACHE_CONTROL, "vary": "Accept, Accept-Encoding"}


def unchanged(request: Request, etag: str) -> Response | None:
    """Return 304 (Not Modified) if the client already has the representation with `etag`, else None."""
    known = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    if etag.removeprefix("W/") in tags or known.strip() == "*":
        return Response(status_code=304, headers=cache_headers(etag))
    return None


def ranged(
    request: Request,
    etag: str,
    media_type: str,
    size_bytes: int,
    stream: Callable[[int, int], AsyncIterator[Piece]],
) -> Response:
    """Return a whole or partial answer, as the client asks: 200, 206, 304 or 416.

    A list of several ranges is answered with the whole: a server may always do so, and many small ranges of one blob
    are what attackers send.

    Parameters
    ----------
    etag : str
        Strong.
    stream : callable
        Given offset and length, yields these bytes.
    """
    if (response := unchanged(request, etag)) is not None:
        return response
    headers = {**cache_headers(etag), "accept-ranges": "bytes"}
    bounds = _bounds(request.headers.get("range", ""), size_bytes)
    if bounds is None or request.headers.get("if-range", etag) != etag:
        return Streamed(stream(0, size_bytes), media_type, size_bytes=size_bytes, headers=headers)
    start, end = bounds
    if start >= end:
        return Response(status_code=416, headers={"content-range": f"bytes */{size_bytes}"})
    headers["content-range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    return Streamed(stream(start, end - start), media_type, size_bytes=end - start, status_code=206, headers=headers)


def _bounds(text: str, size_bytes: int) -> tuple[int, int] | None:
    """Return first byte and end (exclusive) of a range, empty if it cannot be satisfied; None for the whole."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return max(0, size_bytes - int(suffix)), size_bytes if int(suffix) else 0
    start, end = int(first), int(last) + 1 if last is not None else size_bytes
    if last is not None and end <= start:
        return None  # not a valid range, to be ignored (RFC 9110 14.1.1)
    return start, min(size_bytes, end)
