"""uvicorn inside a loop that is already running: no signal handlers, no log set-up, no access log; drains on stop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from radstream.contract.errors import UnsafeConfiguration
from radstream.telemetry import get_logger
from radstream.web.protocol import LimitedProtocol

BACKLOG: Final = 2048
KEEP_ALIVE_S: Final = 75


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_ready: Callable[[int], None] | None = None,
    *,
    drain_s: float = 5.0,
) -> None:
    """Serve `app` until `stop` is set; then finish what has begun, for at most `drain_s` seconds.

    Parameters
    ----------
    port : int
        0 for any free one.
    on_ready : callable, optional
        Given the port as soon as connections are taken.

    Raises
    ------
    UnsafeConfiguration
        If the address is in use or not one of this machine.
    """
    with _listen(host, port) as listener:
        server = _Server(_config(app, drain_s))
        watch = asyncio.create_task(_stop_when(stop, server))
        try:
            chosen: int = listener.getsockname()[1]
            await server.run_on(listener, lambda: _announce(host, chosen, on_ready))
        finally:
            watch.cancel()


def _config(app: ASGIApp, drain_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(drain_s),
    )


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: `radstream.process` has those."""

    async def run_on(self, listener: socket.socket, on_started: Callable[[], None]) -> None:
        self._on_started = on_started
        await self.serve(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UnsafeConfiguration(
            f"cannot listen on {host} port {port} ({error.strerror}); set RADSTREAM_HOST or RADSTREAM_HTTP_PORT"
        ) from error


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


def _announce(host: str, port: int, on_ready: Callable[[int], None] | None) -> None:
    get_logger(__name__).info("http_door_open", host=host, port=port)
    if on_ready is not None:
        on_ready(port)
