"""multipart/related, read as it arrives: memory does not grow with the body, and a part may be left half read.

The driver searches each chunk for the delimiter and hands out what lies before it without copying; only the few bytes
that may be the start of a delimiter wait for the next chunk. Some clients end lines with a line feed alone: the line of
the first delimiter shows it, and it is the same in the whole body.

References
----------
RFC 2046 5.1 (syntax), RFC 2387 (multipart/related), PS3.18 8.6.1.2 and 10.5 (use in Store transactions).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from radstream.contract.errors import MalformedRequest
from radstream.web.media_types import parse_media_type

MAX_PARTS: Final = 100_000
"""Parts of one body; a study of more is sent in several."""

MAX_HEAD_BYTES: Final = 16 * 1024
"""Bytes of the headers of one part."""

MAX_PREAMBLE_BYTES: Final = 16 * 1024
"""Bytes before the first delimiter; RFC 2046 says they are to be ignored."""

# RFC 2046 5.1.1 allows 70 characters out of fewer; more of them harm nobody, but a boundary never ends in a space.
_BOUNDARY = re.compile(r"[\x20-\x7e]{0,199}[\x21-\x7e]")


def boundary_of(content_type: str) -> str:
    """Return the boundary in the Content-Type of a multipart body, quoted there or not.

    Raises
    ------
    MalformedRequest
        If it is no multipart type, or has no usable boundary.
    """
    media_type = parse_media_type(content_type)
    boundary = media_type.parameters.get("boundary", "")
    if not media_type.name.startswith("multipart/"):
        raise MalformedRequest("the Content-Type is not multipart")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedRequest("the Content-Type has no usable boundary")
    return boundary


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a body.

    Parameters
    ----------
    headers : dict of str to str
        Names in lower case; the first of equal names.
    """

    headers: dict[str, str]
    _body: _Body

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the part's content in pieces as they arrive; nothing once the next part has begun.

        Raises
        ------
        MalformedRequest
            If the body ends before the part does: what was yielded is not the whole content.
        """
        while self._body.part is self and (piece := await self._body.next_piece()) is not None:
            yield piece


async def parts(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[Part]:
    """Yield the parts of `body` one after another; what is left unread of one is skipped.

    Parameters
    ----------
    body : async iterator of bytes
        Read no faster than the parts' streams are.
    boundary : str
        See `boundary_of`.

    Raises
    ------
    MalformedRequest
        If the body is no multipart, ends early, or exceeds `MAX_PARTS`, `MAX_HEAD_BYTES` or `MAX_PREAMBLE_BYTES`.
    """
    source = _Body(body, boundary)
    await source.skip_preamble()
    for _ in range(MAX_PARTS):
        if await source.is_at_end():
            return
        source.part = part = Part(await source.read_head(), source)
        yield part
        while await source.next_piece() is not None:
            pass
    if not await source.is_at_end():
        raise MalformedRequest(f"a body may have {MAX_PARTS} parts")


class _Body:
    """A multipart body and how far it has been read.

    `_held` from `_at` on is what has arrived and is not yet used.
    """

    part: Part | None = None

    def __init__(self, chunks: AsyncIterator[bytes], boundary: str) -> None:
        self._chunks = chunks
        self._eol = b"\n"
        self._boundary = b"--" + boundary.encode("ascii")
        self._delimiter = self._eol + self._boundary
        self._held = b"\n"  # the first delimiter may stand at the very start: as if a line had ended before it
        self._at = 0
        self._is_in_content = True

    async def skip_preamble(self) -> None:
        """Read to the end of the first delimiter, and look at how its line ends."""
        skipped = 0
        while (piece := await self.next_piece()) is not None:
            skipped += len(piece)
            if skipped > MAX_PREAMBLE_BYTES:
                raise MalformedRequest("the boundary does not stand where the body begins")
        if not await self.is_at_end():
            await self._look_at_line()

    async def _look_at_line(self) -> None:
        """Find out what ends the lines of this body."""
        while (end := self._held.find(b"\n", self._at)) < 0:
            if len(self._held) - self._at > MAX_HEAD_BYTES:
                raise MalformedRequest("the headers of a part are too long")
            await self._more()
        if self._held[end - 1 : end] == b"\r":
            self._eol = b"\r\n"
            self._delimiter = self._eol + self._boundary

    async def is_at_end(self) -> bool:
        """Tell whether the delimiter just read is the closing one."""
        while len(self._held) - self._at < 2:
            await self._more()
        return self._held.startswith(b"--", self._at)

    async def read_head(self) -> dict[str, str]:
        """Read from the end of a delimiter to the start of the content and return the headers."""
        while (end := self._held.find(2 * self._eol, self._at)) < 0:
            if len(self._held) - self._at > MAX_HEAD_BYTES:
                raise MalformedRequest("the headers of a part are too long")
            await self._more()
        if end - self._at > MAX_HEAD_BYTES:
            raise MalformedRequest("the headers of a part are too long")
        head, self._at, self._is_in_content = self._held[self._at : end], end + 2 * len(self._eol), True
        return _headers(head, self._eol)

    async def next_piece(self) -> bytes | None:
        """Return more of the content, or None when it has ended and its delimiter is read."""
        while self._is_in_content:
            at = self._held.find(self._delimiter, self._at)
            if at >= 0:
                piece, self._at, self._is_in_content = self._held[self._at : at], at + len(self._delimiter), False
            else:
                cut = self._start_of_doubt()
                piece, self._at = self._held[self._at : cut], cut
            if piece:
                return piece
            if self._is_in_content:
                await self._more()
        return None

    def _start_of_doubt(self) -> int:
        """Return where bytes begin that may be the start of a delimiter; how it begins can stand nowhere else in it."""
        nearest = max(self._at, len(self._held) - len(self._delimiter) + 1)
        at = self._held.rfind(self._eol[:1], nearest)
        return at if at >= 0 and self._delimiter.startswith(self._held[at:]) else len(self._held)

    async def _more(self) -> None:
        """Add the next chunk to what is held."""
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise MalformedRequest("the multipart body ends before its closing delimiter")
        rest = self._held[self._at :]
        self._held, self._at = (rest + chunk if rest else chunk), 0


def _headers(head: bytes, eol: bytes) -> dict[str, str]:
    """Return the headers in `head`, which begins with the padding of the delimiter's line (RFC 2046 5.1.1)."""
    padding, *lines = re.sub(eol + rb"[ \t]+", b" ", head).split(eol)  # long headers may be folded
    if padding.strip(b" \t"):
        raise MalformedRequest("the boundary is followed by something else")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise MalformedRequest("a part has a header without a colon")
        headers.setdefault(name.strip().lower().decode("latin-1"), value.strip().decode("latin-1"))
    return headers
