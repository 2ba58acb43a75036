"""The acceptor: DIMSE ports with their routes, AE titles, limits and TLS."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Container, Sequence
from typing import Final

from radstream.dimse.door import ContextSource, Door
from radstream.dimse.limits import Limits
from radstream.dimse.negotiation import Acceptor
from radstream.dimse.recognition import AETitlePolicy
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
from radstream.dimse.session import House, Verifier
from radstream.dimse.user_information import UserIdentity

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

_HANG_UP_S: Final = 1.0
"""How long aborted peers may take to hang up when the server closes."""


class DimseServer:
    """A DIMSE port, or several with the same services and limits.

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
    ssl : ssl.SSLContext or callable, optional
        TLS of this port (PS3.15 B), or what returns it for the next connection.
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
        ssl: tls.SSLContext | ContextSource | None = None,
        verifier: Verifier | None = None,
        invokes: Container[str] = (),
    ) -> None:
        self._house = House(Acceptor(routes, invokes, limits.max_pdu_bytes), ae_title, limits, verifier)
        self._doors: list[Door] = []
        self.add_door(host, port, ssl)

    def add_door(self, host: str, port: int, ssl: tls.SSLContext | ContextSource | None = None) -> None:
        """Have one more port, before the start; its associations count with those of the others."""
        context = (lambda: ssl) if isinstance(ssl, tls.SSLContext) else ssl
        self._doors.append(Door(self._house, host, port, context))

    @property
    def port(self) -> int:
        """The first port that is listened on, once started."""
        return self._doors[0].port

    @property
    def ports(self) -> list[int]:
        """All ports that are listened on, once started."""
        return [door.port for door in self._doors]

    def recognize(self, ae_title: AETitlePolicy) -> None:
        """Recognize other AE titles from now on; who is in may stay."""
        self._house.ae_title = ae_title

    async def start(self, *, reuse_port: bool = False) -> None:
        """Listen.

        Parameters
        ----------
        reuse_port : bool
            Share the ports with other processes, among which the kernel spreads the connections.

        Raises
        ------
        OSError
            If an address cannot be bound.
        """
        for number, door in enumerate(self._doors):
            try:
                door.open(reuse_port=reuse_port)
            except OSError:
                del self._doors[number:]
                await self.close(0.0)
                raise

    async def close(self, drain_s: float = 10.0) -> None:
        """Accept nobody any more, let running messages end for up to `drain_s`, then abort what is left."""
        self._house.is_closing = True
        for door in self._doors:
            await door.close()
        for session in list(self._house.sessions):
            session.exchange.look_if_quiet()
        await self._until_disconnected(drain_s)
        for session in list(self._house.sessions):
            session.layer.abort(why="closing")
        await self._until_disconnected(_HANG_UP_S)
        for session in list(self._house.sessions):
            session.hang_up()

    async def _until_disconnected(self, timeout_s: float) -> None:
        waiting = [asyncio.ensure_future(session.disconnected.wait()) for session in self._house.sessions]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=timeout_s)
            for wait in late:
                wait.cancel()
