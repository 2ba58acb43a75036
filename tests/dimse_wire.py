"""DIMSE without sockets: a transport that remembers, PDUs as bytes, and an association whose other end is the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from struct import pack, unpack_from
from typing import Any

from radstream.dimse.associate import AssociateRequest, ProposedContext, encode_request
from radstream.dimse.limits import Limits
from radstream.dimse.messages import DATA_SET, Command, CommandField, decode_command, encode_command
from radstream.dimse.negotiation import Acceptor
from radstream.dimse.pdus import COMMAND, LAST, PduType
from radstream.dimse.recognition import AETitlePolicy
from radstream.dimse.routes import AnyRoute, DataSink, Request, store_route, verification_route
from radstream.dimse.session import House, Session, Verifier
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.dimse.upper_layer import UpperLayer
from radstream.dimse.user_information import UserInformation

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
CONTEXTS = (
    ProposedContext(1, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,)),
    ProposedContext(3, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)),
)
RELEASE_RQ = pack(">BxI", PduType.A_RELEASE_RQ, 4) + bytes(4)
RELEASE_RP = pack(">BxI", PduType.A_RELEASE_RP, 4) + bytes(4)
ABORT = pack(">BxI", PduType.A_ABORT, 4) + bytes(4)
BUG = ZeroDivisionError("Doe^Jane must not be logged")


class FakeTransport(asyncio.Transport):
    """Remembers what is written; closes as a real one does, a turn of the loop later."""

    def __init__(self, protocol: asyncio.BufferedProtocol) -> None:
        super().__init__({"peername": ("192.0.2.1", 50000)})
        self.written = bytearray()
        self.is_paused = False
        self.was_aborted = False
        self.is_lost = False
        self._protocol = protocol
        self._is_closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        for data in list_of_data:
            self.write(data)

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._lose)

    def _lose(self) -> None:
        self.is_lost = True
        self._protocol.connection_lost(None)

    def abort(self) -> None:
        self.was_aborted = True
        self.close()


class Wire:
    """The other end of `layer`'s connection."""

    last_pdu: tuple[int, bytes] = (0, b"")
    """Of those that were taken."""

    def __init__(self, layer: UpperLayer) -> None:
        self.layer = layer
        self.transport = FakeTransport(layer)
        layer.connection_made(self.transport)

    def feed(self, data: bytes, piece_bytes: int = 1 << 30) -> int:
        """Let `layer` read `data` in pieces; return how much it left unread because it paused or closed."""
        offset = 0
        while offset < len(data) and not self.transport.is_paused and not self.transport.is_closing():
            window = self.layer.get_buffer(-1)
            taken = min(len(window), len(data) - offset, piece_bytes)
            assert taken > 0, "an empty buffer is an error to asyncio"
            window[:taken] = data[offset : offset + taken]
            self.layer.buffer_updated(taken)
            offset += taken
        return len(data) - offset

    def take_pdus(self) -> list[tuple[int, bytes]]:
        """Return type and body of each PDU written since the last call."""
        data, pdus, offset = bytes(self.transport.written), [], 0
        self.transport.written.clear()
        while offset < len(data):
            kind, length = unpack_from(">BxI", data, offset)
            pdus.append((kind, data[offset + 6 : offset + 6 + length]))
            offset += 6 + length
        assert offset == len(data)
        self.last_pdu = pdus[-1] if pdus else self.last_pdu
        return pdus

    def take_messages(self) -> list[tuple[Command, bytes]]:
        """Return the messages written since the last call; nothing else may have been."""
        messages, command, data_set = [], None, bytearray()
        gathered = bytearray()
        for kind, body in self.take_pdus():
            assert kind == PduType.P_DATA_TF
            (length,) = unpack_from(">I", body)
            assert length == len(body) - 4
            control, fragment = body[5], body[6:]
            (gathered if control & COMMAND else data_set).extend(fragment)
            if control == COMMAND | LAST:
                command = decode_command(gathered)
                gathered.clear()
            if control & LAST and command and (not control & COMMAND or not command.has_data_set):
                messages.append((command, bytes(data_set)))
                command, data_set = None, bytearray()
        return messages

    @property
    def abort_seen(self) -> tuple[int, int] | None:
        """Source and reason of the A-ABORT that is the last PDU written."""
        self.take_pdus()
        kind, body = self.last_pdu
        return (body[2], body[3]) if kind == PduType.A_ABORT else None


