"""Answers whose body is made while it is sent: no faster than the client reads, and no further than it stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from radstream.blobs.file_piece import FilePiece
from radstream.web.zero_copy import EXTENSION

Piece = bytes | FilePiece
"""Bytes in memory, or in a file."""

_Any = TypeVar("_Any")

STALLED_S: Final = 300.0
"""A client that takes nothing for so long is given up, so that it does not hold a blob open for ever."""


class Streamed(Response):
    """A body of pieces.

    The first piece is fetched before anything is sent: what goes wrong until then has a status of its own. What goes
    wrong later ends the connection, which the client sees as an incomplete body.

    Parameters
    ----------
    pieces : async iterator of Piece
        Closed at the end, or as soon as the client has gone.
    size_bytes : int, optional
        Sum of the pieces, if known.
    """

    def __init__(
        self,
        pieces: AsyncIterator[Piece],
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
        # Named here, since Starlette would say of every text that it is UTF-8.
        self.init_headers({"content-type": media_type, **length, **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces; stops without a word as soon as the client is gone, whatever is being done for it."""
        async with closed_after(self._pieces) as pieces, ended_with_client(receive):
            first: Piece = await anext(pieces, b"")
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            outlet = _Outlet(send, takes_files=EXTENSION in scope.get("extensions", {}))
            await outlet.give(first)
            async for piece in pieces:
                await outlet.give(piece)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


_PAUSE_AFTER_BYTES: Final = 64 << 10
_LEAST_COUNTED_BYTES: Final = 4 << 10
"""A short piece takes as long as one of that size."""


@asynccontextmanager
async def ended_with_client(receive: Receive) -> AsyncIterator[None]:
    """End what is done within when the client goes.

    Raises
    ------
    ClientDisconnect
        In place of what was being done.
    """
    task = asyncio.current_task()
    assert task is not None

    def leave(_: asyncio.Task[None]) -> None:
        task.cancel()

    gone = asyncio.create_task(_until_gone(receive))
    gone.add_done_callback(leave)
    try:
        yield
    except asyncio.CancelledError:
        if gone.done() and not gone.cancelled() and task.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        gone.remove_done_callback(leave)
        gone.cancel()


class _Outlet:
    """Sends the pieces of one answer.

    Neither making a piece nor sending one need ever wait, least of all when the client is gone: so others are let run
    now and then.
    """

    def __init__(self, send: Send, *, takes_files: bool) -> None:
        self._send = send
        self._takes_files = takes_files
        self._since_pause = 0

    async def give(self, piece: Piece) -> None:
        async with asyncio.timeout(STALLED_S):
            await self._send(self._message(piece))
        self._since_pause += max(len(piece), _LEAST_COUNTED_BYTES)
        if self._since_pause >= _PAUSE_AFTER_BYTES:
            self._since_pause = 0
            await asyncio.sleep(0)

    def _message(self, piece: Piece) -> Message:
        if isinstance(piece, bytes):
            return {"type": "http.response.body", "body": piece, "more_body": True}
        if self._takes_files:
            return {"type": EXTENSION, "file": piece.descriptor, "offset": piece.offset, "count": piece.length}
        return {"type": "http.response.body", "body": piece.read(), "more_body": True}


@asynccontextmanager
async def closed_after(pieces: AsyncIterator[_Any]) -> AsyncIterator[AsyncIterator[_Any]]:
    """Give `pieces` and close it at the end: what a generator holds open must not wait for the garbage collector."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
