"""One connection to a DIMSE port, from the A-ASSOCIATE-RQ to the release."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from radstream.contract.errors import RadstreamError
from radstream.dimse.associate import AssociateAccept, AssociateReject, AssociateRequest
from radstream.dimse.exchange import Exchange
from radstream.dimse.invoker import Invoker
from radstream.dimse.limits import Limits
from radstream.dimse.negotiation import Acceptor
from radstream.dimse.places import Places, Seat
from radstream.dimse.recognition import LOCAL_LIMIT_EXCEEDED, NO_REASON, REASONS, AETitlePolicy, Caller, refusal
from radstream.dimse.routes import Peer
from radstream.dimse.strangers import Strangers
from radstream.dimse.tls import peer_certificate
from radstream.dimse.upper_layer import State, UpperLayer
from radstream.dimse.user_information import UserIdentity
from radstream.telemetry import ASSOCIATIONS, ASSOCIATIONS_REFUSED, get_logger

log = get_logger(__name__)

Verifier = Callable[[UserIdentity, Peer], Awaitable[bytes | None]]
"""Returns the server response (empty for user names) if users are who they say they are, or None (PS3.7 D.3.3.7)."""


@dataclass
class House:
    """What the sessions of one server share, whichever door they came through.

    Parameters
    ----------
    verifier : Verifier, optional
    is_closing : bool
        Nobody is let in any more, and who is in leaves when its message is done.
    """

    acceptor: Acceptor
    ae_title: AETitlePolicy
    limits: Limits
    verifier: Verifier | None = None
    is_closing: bool = False
    sessions: set[Session] = field(default_factory=set)
    places: Places = field(default_factory=Places)

    def __post_init__(self) -> None:
        self.strangers = Strangers(self.limits.max_strangers)

    def seat(self, peer: Peer) -> Seat:
        """Return the place that an association of `peer` takes."""
        limits, is_known = self.limits, self.ae_title.knows(peer.calling_ae_title)
        is_reserved = self.ae_title.knows_some and not is_known
        return Seat(
            peer.calling_ae_title,
            peer.host,
            is_known,
            most=int(limits.max_associations * (1 - limits.reserved_share * is_reserved)),
            most_of_host=limits.max_associations_per_host,
            most_of_title=(peer.entity and peer.entity.max_associations) or limits.max_associations_per_ae_title,
        )


class Session:
    """The `ServiceUser` of the upper layer of one connection, as acceptor."""

    def __init__(self, house: House) -> None:
        self.is_established = False
        self.disconnected = asyncio.Event()
        self.layer = UpperLayer(self, house.limits)
        self.exchange = Exchange(self.layer, house.limits, house.acceptor.routes, self._on_quiet)
        self.exchange.invoker = Invoker(self.exchange)
        self._house = house
        self._seat: Seat | None = None
        self._waiting: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        """The peer's address."""
        return self.exchange.peer.host

    @property
    def is_receiving(self) -> bool:
        """Whether a message is here in part."""
        return self.exchange.is_receiving

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self.exchange.is_busy

    def on_connected(self) -> None:
        """Join the sessions of the server, as a stranger."""
        # An IPv6 address has four parts, and a UNIX socket none.
        address = self.layer.transport.get_extra_info("peername") or ("", 0)
        self.exchange.peer = Peer("", "", str(address[0]), int(address[1]))
        if self._house.is_closing:
            self.hang_up()
        else:
            self._house.sessions.add(self)
            self._be_a_stranger()

    def hang_up(self) -> None:
        """Close the connection at once, without a word."""
        self.layer.transport.abort()

    def on_associate_request(self, request: AssociateRequest) -> None:
        """Accept or reject; with a verifier, when it has made up its mind, and without a place, when there is one."""
        caller = Caller(self.host, peer_certificate(self.layer.transport))
        entity = self._house.ae_title.entities.get(request.calling_ae_title)
        peer = self.exchange.peer
        self.exchange.peer = Peer(request.calling_ae_title, request.called_ae_title, peer.host, peer.port, entity)
        rejection = refusal(request, self._house.ae_title, caller)
        if rejection is not None:
            self._reject(rejection)
            return
        self._house.strangers.leave(self)
        seat = self._house.seat(self.exchange.peer)
        if self._house.places.take(seat):
            self._be_seated(request, seat)
        else:
            self._waiting = self.exchange.spawn(self._wait_for(seat, request))

    def on_associate_answer(self, answer: AssociateAccept | AssociateReject) -> None:
        """Never called: an acceptor asks for no association."""

    def on_fragment(self, context_id: int, control: int, fragment: memoryview) -> None:
        """Hand on to the messages."""
        self.exchange.take(context_id, control, fragment)

    def on_release_request(self) -> None:
        """Confirm at once, or when the last response is sent."""
        if not self.exchange.is_performing:
            self.layer.confirm_release()

    def on_association_ended(self, reason: str) -> None:
        """Stop what depends on the peer, and give the place to the next."""
        if self.is_established:
            ASSOCIATIONS.dec()
            log.info("association_ended", reason=reason, **self._names)
        # Who connects and closes without a word is a probe of the port, and no association.
        if reason not in {"released", "rejected"} and (self.is_established or reason != "connection lost"):
            ASSOCIATIONS_REFUSED.labels("aborted").inc()
        self.is_established = False
        self.exchange.lose()
        self._leave_place()
        if not self.layer.transport.is_closing():
            self._be_a_stranger()  # until it hangs up

    def on_disconnected(self) -> None:
        """Leave the sessions of the server."""
        self._house.strangers.leave(self)
        self._house.sessions.discard(self)
        self.disconnected.set()

    def _be_a_stranger(self) -> None:
        self._house.strangers.enter(self, is_known_host=self._house.ae_title.knows_host(self.host))

    async def _wait_for(self, seat: Seat, request: AssociateRequest) -> None:
        is_free = await self._house.places.wait(seat, self._house.limits.queue_s)
        self._waiting = None
        if is_free:
            self._be_seated(request, seat)
        else:
            self._reject(LOCAL_LIMIT_EXCEEDED)

    def _be_seated(self, request: AssociateRequest, seat: Seat) -> None:
        self._seat = seat
        if self._house.verifier is None:
            self._accept(request, None)
        else:
            self.exchange.spawn(self._verify(request, self._house.verifier))

    def _leave_place(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        seat, self._seat = self._seat, None
        if seat is not None:
            self._house.places.give_back(seat)

    async def _verify(self, request: AssociateRequest, verifier: Verifier) -> None:
        response = None
        try:
            if request.user.user_identity is not None:
                response = await verifier(request.user.user_identity, self.exchange.peer)
        except RadstreamError as error:
            log.warning("user_identity_not_verified", reason=str(error), **self._names)
        if self.layer.state != State.AWAITING_LOCAL_ANSWER:
            return  # the peer did not wait
        if response is None or request.user.user_identity is None:
            self._reject(NO_REASON)
        else:
            self._accept(request, response if request.user.user_identity.response_requested else None)

    def _accept(self, request: AssociateRequest, server_response: bytes | None) -> None:
        self.exchange.contexts, accept = self._house.acceptor.negotiate(request, server_response)
        self.is_established = True
        ASSOCIATIONS.inc()
        log.info("association_accepted", count=len(self.exchange.contexts), **self._names)
        self.layer.accept(accept, request.user.max_pdu_bytes)

    def _reject(self, rejection: AssociateReject) -> None:
        ASSOCIATIONS_REFUSED.labels(REASONS[rejection]).inc()
        log.warning("association_rejected", reason=REASONS[rejection], **self._names)
        self.layer.reject(rejection)

    def _on_quiet(self) -> None:
        self.layer.confirm_release()
        if self._house.is_closing:
            self.layer.abort(why="closing")

    @property
    def _names(self) -> dict[str, str | int]:
        peer = self.exchange.peer
        return {
            "calling_ae_title": peer.calling_ae_title,
            "called_ae_title": peer.called_ae_title,
            "host": peer.host,
            "port": peer.port,
        }
