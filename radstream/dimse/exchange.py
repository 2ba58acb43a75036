"""The messages of one association, both ways (PS3.7): requests are performed, responses given to who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from radstream.contract.errors import RejectedInstance, Unavailable
from radstream.contract.uids import parse_uid
from radstream.dimse import statuses
from radstream.dimse.limits import Limits
from radstream.dimse.message_writer import MessageWriter
from radstream.dimse.messages import RESPONSE, Command, CommandField, Response, decode_command
from radstream.dimse.negotiation import Context
from radstream.dimse.operations import MessageOperation, Operation, Receiver, Refusal, ResponseReceiver, StoreOperation
from radstream.dimse.pdus import COMMAND, LAST, AbortReason, ProtocolViolation
from radstream.dimse.routes import AnyRoute, Peer, Reply, Request, StoreRoute, Storing, find_route
from radstream.dimse.upper_layer import UpperLayer


class Exchange:
    """The messages of one association. One operation of the peer is performed at a time (PS3.7 D.3.3.3).

    Parameters
    ----------
    layer : UpperLayer
    limits : Limits
    routes : sequence of StoreRoute or MessageRoute
        What is performed for the peer.
    on_quiet : callable
        Called whenever nothing is under way any more.
    """

    def __init__(
        self, layer: UpperLayer, limits: Limits, routes: Sequence[AnyRoute], on_quiet: Callable[[], None]
    ) -> None:
        self.layer = layer
        self.limits = limits
        self.writer = MessageWriter(layer)
        self.peer = Peer("", "", "", 0)
        self.invoker: Storing | None = None
        self.contexts: Mapping[int, Context] = {}
        self._routes = routes
        self._on_quiet = on_quiet
        self._command = bytearray()
        self._context_id = 0  # of the message that is being received
        self._receiver: Receiver | None = None
        self._running: Operation | None = None
        self._waiting: tuple[Context, Command] | None = None
        self._invoked: dict[int, asyncio.Queue[Response | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --- receiving ----------------------------------------------------------------------------------------------

    @property
    def is_receiving(self) -> bool:
        """Whether a message is here in part."""
        return bool(self._command) or self._receiver is not None

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way, for the peer or for us."""
        return self._running is not None or bool(self._invoked or self._tasks)

    @property
    def is_performing(self) -> bool:
        """Whether a response is still to be sent."""
        return self._running is not None

    def take(self, context_id: int, control: int, fragment: memoryview) -> None:
        """Take the next fragment of a message (PS3.8 E).

        Raises
        ------
        ProtocolViolation
            If it cannot come here.
        """
        if context_id not in self.contexts:
            raise ProtocolViolation("a fragment in a presentation context that was not accepted")
        if context_id != self._context_id and self.is_receiving:
            raise ProtocolViolation("a message changes its context", AbortReason.UNEXPECTED_PDU_PARAMETER)
        self._context_id = context_id
        if control & COMMAND:
            self._take_command(fragment, is_last=bool(control & LAST))
        else:
            self._take_data(fragment, is_last=bool(control & LAST))

    def _take_command(self, fragment: memoryview, *, is_last: bool) -> None:
        if self._receiver is not None:
            raise ProtocolViolation("a command inside a data set", AbortReason.UNEXPECTED_PDU_PARAMETER)
        if len(self._command) + len(fragment) > self.limits.max_command_bytes:
            raise ProtocolViolation("a command set longer than any")
        self._command += fragment
        if is_last:
            data, self._command = self._command, bytearray()
            self._begin(self.contexts[self._context_id], decode_command(data))

    def _take_data(self, fragment: memoryview, *, is_last: bool) -> None:
        if self._receiver is None:
            raise ProtocolViolation("a data set without its command", AbortReason.UNEXPECTED_PDU_PARAMETER)
        self._receiver.write(fragment)
        if is_last:
            receiver, self._receiver = self._receiver, None
            receiver.end()

    def _begin(self, context: Context, command: Command) -> None:
        if command.command_field == CommandField.C_CANCEL_RQ:
            if self._running is not None:
                self._running.cancel(command.message_id_being_responded_to)
            return
        is_new = not command.is_response
        if is_new and self._running is not None and self._running.message_id != command.message_id:
            # More than the window of one allows; its turn comes.
            self._waiting = (context, command)
            self.layer.hold()
            return
        receiver = self._perform(context, command) if is_new else self._answered(command)
        if command.has_data_set:
            self._receiver = receiver
        else:
            receiver.end()

    def _answered(self, command: Command) -> Receiver:
        responses = self._invoked.get(command.message_id_being_responded_to or 0)
        if responses is None:
            raise ProtocolViolation("a response that nobody waits for", AbortReason.UNEXPECTED_PDU_PARAMETER)
        return ResponseReceiver(command, responses, self.limits.max_identifier_bytes)

    # --- performing ---------------------------------------------------------------------------------------------

    def _perform(self, context: Context, command: Command) -> Receiver:
        if command.message_id is None:
            raise ProtocolViolation("a request without Message ID")
        route = find_route(self._routes, context.abstract_syntax, command.command_field)
        status = self._refusal(context, command, route)
        if status or route is None:
            return Refusal(self, context, command, status)
        request = Request(
            self.peer, context.abstract_syntax, context.transfer_syntax_uid, command, invoker=self.invoker
        )
        if isinstance(route, StoreRoute):
            return StoreOperation(self, context, request, route.handler)
        return MessageOperation(self, context, request, route.handler)

    def _refusal(self, context: Context, command: Command, route: AnyRoute | None) -> int:
        if self._running is not None:
            return statuses.DUPLICATE_INVOCATION
        if not context.may_perform:
            return statuses.SOP_CLASS_NOT_SUPPORTED
        if route is None:
            return statuses.UNRECOGNIZED_OPERATION
        if command.sop_class_uid is None:
            return statuses.NO_SUCH_SOP_CLASS
        # The N-services may name another SOP class than their context, as those of print and UPS do.
        is_composite = command.command_field < CommandField.N_EVENT_REPORT_RQ
        if is_composite and command.sop_class_uid != context.abstract_syntax:
            return statuses.SOP_CLASS_NOT_SUPPORTED
        return _store_refusal(command) if isinstance(route, StoreRoute) else statuses.SUCCESS

    def started(self, operation: Operation) -> None:
        """Note that `operation` has its whole request."""
        self._running = operation

    def finished(self) -> None:
        """Note that the running operation has its last response."""
        self._running = None
        if self._waiting is not None:
            (context, command), self._waiting = self._waiting, None
            self._begin(context, command)
            self.layer.resume()
        else:
            self.look_if_quiet()

    def is_running(self, operation: Operation) -> bool:
        """Tell whether `operation` has its whole request, and is not finished."""
        return self._running is operation

    def look_if_quiet(self) -> None:
        """Tell whom it concerns if nothing is under way."""
        if not self.is_receiving and self._running is None and not self._invoked:
            self._on_quiet()

    def respond(self, context: Context, request: Command, reply: Reply) -> None:
        """Send a response.

        Raises
        ------
        Unavailable
            If the association is over.
        """
        response = Command(
            command_field=request.command_field | RESPONSE,
            message_id_being_responded_to=request.message_id,
            affected_sop_class_uid=request.sop_class_uid,
            affected_sop_instance_uid=request.affected_sop_instance_uid or request.requested_sop_instance_uid,
            status=reply.status,
        )
        if reply.fields:
            response = replace(response, **reply.fields)
        self.writer.write(context.context_id, response, reply.identifier)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do `work` beside the reading."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- invoking -----------------------------------------------------------------------------------------------

    async def invoke(
        self, context: Context, request: Command, data_set: AsyncIterator[bytes] | None, timeout_s: float
    ) -> AsyncGenerator[Response, None]:
        """Send a request and yield its responses, up to the one that is not pending.

        Parameters
        ----------
        timeout_s : float
            For each response; then the association is aborted, since a late one would be taken for another's.

        Raises
        ------
        Unavailable
            If the association ends before.
        """
        assert request.message_id is not None
        responses: asyncio.Queue[Response | None] = asyncio.Queue()
        self._invoked[request.message_id] = responses
        try:
            if data_set is None:
                self.writer.write(context.context_id, request)
            else:
                await self.writer.stream(context.context_id, request, data_set)
            is_pending = True
            while is_pending:
                response = await self._next_response(responses, timeout_s)
                is_pending = statuses.is_pending(response[0].status or 0)
                yield response
        finally:
            self._invoked.pop(request.message_id, None)

    async def _next_response(self, responses: asyncio.Queue[Response | None], timeout_s: float) -> Response:
        try:
            async with asyncio.timeout(timeout_s):
                response = await responses.get()
        except TimeoutError as error:
            self.layer.abort(why="no response in time")
            raise Unavailable("the peer did not respond in time") from error
        if response is None:
            raise Unavailable("the association ended before the response")
        return response

    # --- ending -------------------------------------------------------------------------------------------------

    def lose(self) -> None:
        """Let everybody know that the association is over."""
        self._waiting = None
        for lost in (self._receiver, self._running):
            if lost is not None:
                lost.lose()
        self._receiver = None
        for responses in self._invoked.values():
            responses.put_nowait(None)


def _store_refusal(command: Command) -> int:
    """Return why a C-STORE request cannot be performed, 0 if it can (PS3.7 9.1.1.1.9)."""
    if not command.has_data_set:
        return statuses.MISTYPED_ARGUMENT
    try:
        parse_uid(command.affected_sop_instance_uid or "")
    except RejectedInstance:
        return statuses.INVALID_SOP_INSTANCE
    return statuses.SUCCESS