class MemorySink:
    """A data sink that tells what happened to it."""

    def __init__(self, status: int = 0) -> None:
        self.received = bytearray()
        self.outcome = ""
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.may_drain = asyncio.Event()
        self.may_drain.set()
        self._status = status

    def write(self, fragment: memoryview) -> None:
        self.received += fragment

    async def drain(self) -> None:
        await self.may_drain.wait()

    async def finish(self) -> int:
        await self.may_finish.wait()
        self.outcome = "finished"
        return self._status

    async def abort(self) -> None:
        assert not self.outcome
        self.outcome = "aborted"


class Store:
    """A handler of C-STORE that remembers requests and sinks."""

    def __init__(self, status: int = 0) -> None:
        self.requests: list[Request] = []
        self.sinks: list[MemorySink] = []
        self._status = status

    def __call__(self, request: Request) -> DataSink:
        self.requests.append(request)
        self.sinks.append(MemorySink(self._status))
        return self.sinks[-1]


def make_request(**changes: Any) -> AssociateRequest:
    values: dict[str, Any] = {
        "calling_ae_title": "SCANNER",
        "called_ae_title": "RADSTREAM",
        "contexts": CONTEXTS,
        "user": UserInformation(max_pdu_bytes=16384),
    }
    return AssociateRequest(**values | changes)


def make_house(
    *routes: AnyRoute,
    ae_title: AETitlePolicy | None = None,
    limits: Limits | None = None,
    verifier: Verifier | None = None,
    invokes: frozenset[str] = frozenset(),
) -> House:
    limits = limits or Limits()
    return House(Acceptor(routes, invokes, limits.max_pdu_bytes), ae_title or AETitlePolicy(), limits, verifier)


def connect(house: House) -> tuple[Session, Wire]:
    """Return a session in which nothing has been said."""
    session = Session(house)
    return session, Wire(session.layer)


def associate(house: House, request: AssociateRequest | None = None) -> tuple[Session, Wire]:
    """Return an established session."""
    session, wire = connect(house)
    wire.feed(encode_request(request or make_request()))
    assert [kind for kind, _ in wire.take_pdus()] == [PduType.A_ASSOCIATE_AC]
    return session, wire


def store_house(store: Store, **options: Any) -> House:
    return make_house(store_route(store), verification_route(), **options)


def pdv(context_id: int, control: int, fragment: bytes) -> bytes:
    return pack(">IBB", len(fragment) + 2, context_id, control) + fragment


def p_data(*pdvs: bytes) -> bytes:
    body = b"".join(pdvs)
    return pack(">BxI", PduType.P_DATA_TF, len(body)) + body


def command_pdu(command: Command, context_id: int) -> bytes:
    return p_data(pdv(context_id, COMMAND | LAST, encode_command(command)))


def echo_rq(message_id: int = 1) -> bytes:
    return command_pdu(
        Command(CommandField.C_ECHO_RQ, message_id=message_id, affected_sop_class_uid=VERIFICATION), context_id=1
    )


def store_command(**changes: Any) -> Command:
    values: dict[str, Any] = {
        "command_field": CommandField.C_STORE_RQ,
        "command_data_set_type": DATA_SET,
        "message_id": 7,
        "affected_sop_class_uid": CT_IMAGE_STORAGE,
        "affected_sop_instance_uid": "1.2.3.4",
        "priority": 0,
    }
    return Command(**values | changes)


def data_pdus(data: bytes, fragment_bytes: int, context_id: int = 3) -> bytes:
    pieces = [data[offset : offset + fragment_bytes] for offset in range(0, len(data), fragment_bytes)] or [b""]
    controls = [0] * (len(pieces) - 1) + [LAST]
    return b"".join(p_data(pdv(context_id, control, piece)) for control, piece in zip(controls, pieces, strict=True))


def store_rq(data: bytes, fragment_bytes: int = 16000, **changes: Any) -> bytes:
    """Return a whole C-STORE request as its P-DATA-TF PDUs."""
    return command_pdu(store_command(**changes), 3) + data_pdus(data, fragment_bytes)


async def pump(wire: Wire, stream: bytes) -> None:
    """Feed all of `stream`, as fast as it is taken."""
    unread = wire.feed(stream)
    for _ in range(1000):
        await settle()
        if not unread:
            return
        unread = wire.feed(stream[len(stream) - unread :])
    raise AssertionError("reading was never resumed")


async def settle(turns: int = 20) -> None:
    """Let everything run that can."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def chunks_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    for offset in range(0, len(data), size):
        yield data[offset : offset + size]


async def echo_status(wire: Wire) -> int | None:
    wire.feed(echo_rq(99))
    await settle()
    ((response, _),) = wire.take_messages()
    assert (response.command_field, response.message_id_being_responded_to) == (0x8030, 99)
    return response.status
