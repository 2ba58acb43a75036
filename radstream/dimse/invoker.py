"""The operations that we invoke on a peer: as requestor, and as acceptor in the middle of a C-GET."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from radstream.contract.errors import Unavailable, UnsupportedInstance
from radstream.dimse.exchange import Exchange
from radstream.dimse.messages import Command, CommandField
from radstream.dimse.negotiation import Context
from radstream.dimse.sop_classes import VERIFICATION


class Invoker:
    """Invokes operations: one at a time, unless the peer has agreed to take more before it answers (PS3.7 D.3.3.3).

    Parameters
    ----------
    exchange : Exchange
    response_timeout_s : float
        For the response to a message, once it is sent; then the association is aborted.
    """

    def __init__(self, exchange: Exchange, response_timeout_s: float = 600.0) -> None:
        self._exchange = exchange
        self._response_timeout_s = response_timeout_s
        self._message_id = 0
        self.widen(1)

    def widen(self, window: int) -> None:
        """Note how many operations may be under way at once, before the first one."""
        self.window = window
        self._turn = asyncio.Semaphore(window)

    @property
    def contexts(self) -> Mapping[int, Context]:
        """The accepted presentation contexts by their ID."""
        return self._exchange.contexts

    async def c_echo(self) -> int:
        """Return the status of a C-ECHO (PS3.7 9.1.5)."""
        command = Command(CommandField.C_ECHO_RQ, message_id=self._next_id(), affected_sop_class_uid=VERIFICATION)
        return await self._status(self._context(VERIFICATION, None), command)

    async def c_store(
        self,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str,
        data_set: bytes | AsyncIterator[bytes],
        priority: int = 0,
        *,
        move_originator: tuple[str, int] | None = None,
    ) -> int:
        """Store an instance in the peer and return the status of its response (PS3.7 9.1.1, PS3.4 B.2.3).

        Parameters
        ----------
        data_set : bytes or async iterator of bytes
            Without preamble and meta group, encoded in `transfer_syntax_uid`; an iterator is sent as the peer takes it.
        priority : int
            0 medium, 1 high, 2 low.
        move_originator : (str, int), optional
            AE title and Message ID of the C-MOVE that this store is a part of.

        Raises
        ------
        UnsupportedInstance
            If no accepted presentation context fits.
        Unavailable
            If the association ends, or the peer does not respond in time.
        """
        title, message_id = move_originator or (None, None)
        command = Command(
            CommandField.C_STORE_RQ,
            message_id=self._next_id(),
            affected_sop_class_uid=sop_class_uid,
            affected_sop_instance_uid=sop_instance_uid,
            priority=priority,
            move_originator_application_entity_title=title,
            move_originator_message_id=message_id,
        )
        chunks = _single(data_set) if isinstance(data_set, bytes) else data_set
        return await self._status(self._context(sop_class_uid, transfer_syntax_uid), command, chunks)

    async def _status(self, context: Context, command: Command, data_set: AsyncIterator[bytes] | None = None) -> int:
        invoked = self._exchange.invoke(context, command, data_set, self._response_timeout_s)
        async with self._turn, aclosing(invoked) as responses:
            response, _ = await anext(responses)
        if response.status is None:
            self._exchange.layer.abort(why="a response without status")
            raise Unavailable("the peer's response has no status")
        return response.status

    def _context(self, sop_class_uid: str, transfer_syntax_uid: str | None) -> Context:
        for context in self.contexts.values():
            fits = transfer_syntax_uid in (None, context.transfer_syntax_uid)
            if fits and context.abstract_syntax == sop_class_uid and context.may_invoke:
                return context
        raise UnsupportedInstance("no accepted presentation context for the SOP class and transfer syntax")

    def _next_id(self) -> int:
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id


async def _single(data: bytes) -> AsyncIterator[bytes]:
    yield data
