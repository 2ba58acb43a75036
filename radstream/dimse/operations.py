"""What becomes of a message once its command set is here: it is performed, refused, or given to who waits for it.

A handler's bug is a status here, and not the end of the association.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Final, Protocol

from radstream.contract.errors import RadstreamError, Unavailable, dimse_status
from radstream.dimse import statuses
from radstream.dimse.limits import Limits
from radstream.dimse.messages import Command, CommandField, Response
from radstream.dimse.negotiation import Context
from radstream.dimse.pdus import ProtocolViolation
from radstream.dimse.routes import DataSink, MessageHandler, Reply, Request, StoreHandler
from radstream.dimse.upper_layer import UpperLayer
from radstream.telemetry import code_path, get_logger

log = get_logger(__name__)

_DRAINED_EVERY_BYTES: Final = 512 << 10
"""So much is given to a sink before it is asked whether it can take more: asking after each PDU would cost a task."""


class Receiver(Protocol):
    """What takes the data set of a message; also told when there is none."""

    def write(self, fragment: memoryview) -> None:
        """Take the next bytes; the view is only valid during the call."""

    def end(self) -> None:
        """Note that the message is whole."""

    def lose(self) -> None:
        """Note that the association is over."""


class Operation(Receiver, Protocol):
    """A receiver that goes on when its message is whole."""

    @property
    def message_id(self) -> int | None:
        """Of the request."""

    def cancel(self, message_id: int | None) -> None:
        """Note that the peer asks to cancel `message_id`."""


class Performing(Protocol):
    """What an operation needs of the exchange of messages that it is a part of."""

    @property
    def layer(self) -> UpperLayer:
        """The association below."""

    @property
    def limits(self) -> Limits:
        """How much is taken."""

    def started(self, operation: Operation) -> None:
        """Note that `operation` has its whole request."""

    def finished(self) -> None:
        """Note that the running operation has its last response."""

    def is_running(self, operation: Operation) -> bool:
        """Tell whether `operation` has its whole request, and is not finished."""

    def look_if_quiet(self) -> None:
        """Tell whom it concerns if nothing is under way."""

    def respond(self, context: Context, request: Command, reply: Reply) -> None:
        """Send a response; raises `Unavailable` if the association is over."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do `work` beside the reading."""


