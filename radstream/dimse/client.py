"""The requestor: an association with a peer, to verify it and to store instances in it."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from radstream.contract.errors import MalformedRequest, Unavailable, UnsupportedInstance
from radstream.dimse.associate import AssociateAccept, AssociateReject, AssociateRequest, ProposedContext
from radstream.dimse.exchange import Exchange
from radstream.dimse.invoker import Invoker
from radstream.dimse.limits import Limits
from radstream.dimse.negotiation import ACCEPTANCE, accepted_by_peer
from radstream.dimse.proposals import MAX_CONTEXTS
from radstream.dimse.routes import AnyRoute
from radstream.dimse.upper_layer import State, UpperLayer
from radstream.dimse.user_information import UserInformation

HANG_UP_S: Final = 1.0
"""For a peer to take an A-ABORT, before its connection is cut."""

LARGEST_WINDOW: Final = 64
"""Operations invoked at once on one association, even if the peer allows any number (PS3.7 D.3.3.3)."""

_REJECTIONS: Final = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given by its ACSE",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""By source and reason: PS3.8 table 9-21."""

_CONTEXT_RESULTS: Final = {
    1: "user rejection",
    2: "no reason given",
    3: "abstract syntax not supported",
    4: "transfer syntax not supported",
}
"""PS3.8 table 9-18."""


class AssociationRejected(Unavailable):
    """The peer is there and does not want this association; what it wants may be changed at either end.

    Parameters
    ----------
    reject : AssociateReject
        Its result is 1 if the peer means it to be permanent.
    """

    def __init__(self, reject: AssociateReject) -> None:
        numbers = f"result {reject.result}, source {reject.source}, reason {reject.reason}"
        words = _REJECTIONS.get((reject.source, reject.reason), "for a reason that the Standard does not have")
        super().__init__(f"the peer rejects the association: {words} ({numbers})")
        self.reject = reject

    @property
    def is_permanent(self) -> bool:
        """Whether the peer means that trying again is of no use."""
        return self.reject.result == 1


class NothingAccepted(UnsupportedInstance):
    """The peer has accepted the association and none of its presentation contexts.

    Parameters
    ----------
    association : Association
        Aborted; it still tells why.
    """

    def __init__(self, association: Association) -> None:
        super().__init__("the peer accepts none of the proposed presentation contexts")
        self.association = association


