"""The acceptor: a DIMSE port with its routes, AE titles, limits and TLS."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Container, Sequence
from typing import Final

from radstream.dimse.limits import Limits
from radstream.dimse.negotiation import Acceptor, AETitlePolicy
from radstream.dimse.routes import (
    AnyRoute,
    DataSink,
    MessageHandler,
    MessageRoute,
    Peer,
    Reply,
    Request,
    StoreHandler,
    StoreRoute,
    store_route,
    verification_route,
)
from radstream.dimse.session import House, Session, Verifier
from radstream.dimse.upper_layer import UpperLayer
from radstream.dimse.user_information import UserIdentity
from radstream.telemetry import get_logger

__all__ = [
    "AETitlePolicy",
    "DataSink",
    "DimseServer",
    "Limits",
    "MessageHandler",
    "MessageRoute",
    "Peer",
    "Reply",
    "Request",
    "StoreHandler",
    "StoreRoute",
    "UserIdentity",
    "Verifier",
    "store_route",
    "verification_route",
]

log = get_logger(__name__)

_HANG_UP_S: Final = 1.0
"""How long aborted peers may take to hang up when the server closes."""


class DimseServer:
    """A DIMSE port.

    Parameters
    ----------
    host : str
    port : int
        0 for any free one.
    routes : sequence of StoreRoute or MessageRoute
        What is performed; see `store_route` and `verification_route`.
    ae_title : AETitlePolicy
        Who is recognized; by default anybody.
    limits : Limits
    ssl : ssl.SSLContext, optional
        TLS of this port (PS3.15 B).
    verifier : Verifier, optional
        Without one a user identity is ignored, as PS3.7 D.3.3.7 has it; with one, who shows none is refused.
    invokes : container of str
        Abstract syntaxes that may be invoked on requestors that propose to be their SCP.
    """

    def __init__(  # noqa: PLR0913 - all but the address have a default, and each is one plain choice
        self,
        host: str,
        port: int,
        *,
        routes: Sequence[AnyRoute],
        ae_title: AETitlePolicy = AETitlePolicy(),  # noqa: B008 - frozen
        limits: Limits = Limits(),  # noqa: B008 - frozen
        ssl: tls.SSLContext | None = None,
        verifier: Verifier | None = None,
        invokes: Container[str] = (),
    ) -> None:
        self._limits = limits
        self._house = House(Acceptor(routes, invokes, limits.max_pdu_bytes), ae_title, limits, verifier)
        self._address = (host, port)
        self._ssl = ssl
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return self._address[1]

    async def start(self, *, reuse_port: bool = False) -> None:
        """Listen.

        Parameters
        ----------
        reuse_port : bool
            Share the port with other processes, among which the kernel spreads the connections.

        Raises
        ------
        OSError
            If the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        host, port = self._address
        self._server = await loop.create_server(
            self._connect,
            host,
            port,
            ssl=self._ssl,
            ssl_handshake_timeout=self._limits.tls_handshake_s if self._ssl else None,
            reuse_port=reuse_port or None,
        )
        self._address = (host, self._server.sockets[0].getsockname()[1])
        log.info("dimse_listening", host=host, port=self.port)

    async def close(self, drain_s: float = 10.0) -> None:
        """Accept nobody any more, let running messages end for up to `drain_s`, then abort what is left."""
        self._house.is_closing = True
        if self._server is None:
            return
        self._server.close()
        for session in list(self._house.sessions):
            session.exchange.look_if_quiet()
        await self._until_disconnected(drain_s)
        for session in list(self._house.sessions):
            session.layer.abort(why="closing")
        await self._until_disconnected(_HANG_UP_S)
        for session in list(self._house.sessions):
            session.layer.transport.abort()

    async def _until_disconnected(self, timeout_s: float) -> None:
        waiting = [asyncio.ensure_future(session.disconnected.wait()) for session in self._house.sessions]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=timeout_s)
            for wait in late:
                wait.cancel()

    def _connect(self) -> UpperLayer:
        return Session(self._house).layer