class StoreOperation:
    """A C-STORE request: its data set goes to a sink as it comes (PS3.7 9.1.1)."""

    def __init__(self, exchange: Performing, context: Context, request: Request, handler: StoreHandler) -> None:
        self.message_id = request.command.message_id
        self._exchange = exchange
        self._context = context
        self._request = request
        self._sink: DataSink | None = None
        self._failure = statuses.SUCCESS
        self._undrained_bytes = 0
        self._draining: asyncio.Task[None] | None = None
        try:
            self._sink = handler(request)
        except Exception as error:  # noqa: BLE001 - a door: a handler's bug is a status
            self._fail(error)

    def write(self, fragment: memoryview) -> None:
        """Give the bytes to the sink; after a failure they are dropped, so that the association stays in step."""
        if self._sink is None:
            return
        try:
            self._sink.write(fragment)
        except Exception as error:  # noqa: BLE001 - a door: a handler's bug is a status
            self._fail(error)
            return
        self._undrained_bytes += len(fragment)
        if self._undrained_bytes >= _DRAINED_EVERY_BYTES:
            self._undrained_bytes = 0
            self._exchange.layer.hold()
            self._draining = self._exchange.spawn(self._drain(self._sink))

    def end(self) -> None:
        """Finish the sink, with nothing else performed meanwhile."""
        self._exchange.started(self)
        self._exchange.layer.hold()
        self._exchange.spawn(self._finish())

    def lose(self) -> None:
        """Abort the sink, unless all has come: then it may as well be stored."""
        if self._exchange.is_running(self):
            return
        if self._draining is not None:
            self._draining.cancel()
        self._discard()

    def cancel(self, message_id: int | None) -> None:
        """Ignore it: a C-STORE cannot be cancelled (PS3.7 9.3.2.3)."""

    async def _drain(self, sink: DataSink) -> None:
        try:
            await sink.drain()
        except Exception as error:  # noqa: BLE001 - a door: a handler's bug is a status
            self._fail(error)
        finally:
            self._exchange.layer.resume()

    async def _finish(self) -> None:
        status = self._failure
        if self._sink is not None:
            try:
                status = await self._sink.finish()
            except Exception as error:  # noqa: BLE001 - a door: a handler's bug is a status
                status = _status_of(error)
        _respond(self._exchange, self._context, self._request.command, Reply(status))
        self._exchange.finished()
        self._exchange.layer.resume()

    def _fail(self, error: Exception) -> None:
        self._failure = _status_of(error)
        self._discard()

    def _discard(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            self._exchange.spawn(_abort(sink, self._draining))


class MessageOperation:
    """Any other request: its data set is gathered, then its handler makes the responses (PS3.7 9, 10)."""

    def __init__(self, exchange: Performing, context: Context, request: Request, handler: MessageHandler) -> None:
        self.message_id = request.command.message_id
        self._exchange = exchange
        self._context = context
        self._request = request
        self._handler = handler
        self._identifier = bytearray()
        self._is_too_long = False
        self._task: asyncio.Task[None] | None = None

    def write(self, fragment: memoryview) -> None:
        """Gather the bytes; of too many, none."""
        self._is_too_long |= len(self._identifier) + len(fragment) > self._exchange.limits.max_identifier_bytes
        if self._is_too_long:
            self._identifier.clear()
        else:
            self._identifier += fragment

    def end(self) -> None:
        """Let the handler work, while the association is read on for a C-CANCEL."""
        self._exchange.started(self)
        self._task = self._exchange.spawn(self._perform())

    def lose(self) -> None:
        """Stop the handler."""
        self._request.cancelled.set()
        if self._task is not None:
            self._task.cancel()

    def cancel(self, message_id: int | None) -> None:
        """Tell the handler (PS3.7 9.3.2.3)."""
        if message_id == self.message_id:
            self._request.cancelled.set()

    async def _perform(self) -> None:
        try:
            final = await self._reply_until_final()
        except Exception as error:  # noqa: BLE001 - a door: a handler's bug is a status
            final = Reply(_status_of(error))
        _respond(self._exchange, self._context, self._request.command, final)
        self._exchange.finished()

    async def _reply_until_final(self) -> Reply:
        """Send the pending replies and return the final one: success or cancel, if the handler has no other."""
        if self._is_too_long:
            return Reply(statuses.RESOURCE_LIMITATION)
        replies = self._handler(self._request, bytes(self._identifier))
        try:
            async for reply in replies:
                if not statuses.is_pending(reply.status):
                    return reply
                if self._must_stop:
                    return Reply(statuses.CANCEL)
                self._exchange.respond(self._context, self._request.command, reply)
                await self._exchange.layer.drain()
                await asyncio.sleep(0)  # a handler that never waits would let nobody hear a C-CANCEL
        finally:
            if isinstance(replies, AsyncGenerator):
                await replies.aclose()
        return Reply(statuses.CANCEL if self._must_stop else statuses.SUCCESS)

    @property
    def _must_stop(self) -> bool:
        return self._request.cancelled.is_set() and self._request.command.command_field == CommandField.C_FIND_RQ


class Refusal:
    """A request that nobody performs: its data set is dropped, then it is answered."""

    def __init__(self, exchange: Performing, context: Context, command: Command, status: int) -> None:
        self._exchange = exchange
        self._context = context
        self._command = command
        self._status = status

    def write(self, fragment: memoryview) -> None:
        """Drop the bytes."""

    def end(self) -> None:
        """Answer."""
        log.info("request_refused", status=self._status, sop_class_uid=self._command.sop_class_uid)
        _respond(self._exchange, self._context, self._command, Reply(self._status))
        self._exchange.look_if_quiet()

    def lose(self) -> None:
        """Do nothing: nothing is lost."""


class ResponseReceiver:
    """A response to a request of ours."""

    def __init__(self, command: Command, responses: asyncio.Queue[Response | None], max_bytes: int) -> None:
        self._command = command
        self._responses = responses
        self._max_bytes = max_bytes
        self._data_set = bytearray()

    def write(self, fragment: memoryview) -> None:
        """Gather the bytes; `ProtocolViolation` if they are too many."""
        if len(self._data_set) + len(fragment) > self._max_bytes:
            raise ProtocolViolation("the data set of a response is longer than any")
        self._data_set += fragment

    def end(self) -> None:
        """Give it to who waits."""
        self._responses.put_nowait((self._command, bytes(self._data_set)))

    def lose(self) -> None:
        """Do nothing: who waits is told by the exchange."""


def _respond(exchange: Performing, context: Context, command: Command, reply: Reply) -> None:
    try:
        exchange.respond(context, command, reply)
    except Unavailable:
        log.info("response_not_sent", status=reply.status, reason="the association is over")


def _status_of(error: Exception) -> int:
    status = dimse_status(error)
    if isinstance(error, RadstreamError):
        log.info("request_failed", status=status, error_type=type(error).__name__, reason=str(error))
    else:
        log.error("handler_failed", status=status, error_type=type(error).__name__, reason=code_path(error))
    return status


async def _abort(sink: DataSink, draining: asyncio.Task[None] | None) -> None:
    if draining is not None:
        await asyncio.wait([draining])
    try:
        await sink.abort()
    except Exception as error:  # noqa: BLE001 - a door: nobody is left to be told
        log.error("abort_failed", error_type=type(error).__name__, reason=code_path(error))
