"""Our requestor without sockets, joined to our own acceptor, or to a script that plays one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from radstream.dimse.associate import decode_request, encode_accept
from radstream.dimse.client import Association
from radstream.dimse.negotiation import Acceptor
from radstream.dimse.pdus import PduType
from radstream.dimse.routes import DataSink, Request, StoreRoute, store_route, verification_route
from radstream.dimse.session import House, Session
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.dimse.statuses import is_stored
from radstream.dimse.upper_layer import UpperLayer
from tests.dimse_wire import CT_IMAGE_STORAGE, FakeTransport, MemorySink, Store, Wire, make_house

CONTEXTS = [(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN]), (CT_IMAGE_STORAGE, [IMPLICIT_VR_LITTLE_ENDIAN])]


class Pipe(FakeTransport):
    """A transport whose other end is another protocol."""

    def __init__(self, protocol: UpperLayer) -> None:
        super().__init__(protocol)
        self.peer: Pipe
        self.layer = protocol
        self._waiting = b""

    def write(self, data: Any) -> None:
        self._waiting += bytes(data)
        asyncio.get_running_loop().call_soon(self._carry)

    def resume_reading(self) -> None:
        super().resume_reading()
        asyncio.get_running_loop().call_soon(self.peer._carry)

    def close(self) -> None:
        if not self.is_closing():
            self._carry()
            super().close()
            asyncio.get_running_loop().call_soon(self.peer.close)

    def _carry(self) -> None:
        while self._waiting and not self.peer.is_paused and not self.peer.is_closing():
            window = self.peer.layer.get_buffer(-1)
            taken = min(len(window), len(self._waiting))
            window[:taken] = self._waiting[:taken]
            self._waiting = self._waiting[taken:]
            self.peer.layer.buffer_updated(taken)


def connect_to(monkeypatch: pytest.MonkeyPatch, accept: Callable[[UpperLayer], Any]) -> None:
    """Give each requestor to `accept` instead of connecting it."""

    async def create_connection(factory: Callable[[], UpperLayer], *_: Any, **__: Any) -> None:
        accept(factory())

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", create_connection)


def join(requestor: UpperLayer, house: House) -> Session:
    """Connect a requestor to a new session of an acceptor."""
    session = Session(house)
    ours, theirs = Pipe(requestor), Pipe(session.layer)
    ours.peer, theirs.peer = theirs, ours
    session.layer.connection_made(theirs)
    requestor.connection_made(ours)
    return session


def to_house(monkeypatch: pytest.MonkeyPatch, house: House) -> list[Session]:
    """Let requestors connect to an acceptor, and return its sessions as they come."""
    sessions: list[Session] = []
    connect_to(monkeypatch, lambda requestor: sessions.append(join(requestor, house)))
    return sessions


def to_answers(monkeypatch: pytest.MonkeyPatch, *answers: bytes | None) -> list[Wire]:
    """Answer the requestor's PDUs, as they come, with `answers`; None is the acceptance of everything."""
    wires: list[Wire] = []
    left = list(answers)

    class Scripted(FakeTransport):
        def write(self, data: Any) -> None:
            super().write(data)
            asyncio.get_running_loop().call_soon(self.reply)

        def reply(self) -> None:
            for kind, body in wires[0].take_pdus():
                if left and kind != PduType.A_ABORT:
                    answer = left.pop(0)
                    wires[0].feed(acceptance(body) if answer is None else answer)

    def accept(requestor: UpperLayer) -> None:
        wire = Wire.__new__(Wire)
        wire.layer, wire.transport = requestor, Scripted(requestor)
        wires.append(wire)
        requestor.connection_made(wire.transport)

    connect_to(monkeypatch, accept)
    return wires


def acceptance(body: bytes) -> bytes:
    routes = (store_route(Store()), verification_route())
    return encode_accept(Acceptor(routes, (), 16384).negotiate(decode_request(body))[1])


def request(**changes: Any) -> AbstractAsyncContextManager[Association]:
    values: dict[str, Any] = {"calling_ae_title": "SENDER", "called_ae_title": "RADSTREAM", "contexts": CONTEXTS}
    return Association.request("192.0.2.2", 104, **values | changes)


class Peer:
    """An acceptor whose answers, by the number of the C-STORE from 1, are a status or what to do to the association."""

    def __init__(self, *, answer: Callable[[int], int | Callable[[Session], None]] = lambda _: 0) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.stored: dict[str, bytes] = {}
        self.sessions: list[Session] = []
        self.absent = 0  # how often nobody listens
        self.route: StoreRoute = store_route(self.take)

    def connect(self, requestor: UpperLayer) -> None:
        if self.absent:
            self.absent -= 1
            raise ConnectionRefusedError
        self.sessions.append(join(requestor, make_house(self.route)))

    def take(self, request: Request) -> DataSink:
        self.requests.append(request)
        return _Sink(self, request, len(self.requests))

    @property
    def contexts(self) -> list[list[tuple[str, str]]]:
        """Abstract and transfer syntax of what was accepted, an association a row."""
        return [
            [(context.abstract_syntax, context.transfer_syntax_uid) for context in session.exchange.contexts.values()]
            for session in self.sessions
        ]


class _Sink(MemorySink):
    def __init__(self, peer: Peer, request: Request, number: int) -> None:
        super().__init__()
        self._peer, self._request, self._number = peer, request, number

    async def finish(self) -> int:
        await asyncio.sleep(0)
        answer = self._peer.answer(self._number)
        if callable(answer):
            session = next(one for one in self._peer.sessions if one.exchange.peer is self._request.peer)
            answer(session)
            return 0
        if is_stored(answer):
            assert self._request.command.affected_sop_instance_uid is not None
            self._peer.stored[self._request.command.affected_sop_instance_uid] = bytes(self.received)
        return answer


def hang_up(session: Session) -> None:
    session.layer.transport.abort()


def abort(session: Session) -> None:
    session.layer.abort()
