"""The requestor: an association with a peer, to verify it and to store instances in it."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from radstream.contract.errors import MalformedRequest, Unavailable, UnsupportedInstance
from radstream.dimse.associate import AssociateAccept, AssociateReject, AssociateRequest, ProposedContext
from radstream.dimse.exchange import Exchange
from radstream.dimse.invoker import Invoker
from radstream.dimse.limits import Limits
from radstream.dimse.negotiation import accepted_by_peer
from radstream.dimse.upper_layer import State, UpperLayer
from radstream.dimse.user_information import UserInformation

MAX_CONTEXTS: Final = 128
"""Presentation context IDs are the odd numbers of a byte (PS3.8 9.3.2.2)."""


class AssociationRejected(Unavailable):
    """The peer is there and does not want this association; what it wants may be changed at either end.

    Parameters
    ----------
    reject : AssociateReject
        Its result is 1 if the peer means it to be permanent.
    """

    def __init__(self, reject: AssociateReject) -> None:
        super().__init__(
            f"the peer rejects the association: result {reject.result}, source {reject.source}, reason {reject.reason}"
        )
        self.reject = reject


class Association(Invoker):
    """An association that we requested; made by `Association.request`. Also the `ServiceUser` of its upper layer."""

    def __init__(self, request: AssociateRequest, limits: Limits, response_timeout_s: float) -> None:
        self.layer = UpperLayer(self, limits, is_requestor=True)
        super().__init__(Exchange(self.layer, limits, (), lambda: None), response_timeout_s)
        self._request = request
        self._answer: asyncio.Future[AssociateAccept] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._disconnected = asyncio.Event()

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

        Raises
        ------
        Unavailable
            If the peer cannot be reached, does not answer, or aborts; `AssociationRejected` if it rejects.
        UnsupportedInstance
            If it accepts none of `contexts`.
        MalformedRequest
            If there are more than 128 `contexts`, or none.
        """
        proposal = _propose(calling_ae_title, called_ae_title, contexts, limits.max_pdu_bytes)
        association = Association(proposal, limits, response_timeout_s)
        await association._associate(host, port, timeout_s, ssl)
        try:
            if not association._exchange.contexts:
                raise UnsupportedInstance("the peer accepts none of the proposed presentation contexts")
            yield association
        except BaseException:
            association.abort()
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
            self.abort()

    def abort(self) -> None:
        """Abort the association, and hang up."""
        if self.layer.state != State.IDLE:
            self.layer.abort(why="aborted by us")
            self.layer.transport.close()

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
        self.layer.request(self._request)

    def on_associate_request(self, request: AssociateRequest) -> None:
        """Never called: a requestor is not asked for an association."""

    def on_associate_answer(self, answer: AssociateAccept | AssociateReject) -> None:
        """Tell who waits for it."""
        if isinstance(answer, AssociateAccept):
            self._exchange.contexts = accepted_by_peer(self._request, answer)
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
            self.abort()
            raise Unavailable(f"{host}:{port} does not answer: {str(error) or 'timeout'}") from error
        except BaseException:
            self.abort()
            raise


def _propose(
    calling_ae_title: str, called_ae_title: str, contexts: Sequence[tuple[str, Sequence[str]]], max_pdu_bytes: int
) -> AssociateRequest:
    if not 1 <= len(contexts) <= MAX_CONTEXTS:
        raise MalformedRequest(f"an association has 1 to {MAX_CONTEXTS} presentation contexts")
    proposed = tuple(
        ProposedContext(2 * index + 1, abstract_syntax, tuple(transfer_syntaxes))
        for index, (abstract_syntax, transfer_syntaxes) in enumerate(contexts)
    )
    return AssociateRequest(calling_ae_title, called_ae_title, proposed, UserInformation(max_pdu_bytes=max_pdu_bytes))