class Association(Invoker):
    """An association that we requested; made by `Association.request`. Also the `ServiceUser` of its upper layer."""

    def __init__(
        self, request: AssociateRequest, limits: Limits, response_timeout_s: float, routes: Sequence[AnyRoute] = ()
    ) -> None:
        self.layer = UpperLayer(self, limits, is_requestor=True)
        super().__init__(Exchange(self.layer, limits, routes, lambda: None), response_timeout_s)
        self.end_reason = ""
        self._request = request
        self._answer: asyncio.Future[AssociateAccept] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._disconnected.set()

    @staticmethod
    @asynccontextmanager
    async def request(  # noqa: PLR0913 - an association is that much; all but the essential have defaults
        host: str,
        port: int,
        *,
        calling_ae_title: str,
        called_ae_title: str,
        contexts: Sequence[tuple[str, Sequence[str]]],
        timeout_s: float = 30.0,
        response_timeout_s: float = 600.0,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        ssl: tls.SSLContext | None = None,
        user: UserInformation = UserInformation(),  # noqa: B008 - frozen
        routes: Sequence[AnyRoute] = (),
    ) -> AsyncIterator[Association]:
        """Associate with a peer; release at the end, abort after an error.

        Parameters
        ----------
        contexts : sequence of (str, sequence of str)
            SOP Class UID and Transfer Syntax UIDs of up to 128 presentation contexts; more need more associations.
        timeout_s : float
            For connecting, for the answer to the request, and for the release.
        response_timeout_s : float
            For the response to a message, once it is sent.
        user : UserInformation
            What else to negotiate: roles, extensions, identity, window. Its maximum length is that of `limits`.
        routes : sequence of StoreRoute or MessageRoute
            What is performed for the peer in contexts for which `user` proposes to be SCP.

        Raises
        ------
        Unavailable
            If the peer cannot be reached, does not answer, or aborts; `AssociationRejected` if it rejects.
        NothingAccepted
            If it accepts none of `contexts`.
        MalformedRequest
            If there are more than 128 `contexts`, or none.
        """
        user = replace(user, max_pdu_bytes=limits.max_pdu_bytes)
        proposal = _propose(calling_ae_title, called_ae_title, contexts, user)
        association = Association(proposal, limits, response_timeout_s, routes)
        await association._associate(host, port, timeout_s, ssl)
        try:
            if not association._exchange.contexts:
                raise NothingAccepted(association)
            yield association
        except BaseException:
            await association._hang_up()
            raise
        await association.release(timeout_s)

    async def release(self, timeout_s: float = 30.0) -> None:
        """Release the association; abort it if the peer does not confirm in time."""
        self.layer.release()
        try:
            async with asyncio.timeout(timeout_s):
                await self._ended.wait()
                await self._disconnected.wait()
        except TimeoutError:
            await self._hang_up()

    def abort(self) -> None:
        """Abort the association, and hang up."""
        if self.layer.state != State.IDLE:
            self.layer.abort(why="aborted by us")
            self.layer.transport.close()

    async def _hang_up(self) -> None:
        """Abort the association, and return when nothing is left of its connection."""
        self.abort()
        try:
            async with asyncio.timeout(HANG_UP_S):
                await self._disconnected.wait()
        except TimeoutError:  # a peer that takes nothing does not take the A-ABORT either
            self.layer.transport.abort()

    # --- what was negotiated ------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether messages may still be sent."""
        return self.layer.state == State.ESTABLISHED and not self.layer.transport.is_closing()

    @property
    def accept(self) -> AssociateAccept:
        """The peer's answer."""
        return self._answer.result()

    def accepted_syntaxes(self, sop_class_uid: str) -> frozenset[str]:
        """Return the transfer syntaxes in which operations of a SOP class may be invoked."""
        accepted = (context for context in self.contexts.values() if context.abstract_syntax == sop_class_uid)
        return frozenset(context.transfer_syntax_uid for context in accepted if context.may_invoke)

    def refusal(self, sop_class_uid: str, transfer_syntax_uid: str) -> str:
        """Return in words why the peer takes no operation of a SOP class in a transfer syntax."""
        results = {answer.context_id: answer.result for answer in self.accept.contexts}
        for proposed in self._request.contexts:
            if proposed.abstract_syntax == sop_class_uid and transfer_syntax_uid in proposed.transfer_syntaxes:
                result = results.get(proposed.context_id)
                # Accepted and yet of no use: another transfer syntax of the context, or another role.
                words = "not accepted" if result in (None, ACCEPTANCE) else _CONTEXT_RESULTS.get(result, "refused")
                return f"the peer refuses the presentation context: {words}"
        return "no presentation context was proposed"

    # --- ServiceUser --------------------------------------------------------------------------------------------

    @property
    def is_receiving(self) -> bool:
        """Whether a message is here in part."""
        return self._exchange.is_receiving

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self._exchange.is_busy

    def on_connected(self) -> None:
        """Ask for the association."""
        self._disconnected.clear()
        self.layer.request(self._request)

    def on_associate_request(self, request: AssociateRequest) -> None:
        """Never called: a requestor is not asked for an association."""

    def on_associate_answer(self, answer: AssociateAccept | AssociateReject) -> None:
        """Tell who waits for it."""
        if isinstance(answer, AssociateAccept):
            self._exchange.contexts = accepted_by_peer(self._request, answer)
            self.widen(_window(self._request.user.window, answer.user.window))
        if not self._answer.done():
            if isinstance(answer, AssociateAccept):
                self._answer.set_result(answer)
            else:
                self._answer.set_exception(AssociationRejected(answer))

    def on_fragment(self, context_id: int, control: int, fragment: memoryview) -> None:
        """Hand on to the messages."""
        self._exchange.take(context_id, control, fragment)

    def on_release_request(self) -> None:
        """Confirm: nothing may follow, so what still waits for a response waits in vain."""
        self.layer.confirm_release()

    def on_association_ended(self, reason: str) -> None:
        """Tell everybody who waits."""
        self.end_reason = f"the association ended: {reason}"
        if not self._answer.done():
            self._answer.set_exception(Unavailable(f"no association with the peer: {reason}"))
        self._ended.set()
        self._exchange.lose()

    def on_disconnected(self) -> None:
        """Let the end be the end."""
        self._disconnected.set()

    # --- how it is done -----------------------------------------------------------------------------------------

    async def _associate(self, host: str, port: int, timeout_s: float, ssl: tls.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                await loop.create_connection(lambda: self.layer, host, port, ssl=ssl)
                await self._answer
        except OSError as error:  # TimeoutError is one
            await self._hang_up()
            raise Unavailable(f"{host}:{port} does not answer: {str(error) or 'timeout'}") from error
        except BaseException:
            await self._hang_up()
            raise


def _window(proposed: tuple[int, int] | None, accepted: tuple[int, int] | None) -> int:
    """Return how many operations we may invoke at once: one, if it was not negotiated; 0 means any number."""
    invoked = 1 if proposed is None or accepted is None else accepted[0]
    if proposed is not None and proposed[0]:
        invoked = min(invoked or proposed[0], proposed[0])
    return min(invoked or LARGEST_WINDOW, LARGEST_WINDOW)


def _propose(
    calling_ae_title: str,
    called_ae_title: str,
    contexts: Sequence[tuple[str, Sequence[str]]],
    user: UserInformation,
) -> AssociateRequest:
    if not 1 <= len(contexts) <= MAX_CONTEXTS:
        raise MalformedRequest(f"an association has 1 to {MAX_CONTEXTS} presentation contexts")
    proposed = tuple(
        ProposedContext(2 * index + 1, abstract_syntax, tuple(transfer_syntaxes))
        for index, (abstract_syntax, transfer_syntaxes) in enumerate(contexts)
    )
    return AssociateRequest(calling_ae_title, called_ae_title, proposed, user)
