"""The DICOM upper layer for TCP (PS3.8 9): the states of an association, the same code for both ends.

What a PDU means is said once, in `_ACTIONS`, the table 9-10 of PS3.8. What a message means is the business of the
`ServiceUser` above; how bytes become PDUs, that of the `Connection` below.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final

from radstream.contract.errors import Unavailable
from radstream.dimse import pdus
from radstream.dimse.associate import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    decode_accept,
    decode_reject,
    decode_request,
    encode_accept,
    encode_request,
)
from radstream.dimse.connection import Connection
from radstream.dimse.limits import Limits
from radstream.dimse.pdus import AbortReason, PduType, ProtocolViolation
from radstream.dimse.service_user import ServiceUser

USER: Final = 0
PROVIDER: Final = 2
"""Sources of an A-ABORT (PS3.8 9.3.8)."""

_LARGEST_SENT_BYTES: Final = 256 << 10
"""No longer PDU is sent, even to a peer that takes any: it would only hold up what else is to be sent."""

_COPIED_BYTES: Final = 4096
"""Up to here a copy costs less than writing from two places."""


class State(IntEnum):
    """The states of PS3.8 9.2.1 that last; Sta9 and Sta12 do not, as both ends of a collision agree at once."""

    IDLE = 1
    AWAITING_ASSOCIATE_RQ = 2
    AWAITING_LOCAL_ANSWER = 3
    AWAITING_ASSOCIATE_AC = 5
    ESTABLISHED = 6
    AWAITING_RELEASE_RP = 7
    AWAITING_LOCAL_RELEASE = 8
    COLLISION_AS_ACCEPTOR = 10
    COLLISION_AS_REQUESTOR = 11
    AWAITING_CLOSE = 13


_NEGOTIATING: Final = (State.AWAITING_ASSOCIATE_RQ, State.AWAITING_LOCAL_ANSWER, State.AWAITING_ASSOCIATE_AC)
_RELEASING: Final = (State.AWAITING_RELEASE_RP, State.COLLISION_AS_ACCEPTOR, State.COLLISION_AS_REQUESTOR)


class UpperLayer(Connection):
    """One end of an association.

    Parameters
    ----------
    user : ServiceUser
    limits : Limits
    is_requestor : bool
        Which end.
    """

    def __init__(self, user: ServiceUser, limits: Limits, *, is_requestor: bool = False) -> None:
        super().__init__(min(limits.artim_s, limits.pdu_s, limits.network_s, limits.idle_s))
        self.state = State.IDLE
        self.max_fragment_bytes = 0
        self._user = user
        self._limits = limits
        self._is_requestor = is_requestor
        self._entered_at = 0.0
        self._has_ended = False

    # --- what asyncio calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """AE-5: await the A-ASSOCIATE-RQ as acceptor; let the user ask for the association as requestor."""
        super().connection_made(transport)
        if not self._is_requestor:
            self._enter(State.AWAITING_ASSOCIATE_RQ)
        self._user.on_connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """AA-4, AA-5, AR-5: the peer closed, or the network did."""
        self.state = State.IDLE
        super().connection_lost(exc)
        self._end("connection lost")
        self._user.on_disconnected()

    # --- what the user asks for ---------------------------------------------------------------------------------

    def request(self, request: AssociateRequest) -> None:
        """A-ASSOCIATE request (AE-2)."""
        self.transport.write(encode_request(request))
        self._enter(State.AWAITING_ASSOCIATE_AC)

    def accept(self, accept: AssociateAccept, peer_max_pdu_bytes: int) -> None:
        """A-ASSOCIATE response, accepting (AE-7)."""
        if self.state == State.AWAITING_LOCAL_ANSWER:
            self.transport.write(encode_accept(accept))
            self._establish(peer_max_pdu_bytes)

    def reject(self, reject: AssociateReject) -> None:
        """A-ASSOCIATE response, rejecting (AE-8)."""
        if self.state == State.AWAITING_LOCAL_ANSWER:
            self.transport.write(pdus.encode_rejection(reject.result, reject.source, reject.reason))
            self._await_close("rejected")

    def send(self, context_id: int, control: int, fragment: bytes | memoryview) -> None:
        """P-DATA request (DT-1, AR-7): send a fragment of at most `max_fragment_bytes` without waiting.

        Raises
        ------
        Unavailable
            If the association is over.
        """
        if self.state not in (State.ESTABLISHED, State.AWAITING_LOCAL_RELEASE):
            raise Unavailable("the association is over")
        self.heard_at = self._loop.time()
        head = pdus.encode_p_data_head(context_id, control, len(fragment))
        if len(fragment) <= _COPIED_BYTES:
            self.transport.write(b"".join((head, fragment)))
        else:
            self.transport.writelines((head, fragment))

    def release(self) -> None:
        """A-RELEASE request (AR-1); `on_association_ended` tells when it was confirmed."""
        if self.state == State.ESTABLISHED:
            self.transport.write(pdus.encode_release(PduType.A_RELEASE_RQ))
            self._enter(State.AWAITING_RELEASE_RP)

    def confirm_release(self) -> None:
        """A-RELEASE response (AR-4)."""
        if self.state == State.AWAITING_LOCAL_RELEASE:
            self._confirm_and_await_close(b"")

    def abort(self, source: int = USER, reason: AbortReason = AbortReason.NOT_SPECIFIED, why: str = "aborted") -> None:
        """A-ABORT request (AA-1), or what the provider does by itself (AA-8); the peer, or ARTIM, closes."""
        if self.state not in (State.IDLE, State.AWAITING_CLOSE):
            self.transport.write(pdus.encode_abort(source, reason))
            self._await_close(why)

    # --- what the connection below asks and tells ---------------------------------------------------------------

    def _expected_bytes(self) -> int:
        return 0 if self.state in _NEGOTIATING else self._limits.max_pdu_bytes + pdus.HEAD_BYTES

    def _check_head(self, kind: int, length: int) -> None:
        if not PduType.A_ASSOCIATE_RQ <= kind <= PduType.A_ABORT:
            raise ProtocolViolation("a PDU of unknown type", AbortReason.UNRECOGNIZED_PDU)
        is_negotiating = self.state in _NEGOTIATING
        if length > (self._limits.max_associate_bytes if is_negotiating else self._limits.max_pdu_bytes):
            raise ProtocolViolation("a PDU longer than agreed")

    def _is_p_data(self, kind: int) -> bool:
        return kind == PduType.P_DATA_TF and self.state in (State.ESTABLISHED, State.AWAITING_RELEASE_RP)

    def _on_fragment(self, context_id: int, control: int, fragment: memoryview) -> None:
        # The rest of a PDU in whose middle the association ended is nobody's business.
        if self.state in (State.ESTABLISHED, State.AWAITING_RELEASE_RP):
            self._user.on_fragment(context_id, control, fragment)

    def _on_pdu(self, kind: int, body: bytes) -> None:
        action = _ACTIONS.get((self.state, kind))
        if action is not None:
            action(self, body)
        elif kind == PduType.A_ABORT:
            self._close("aborted by the peer")  # AA-2, AA-3
        elif self.state != State.AWAITING_CLOSE:  # otherwise AA-6: ignore it
            raise ProtocolViolation("a PDU that may not come now", AbortReason.UNEXPECTED_PDU)

    def _on_violation(self, violation: ProtocolViolation) -> None:
        if self.state == State.AWAITING_ASSOCIATE_RQ:
            self.abort(USER, why=str(violation))  # AA-1 has the service-user as source, which gives no reason
        elif self.state == State.AWAITING_CLOSE:
            self._abort_again(violation.reason)
        else:
            self.abort(PROVIDER, violation.reason, str(violation))  # AA-8

    def _deadline(self) -> float | None:
        if self.state == State.AWAITING_CLOSE or self.state in _NEGOTIATING:
            return self._entered_at + self._limits.artim_s
        if self.state == State.IDLE:
            return None
        if self.blocked_since is not None:
            return self.blocked_since + self._limits.network_s
        if self.is_inside_pdu or self._user.is_receiving or self.state in _RELEASING:
            return None if self.is_held else self._deadline_of_message()
        return None if self._user.is_busy else self.heard_at + self._limits.idle_s

    def _deadline_of_message(self) -> float:
        silent = self.heard_at + self._limits.network_s
        if self.pdu_since is None:
            return silent
        return min(silent, self.pdu_since + self._limits.pdu_s)  # which a byte now and then does not put off

    def _on_deadline(self) -> None:
        if self.state in (State.AWAITING_ASSOCIATE_RQ, State.AWAITING_CLOSE) or self.blocked_since is not None:
            self._end("timeout")
            self.transport.abort()  # AA-2; nobody reads an A-ABORT there
        else:
            self.abort(PROVIDER, why="timeout")

    # --- actions of PS3.8 9.2.2 ---------------------------------------------------------------------------------

    def _ask_user(self, body: bytes) -> None:  # AE-6
        request = decode_request(body)
        self._enter(State.AWAITING_LOCAL_ANSWER)
        self._user.on_associate_request(request)

    def _on_accepted(self, body: bytes) -> None:  # AE-3
        accept = decode_accept(body)
        self._establish(accept.user.max_pdu_bytes)
        self._user.on_associate_answer(accept)

    def _on_rejected(self, body: bytes) -> None:  # AE-4
        self._user.on_associate_answer(decode_reject(body))
        self._close("rejected by the peer")

    def _on_release_request(self, _body: bytes) -> None:  # AR-2
        self._enter(State.AWAITING_LOCAL_RELEASE)
        self._user.on_release_request()

    def _on_collision(self, _body: bytes) -> None:  # AR-8, then AR-9 at once as requestor
        if self._is_requestor:
            self.transport.write(pdus.encode_release(PduType.A_RELEASE_RP))
        self._enter(State.COLLISION_AS_REQUESTOR if self._is_requestor else State.COLLISION_AS_ACCEPTOR)

    def _on_release_confirmed(self, _body: bytes) -> None:  # AR-3
        self._close("released")

    def _confirm_and_await_close(self, _body: bytes) -> None:  # AR-4; in a collision after AR-10
        self.transport.write(pdus.encode_release(PduType.A_RELEASE_RP))
        self._await_close("released")

    def _on_late_request(self, _body: bytes) -> None:
        self._abort_again(AbortReason.UNEXPECTED_PDU)

    def _abort_again(self, reason: AbortReason) -> None:  # AA-7
        if self.blocked_since is None:  # otherwise a peer that reads nothing would be written to without end
            self.transport.write(pdus.encode_abort(PROVIDER, reason))

    def _establish(self, peer_max_pdu_bytes: int) -> None:
        largest = min(peer_max_pdu_bytes or _LARGEST_SENT_BYTES, _LARGEST_SENT_BYTES)
        self.max_fragment_bytes = pdus.fragment_bytes(largest)
        self._enter(State.ESTABLISHED)

    def _await_close(self, why: str) -> None:
        self._enter(State.AWAITING_CLOSE)
        self._let_go()
        self._end(why)

    def _close(self, why: str) -> None:
        self.state = State.IDLE
        self._end(why)
        self.transport.close()

    def _enter(self, state: State) -> None:
        self.state = state
        self._entered_at = self.heard_at = self._loop.time()
        self.look_at_deadline()

    def _end(self, reason: str) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._user.on_association_ended(reason)


_ACTIONS: Final[Mapping[tuple[int, int], Callable[[UpperLayer, bytes], None]]] = {
    (State.AWAITING_ASSOCIATE_RQ, PduType.A_ASSOCIATE_RQ): UpperLayer._ask_user,
    (State.AWAITING_ASSOCIATE_AC, PduType.A_ASSOCIATE_AC): UpperLayer._on_accepted,
    (State.AWAITING_ASSOCIATE_AC, PduType.A_ASSOCIATE_RJ): UpperLayer._on_rejected,
    (State.ESTABLISHED, PduType.A_RELEASE_RQ): UpperLayer._on_release_request,
    (State.AWAITING_RELEASE_RP, PduType.A_RELEASE_RQ): UpperLayer._on_collision,
    (State.AWAITING_RELEASE_RP, PduType.A_RELEASE_RP): UpperLayer._on_release_confirmed,
    (State.COLLISION_AS_REQUESTOR, PduType.A_RELEASE_RP): UpperLayer._on_release_confirmed,
    (State.COLLISION_AS_ACCEPTOR, PduType.A_RELEASE_RP): UpperLayer._confirm_and_await_close,
    (State.AWAITING_CLOSE, PduType.A_ASSOCIATE_RQ): UpperLayer._on_late_request,
}
"""Table 9-10 of PS3.8 for received PDUs. P-DATA-TF in states 6 and 7 is delivered; for A-ABORT and what is missing
here see `UpperLayer._on_pdu`."""
