"""Pictures as the answer to a request: one alone, or several in parts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from radstream.contract.errors import NotFound, UnsupportedInstance
from radstream.web.conditional import cache_headers, unchanged
from radstream.web.media_types import MediaType
from radstream.web.problems import problem_of
from radstream.web.related import Content, Later, related
from services.render.asked import Asked
from services.render.kept import Kept

_KEYWORD: Final = re.compile(r"[a-z0-9_-]{1,32}")
"""What a header may repeat of what a client said."""


async def picture(kept: Kept, request: Request, asked: Asked, media_type: str) -> Response:
    """Return a picture, or 304 if the client has it.

    Raises
    ------
    UnsupportedInstance
        If there is none; the text says why.
    NotFound, Unavailable
    """
    etag = asked.etag(media_type)
    if (answer := unchanged(request, etag)) is not None:
        return answer
    made = await _made(kept, asked, media_type)
    return Response(made, headers=cache_headers(etag), media_type=media_type)


async def _made(kept: Kept, asked: Asked, media_type: str) -> bytes:
    """Return the file of a picture: of a moment ago, kept, or made now."""
    etag, recent = asked.etag(media_type), kept.pictures.recent
    known = recent.get(etag)
    if known is None:
        is_kept = kept.is_kept(asked, media_type)
        known = await kept.rendered(asked) if is_kept else (await kept.pictures.render(asked, media_type)).body
        recent.keep(etag, known)
    return known


def in_parts(kept: Kept, asked: Sequence[Callable[[], Awaitable[Asked]]], media_type: str, base_url: str) -> Response:
    """Return several pictures, each made when its turn has come; a part that has none says why (problem+json).

    Parameters
    ----------
    asked : sequence of callable
        Each returns what is asked for; at least one.
    base_url : str
        Of the service, for the addresses of the parts.
    """
    parts = [Later(partial(_part, kept, each, media_type, base_url)) for each in asked]
    return related(parts, MediaType(media_type))


async def _part(kept: Kept, ask: Callable[[], Awaitable[Asked]], media_type: str, base_url: str) -> Content:
    location = ""
    try:
        asked = await ask()
        location = f"{base_url}/{asked.path}"
        return _content(await _made(kept, asked, media_type), media_type, location)
    except (UnsupportedInstance, NotFound) as error:
        refusal = problem_of(error)
        return _content(bytes(refusal.body), str(refusal.media_type), location)


def _content(body: bytes, media_type: str, location: str) -> Content:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    return Content(MediaType(media_type), len(body), stream, location)


def with_warning(answer: Response, unknown_annotations: Sequence[str]) -> Response:
    """Return `answer` with a warning of annotations that were asked for and are not known (PS3.18 8.3.5.1.1)."""
    named = ",".join(filter(_KEYWORD.fullmatch, unknown_annotations))
    if named:
        answer.headers["warning"] = f"299 Radstream: The following annotation values are not supported: {named}"
    return answer
