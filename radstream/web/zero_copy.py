"""Pieces of files on their way from the page cache to a socket, without a copy in this process.

The extension ``http.response.zerocopysend`` of ASGI, for uvicorn, which has none. Only on connections without TLS, and
for bodies of known length: others are copied.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

EXTENSION: Final = "http.response.zerocopysend"


class ZeroCopy:
    """`app`, which may send pieces of files in this one cycle of request and response."""

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._watched: int | None = None  # the socket under another number: the loop lets nobody watch its own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""

        async def send_any(message: Message) -> None:
            if message["type"] == EXTENSION:
                await self._send_file(message, send)
            else:
                await send(message)

        scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: {}}
        try:
            await self._app(scope, receive, send_any)
        finally:
            if self._watched is not None:
                os.close(self._watched)

    async def _send_file(self, message: Message, send: Send) -> None:
        """Send ``count`` bytes of ``file``, a descriptor, from ``offset``."""
        file, offset, count = message["file"], message["offset"], message["count"]
        if self._cycle.chunked_encoding:
            await send({"type": "http.response.body", "body": os.pread(file, count, offset), "more_body": True})
            return
        if count > self._cycle.expected_content_length:
            raise RuntimeError("more is sent than was announced")
        await self._flush()
        while count and not self._is_gone:
            try:
                sent = os.sendfile(self._socket.fileno(), file, offset, count)
            except BlockingIOError:
                await self._until_writable()
                continue
            except ConnectionError:
                return  # the server hears of it too
            if not sent:
                raise RuntimeError("a file is shorter than it was")
            offset, count = offset + sent, count - sent
            self._cycle.expected_content_length -= sent

    async def _flush(self) -> None:
        """Return when all that was written before is on its way."""
        await asyncio.sleep(0)  # the loop writes at the end of its turn
        while self._cycle.transport.get_write_buffer_size() and not self._is_gone:
            await self._until_writable()
            await asyncio.sleep(0)

    async def _until_writable(self) -> None:
        loop = asyncio.get_running_loop()
        if self._watched is None:
            self._watched = os.dup(self._socket.fileno())
        writable = asyncio.Event()
        loop.add_writer(self._watched, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(self._watched)

    @property
    def _socket(self) -> Any:
        return self._cycle.transport.get_extra_info("socket")

    @property
    def _is_gone(self) -> bool:
        return self._cycle.disconnected or self._cycle.transport.is_closing()
