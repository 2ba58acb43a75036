"""What a DIMSE port serves: a table from abstract syntax and command to a handler, as HTTP has one of paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from radstream.dimse import statuses
from radstream.dimse.ae_titles import ApplicationEntity
from radstream.dimse.messages import Command, CommandField
from radstream.dimse.sop_classes import (
    ALL_TRANSFER_SYNTAXES,
    UNCOMPRESSED_TRANSFER_SYNTAXES,
    VERIFICATION,
    StorageSopClasses,
)


@dataclass(frozen=True)
class Peer:
    """Who is at the other end.

    Parameters
    ----------
    entity : ApplicationEntity, optional
        What the site's table says of the calling AE title.
    """

    calling_ae_title: str
    called_ae_title: str
    host: str
    port: int
    entity: ApplicationEntity | None = None


class Storing(Protocol):
    """What invokes C-STORE operations on the peer, see `radstream.dimse.invoker`."""

    async def c_store(
        self,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str,
        data_set: bytes | AsyncIterator[bytes],
        priority: int = 0,
    ) -> int:
        """Store an instance in the peer and return the status of its response."""


@dataclass(frozen=True)
class Request:
    """A request as its handler gets it.

    Parameters
    ----------
    abstract_syntax, transfer_syntax_uid : str
        Of the presentation context; the data set is encoded in the latter.
    cancelled : asyncio.Event
        Set when the peer sends C-CANCEL. A C-FIND is then ended by the server; a handler of C-MOVE or C-GET ends
        itself, with the status 0xFE00 and its counts.
    invoker : Storing, optional
        Stores on the same association: the C-STORE sub-operations of a C-GET (PS3.4 C.4.3).
    """

    peer: Peer
    abstract_syntax: str
    transfer_syntax_uid: str
    command: Command
    cancelled: asyncio.Event = field(default_factory=asyncio.Event, compare=False, repr=False)
    invoker: Storing | None = field(default=None, compare=False, repr=False)


class DataSink(Protocol):
    """What takes the data set of a C-STORE request as it comes. Ended by exactly one of `finish` and `abort`."""

    def write(self, fragment: memoryview) -> None:
        """Take the next bytes; the view is only valid during the call."""

    async def drain(self) -> None:
        """Wait until more may be written; meanwhile nothing is read from the peer."""

    async def finish(self) -> int:
        """Return the status of the C-STORE response (PS3.4 B.2.3), after the last byte."""

    async def abort(self) -> None:
        """Forget it: the association was lost, or `write` or `drain` raised."""


class Reply(NamedTuple):
    """A response of a handler.

    Parameters
    ----------
    status : int
        Pending (0xFF00, 0xFF01) if more follow.
    identifier : bytes, optional
        The data set, in the transfer syntax of the request.
    fields : mapping of str to int or str
        More of the response's command set, as named in `Command`.
    """

    status: int
    identifier: bytes | None = None
    fields: Mapping[str, Any] = {}


StoreHandler = Callable[[Request], DataSink]
MessageHandler = Callable[[Request, bytes], AsyncIterator[Reply]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What is taken, and how it is negotiated.

    Parameters
    ----------
    abstract_syntaxes : container of str
        SOP Class UIDs; anything that has ``in``.
    transfer_syntaxes : container of str
    answer_extended : callable, optional
        Makes the answer to service-class-application-information (PS3.7 D.3.3.5); without it there is none.
    """

    abstract_syntaxes: Container[str]
    transfer_syntaxes: Container[str] = UNCOMPRESSED_TRANSFER_SYNTAXES
    answer_extended: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, kw_only=True)
class StoreRoute(Route):
    """A route of C-STORE requests, whose data sets are streamed."""

    handler: StoreHandler
    command_field: int = CommandField.C_STORE_RQ


@dataclass(frozen=True, kw_only=True)
class MessageRoute(Route):
    """A route of any other request; its data set (identifier) is given to the handler whole, empty if there is none."""

    handler: MessageHandler
    command_field: int


AnyRoute = StoreRoute | MessageRoute

_STORAGE_LEVEL_2_SIGNATURE_LEVEL_3: Final = bytes((2, 0, 3, 0, 0, 0))
"""Storage SCP: everything is stored, bit by bit, and nothing coerced (PS3.4 B.3.1)."""


def store_route(handler: StoreHandler, private_sop_classes: Collection[str] = ()) -> StoreRoute:
    """Return the route of every storage SOP class, in every transfer syntax, to `handler` (PS3.4 B).

    Parameters
    ----------
    private_sop_classes : collection of str
        Further UIDs; "*" for all that are not of the Standard.
    """
    return StoreRoute(
        abstract_syntaxes=StorageSopClasses(private_sop_classes),
        transfer_syntaxes=ALL_TRANSFER_SYNTAXES,
        answer_extended=lambda _proposed: _STORAGE_LEVEL_2_SIGNATURE_LEVEL_3,
        handler=handler,
    )


def verification_route() -> MessageRoute:
    """Return the route that answers C-ECHO (PS3.4 A)."""
    return MessageRoute(
        abstract_syntaxes=frozenset({VERIFICATION}), command_field=CommandField.C_ECHO_RQ, handler=_succeed
    )


def routes_of(routes: Sequence[AnyRoute], abstract_syntax: str) -> list[AnyRoute]:
    """Return the routes that take `abstract_syntax`."""
    return [route for route in routes if abstract_syntax in route.abstract_syntaxes]


def find_route(routes: Sequence[AnyRoute], abstract_syntax: str, command_field: int) -> AnyRoute | None:
    """Return the route of a request; None if nobody takes it."""
    taking = (route for route in routes if route.command_field == command_field)
    return next((route for route in taking if abstract_syntax in route.abstract_syntaxes), None)


async def _succeed(_request: Request, _identifier: bytes) -> AsyncIterator[Reply]:
    yield Reply(statuses.SUCCESS)
