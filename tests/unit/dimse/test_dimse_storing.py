"""C-STORE on an association: streamed into a sink, and one status whatever happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from radstream.contract.errors import RejectedInstance, Unavailable
from radstream.dimse import statuses
from radstream.dimse.messages import NO_DATA_SET, Command, CommandField, encode_command
from radstream.dimse.pdus import PduType
from radstream.dimse.routes import DataSink, Request, StoreRoute, store_route, verification_route
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.upper_layer import State
from radstream.dimse.user_information import Role, UserInformation
from tests.dimse_wire import (
    BUG,
    CT_IMAGE_STORAGE,
    RELEASE_RQ,
    MemorySink,
    Store,
    associate,
    command_pdu,
    data_pdus,
    echo_status,
    make_house,
    make_request,
    p_data,
    pdv,
    pump,
    settle,
    store_command,
    store_house,
    store_rq,
)

DATA = bytes(range(256)) * 100


async def store_status(store: Store | StoreRoute, stream: bytes) -> int | None:
    route = store if isinstance(store, StoreRoute) else store_route(store)
    _, wire = associate(make_house(route, verification_route()))
    await pump(wire, stream)
    ((response, _),) = wire.take_messages()
    assert response.message_id_being_responded_to == 7
    assert response.command_data_set_type == NO_DATA_SET
    assert (await echo_status(wire)) == 0, "the association has lost its step"
    return response.status


async def test_a_request_reaches_its_handler_with_who_and_what() -> None:
    store = Store(status=0xB000)
    _, wire = associate(store_house(store))
    wire.feed(store_rq(DATA, priority=1, move_originator_message_id=4))
    await settle()
    (request,) = store.requests
    assert (request.peer.calling_ae_title, request.peer.called_ae_title) == ("SCANNER", "RADSTREAM")
    assert (request.peer.host, request.peer.port) == ("192.0.2.1", 50000)
    assert (request.abstract_syntax, request.transfer_syntax_uid) == (CT_IMAGE_STORAGE, IMPLICIT_VR_LITTLE_ENDIAN)
    assert (request.command.priority, request.command.move_originator_message_id) == (1, 4)
    ((response, data_set),) = wire.take_messages()
    assert response == Command(
        CommandField.C_STORE_RQ | 0x8000,
        message_id_being_responded_to=7,
        affected_sop_class_uid=CT_IMAGE_STORAGE,
        affected_sop_instance_uid="1.2.3.4",
        status=0xB000,
    )
    assert data_set == b""
    assert bytes(store.sinks[0].received) == DATA


async def test_an_empty_data_set_is_a_data_set() -> None:
    store = Store()
    assert await store_status(store, store_rq(b"")) == 0
    assert store.sinks[0].outcome == "finished"


class FailingSink(MemorySink):
    def __init__(self, where: str, error: Exception) -> None:
        super().__init__()
        self._where, self._error = where, error

    def _fail(self, where: str) -> None:
        if where == self._where:
            raise self._error

    def write(self, fragment: memoryview) -> None:
        self._fail("write")
        super().write(fragment)

    async def drain(self) -> None:
        self._fail("drain")

    async def finish(self) -> int:
        self._fail("finish")
        return 0

    async def abort(self) -> None:
        self.outcome = "aborted"
        self._fail("abort")


@pytest.mark.parametrize(
    ("error", "status"), [(BUG, 0x0110), (Unavailable("disk full"), 0xA700), (RejectedInstance("no", 0xA900), 0xA900)]
)
@pytest.mark.parametrize("where", ["handler", "write", "drain", "finish"])
async def test_a_failing_sink_is_a_status_and_the_association_goes_on(
    where: str, error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = FailingSink(where, error)

    def handler(_request: Request) -> DataSink:
        if where == "handler":
            raise error
        return sink

    assert await store_status(store_route(handler), store_rq(bytes(2_000_000), 100_000)) == status
    if where in ("write", "drain"):
        assert sink.outcome == "aborted"
    written = capsys.readouterr()
    assert "Doe" not in written.out + written.err


async def test_a_sink_that_fails_to_abort_harms_nobody() -> None:
    sink = FailingSink("abort", BUG)
    _, wire = associate(make_house(store_route(lambda _request: sink)))
    wire.feed(store_rq(DATA)[:-20])
    wire.transport.close()
    await settle()
    assert sink.outcome == "aborted"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"affected_sop_class_uid": "1.2.840.10008.5.1.4.1.1.4"}, statuses.SOP_CLASS_NOT_SUPPORTED),
        ({"affected_sop_class_uid": None}, statuses.NO_SUCH_SOP_CLASS),
        ({"affected_sop_instance_uid": None}, statuses.INVALID_SOP_INSTANCE),
        ({"affected_sop_instance_uid": "1.2.3/../etc"}, statuses.INVALID_SOP_INSTANCE),
        ({"affected_sop_instance_uid": "1" * 65}, statuses.INVALID_SOP_INSTANCE),
        ({"command_field": CommandField.C_FIND_RQ}, statuses.UNRECOGNIZED_OPERATION),
        ({"command_field": CommandField.N_ACTION_RQ}, statuses.UNRECOGNIZED_OPERATION),
        ({"command_field": 0x0042}, statuses.UNRECOGNIZED_OPERATION),
    ],
)
async def test_a_request_that_cannot_be_performed_is_refused_with_its_status(
    changes: dict[str, Any], status: int
) -> None:
    store = Store()
    assert await store_status(store, store_rq(DATA, **changes)) == status
    assert store.sinks == []


async def test_a_store_without_data_set_is_refused() -> None:
    request = command_pdu(store_command(command_data_set_type=NO_DATA_SET), 3)
    assert await store_status(Store(), request) == statuses.MISTYPED_ARGUMENT


async def test_a_requestor_that_chose_to_be_scp_only_may_not_store() -> None:
    user = UserInformation(roles={CT_IMAGE_STORAGE: Role(scu=False, scp=True)})
    house = make_house(store_route(Store()), invokes=frozenset({CT_IMAGE_STORAGE}))
    _, wire = associate(house, make_request(user=user))
    wire.feed(store_rq(DATA))
    await settle()
    assert wire.take_messages()[0][0].status == statuses.SOP_CLASS_NOT_SUPPORTED


@pytest.mark.parametrize("size", [0, 1, 500, 20_000])
async def test_a_lost_association_aborts_the_sink(size: int) -> None:
    store = Store()
    session, wire = associate(store_house(store))
    stream = command_pdu(store_command(), 3)
    wire.feed(stream + store_rq(bytes(60_000))[len(stream) :][:size])
    wire.transport.close()
    await settle()
    assert store.sinks[0].outcome == "aborted"
    assert not session.is_receiving


async def test_a_sink_that_is_draining_is_aborted_after_its_drain() -> None:
    order: list[str] = []

    class Draining(MemorySink):
        async def drain(self) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                order.append("drained")

        async def abort(self) -> None:
            order.append("aborted")

    _, wire = associate(make_house(store_route(lambda _request: Draining())))
    wire.feed(store_rq(bytes(3_000_000), 200_000))
    await settle()
    wire.transport.close()
    await settle()
    assert order == ["drained", "aborted"]


async def test_what_has_come_whole_is_stored_although_nobody_waits_for_the_answer() -> None:
    store = Store()
    session, wire = associate(store_house(store))
    wire.feed(store_rq(DATA))
    store.sinks[0].may_finish.clear()
    wire.transport.close()
    await settle()
    store.sinks[0].may_finish.set()
    await settle()
    assert store.sinks[0].outcome == "finished"
    assert wire.take_pdus() == []
    assert not session.is_busy


async def test_a_release_waits_for_the_answer() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    wire.feed(store_rq(DATA))
    store.sinks[0].may_finish.clear()
    wire.feed(RELEASE_RQ)
    await settle()
    assert wire.take_pdus() == []
    store.sinks[0].may_finish.set()
    await settle()
    assert [kind for kind, _ in wire.take_pdus()] == [PduType.P_DATA_TF, PduType.A_RELEASE_RP]
    assert wire.layer.state == State.AWAITING_CLOSE


async def test_a_release_in_the_middle_of_a_message_aborts_the_sink() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    wire.feed(store_rq(DATA)[: -len(data_pdus(DATA[-9600:], 16000))] + RELEASE_RQ)
    await settle()
    assert [kind for kind, _ in wire.take_pdus()] == [PduType.A_RELEASE_RP]
    assert store.sinks[0].outcome == "aborted"


COMMAND_SET = encode_command(store_command())


@pytest.mark.parametrize(
    ("pdvs", "reason"),
    [
        ((pdv(3, 3, COMMAND_SET), pdv(3, 1, b"another command")), 5),
        ((pdv(3, 3, COMMAND_SET), pdv(1, 2, b"data elsewhere")), 5),
        ((pdv(3, 1, COMMAND_SET[:20]), pdv(1, 3, COMMAND_SET[20:])), 5),
        ((pdv(3, 1, COMMAND_SET[:20]), pdv(3, 2, b"data before the command ends")), 5),
        ((pdv(3, 3, COMMAND_SET), pdv(3, 2, b""), pdv(3, 2, b"data after the end")), 5),
        ((pdv(3, 1, bytes(40_000)), pdv(3, 1, bytes(40_000))), 6),
        ((pdv(3, 3, encode_command(store_command(message_id=None))),), 6),
        ((pdv(1, 3, encode_command(Command(0x8030, message_id_being_responded_to=1, status=0))),), 5),
    ],
    ids=[
        "command inside a data set", "data in another context", "command in two contexts", "data inside a command",
        "data after the last fragment", "command beyond 64 KiB", "no Message ID", "response to nothing",
    ],
)  # fmt: skip
async def test_fragments_out_of_order_are_aborted(pdvs: tuple[bytes, ...], reason: int) -> None:
    store = Store()
    _, wire = associate(store_house(store))
    for one in pdvs:
        wire.feed(p_data(one))
        await settle()
    assert wire.abort_seen == (2, reason)
    assert all(sink.outcome in ("aborted", "finished") for sink in store.sinks)


async def test_nothing_of_a_pdu_is_delivered_after_it_was_aborted() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    wire.feed(p_data(pdv(9, 3, COMMAND_SET), pdv(3, 3, COMMAND_SET)))
    assert wire.abort_seen == (2, 6)
    assert store.sinks == []
