"""Answers whose body is made while it is sent: no faster than the client reads, and no further than it stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

STALLED_S: Final = 300.0
"""A client that takes nothing for so long is given up, so that it does not hold a blob open for ever."""


class Streamed(Response):
    """A body of pieces.

    The first piece is fetched before anything is sent: what goes wrong until then has a status of its own. What goes
    wrong later ends the connection, which the client sees as an incomplete body.

    Parameters
    ----------
    pieces : async iterator of bytes
        Closed at the end, or as soon as the client has gone.
    size_bytes : int, optional
        Sum of the pieces, if known.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        media_type: str,
        *,
        size_bytes: int | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        length = {} if size_bytes is None else {"content-length": str(size_bytes)}
        self._pieces = pieces
        self.status_code = status_code
        self.media_type = media_type
        self.background = None
        self.init_headers({**length, **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces; stops without a word when the client is gone."""
        async with closed_after(self._pieces) as pieces:
            first = await anext(pieces, b"")
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            gone = asyncio.create_task(_until_gone(receive))
            try:
                is_whole = await _send_while_here(first, pieces, gone, send)
            finally:
                gone.cancel()
        if is_whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_while_here(first: bytes, pieces: AsyncIterator[bytes], gone: asyncio.Task[None], send: Send) -> bool:
    """Send all pieces; return False if the client left before the last one."""
    await _send(first, send)
    async for piece in pieces:
        if gone.done():
            return False
        await _send(piece, send)
    return not gone.done()


async def _send(piece: bytes, send: Send) -> None:
    async with asyncio.timeout(STALLED_S):
        await send({"type": "http.response.body", "body": piece, "more_body": True})


@asynccontextmanager
async def closed_after(pieces: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Give `pieces` and close it at the end: what a generator holds open must not wait for the garbage collector."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
