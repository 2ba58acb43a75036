"""multipart/related, written as it is sent: the length is known in advance if that of every part is.

References
----------
PS3.18 8.6.1.2.2 Multipart Payload, 8.6.1.2.1 Content-Location.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from radstream.web.media_types import MediaType
from radstream.web.streaming import Piece, Streamed, closed_after


@dataclass(frozen=True)
class Content:
    """What one part holds.

    Parameters
    ----------
    media_type : MediaType
    size_bytes : int, optional
        Exactly what `stream` yields, if known.
    stream : callable
        Called when the part's turn has come, so that many parts do not hold many blobs open.
    location : str
        URL of the content alone (Content-Location).
    """

    media_type: MediaType
    size_bytes: int | None
    stream: Callable[[], AsyncIterator[Piece]]
    location: str = ""


@dataclass(frozen=True)
class Later:
    """A part of which it is known only when its turn has come what it holds.

    Parameters
    ----------
    make : callable
        Returns the content.
    """

    make: Callable[[], Awaitable[Content]]


def related(
    contents: Sequence[Content | Later],
    media_type: MediaType,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Streamed:
    """Return an answer with `contents` as its parts.

    Parameters
    ----------
    media_type : MediaType
        Of the parts, for the Content-Type of the whole.

    Raises
    ------
    ValueError
        If there is no content: a multipart body has at least one part.
    """
    if not contents:
        raise ValueError("a multipart body has at least one part")
    boundary = secrets.token_hex(16)
    tail = f"\r\n--{boundary}--\r\n".encode()
    parameters = {"type": media_type.name, **media_type.parameters, "boundary": boundary}
    return Streamed(
        _pieces(boundary, contents, tail),
        str(MediaType("multipart/related", parameters)),
        size_bytes=_size(boundary, contents, tail),
        status_code=status_code,
        headers=headers,
    )


def _size(boundary: str, contents: Sequence[Content | Later], tail: bytes) -> int | None:
    """Return the length of the whole body, None if that of a part is not known."""
    total = len(tail)
    for content in contents:
        if isinstance(content, Later) or content.size_bytes is None:
            return None
        total += len(_head(boundary, content)) + content.size_bytes
    return total


def _head(boundary: str, content: Content) -> bytes:
    """Return the delimiter and headers of a part; the line break before the first one is an empty preamble."""
    lines = [f"\r\n--{boundary}", f"Content-Type: {content.media_type}"]
    if content.size_bytes is not None:
        lines.append(f"Content-Length: {content.size_bytes}")
    if content.location:
        lines.append(f"Content-Location: {content.location}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _pieces(boundary: str, contents: Sequence[Content | Later], tail: bytes) -> AsyncGenerator[Piece, None]:
    for part in contents:
        content = await part.make() if isinstance(part, Later) else part
        async with closed_after(content.stream()) as stream:
            first: Piece = await anext(stream, b"")  # a blob that is missing is missed before its part is announced
            yield _head(boundary, content)
            if first:
                yield first
            async for piece in stream:
                yield piece
    yield tail
