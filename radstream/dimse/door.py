"""A listening address: takes connections, shakes hands with each by itself, and never lets one hold up another."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Final

from radstream.dimse.session import House, Session
from radstream.telemetry import ASSOCIATIONS_REFUSED, get_logger

log = get_logger(__name__)

ContextSource = Callable[[], ssl.SSLContext]
"""Returns the TLS context for the next connection."""

_BACKLOG: Final = 1024
_ROOM: Final = 16
"""Strangers that make way when the system has no descriptor for a connection: files are to be opened too."""

_REST_S: Final = 0.05
"""Until they are gone."""

_TLS_CLOSE_S: Final = 5.0
"""How long a peer may take to answer our close_notify (RFC 8446 6.1)."""


class Door:
    """A port of a house.

    Parameters
    ----------
    house : House
    host : str
    port : int
        0 for any free one.
    context : ContextSource, optional
        TLS of this port.
    """

    def __init__(self, house: House, host: str, port: int, context: ContextSource | None = None) -> None:
        self.host = host
        self.port = port
        self._house = house
        self._context = context
        self._guests: set[asyncio.Task[None]] = set()

    def open(self, *, reuse_port: bool = False) -> None:
        """Listen; raises `OSError` if the address cannot be bound."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        address = (self.host, self.port)
        self._listener = socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=reuse_port)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._taking = asyncio.get_running_loop().create_task(self._take_connections())
        log.info("dimse_listening", host=self.host, port=self.port, state="TLS" if self._context else "plain")

    async def close(self) -> None:
        """Take no connection any more, and let none go on shaking hands."""
        self._taking.cancel()
        for guest in self._guests:
            guest.cancel()
        await asyncio.wait({self._taking, *self._guests})
        self._listener.close()

    async def _take_connections(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._listener)
            except OSError as error:
                if error.errno != errno.ECONNABORTED:  # who gave up before we came harms nobody
                    log.error("connection_not_taken", reason=errno.errorcode.get(error.errno or 0, ""))
                    for _ in range(_ROOM):
                        self._house.strangers.turn_out_one()
                    await asyncio.sleep(_REST_S)
                continue
            guest = loop.create_task(self._let_in(sock, str(address[0])))
            self._guests.add(guest)
            guest.add_done_callback(self._guests.discard)

    async def _let_in(self, sock: socket.socket, host: str) -> None:
        connect = asyncio.get_running_loop().connect_accepted_socket
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                await connect(self._new_session, sock)
                return
            handshake = Handshake(sock, host)
            self._house.strangers.enter(handshake, is_known_host=self._house.ae_title.knows_host(host))
            try:
                await connect(
                    self._new_session,
                    sock,
                    ssl=self._context(),
                    ssl_handshake_timeout=self._house.limits.tls_handshake_s,
                    ssl_shutdown_timeout=_TLS_CLOSE_S,
                )
            finally:
                self._house.strangers.leave(handshake)
        except OSError as error:
            sock.close()
            if self._context is not None:
                self._tell(error, host)

    def _new_session(self) -> asyncio.BaseProtocol:
        return Session(self._house).layer

    def _tell(self, error: OSError, host: str) -> None:
        if isinstance(error, ConnectionResetError):
            return  # who connects and closes without a word is a probe of the port
        ASSOCIATIONS_REFUSED.labels("TLS handshake failed").inc()
        reason = error.reason if isinstance(error, ssl.SSLError) else type(error).__name__
        log.info("tls_handshake_failed", host=host, reason=reason)


class Handshake:
    """A TLS handshake under way, as a `Stranger`."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self.host = host
        self._sock = sock

    def hang_up(self) -> None:
        """End the connection below TLS; the handshake fails then."""
        with contextlib.suppress(OSError):  # it is gone already
            self._sock.shutdown(socket.SHUT_RDWR)
