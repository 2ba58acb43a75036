"""Messages of an association: streamed, gathered, refused, cancelled, interleaved; whatever happens has one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from radstream.contract.errors import RejectedInstance, Unavailable
from radstream.dimse import statuses
from radstream.dimse.associate import ProposedContext
from radstream.dimse.limits import Limits
from radstream.dimse.messages import DATA_SET, NO_DATA_SET, Command, CommandField, encode_command
from radstream.dimse.pdus import PduType
from radstream.dimse.routes import DataSink, MessageRoute, Reply, Request, StoreRoute, store_route, verification_route
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.dimse.upper_layer import State
from radstream.dimse.user_information import Role, UserInformation
from tests.dimse_wire import (
    CT_IMAGE_STORAGE,
    RELEASE_RQ,
    MemorySink,
    Store,
    Wire,
    associate,
    command_pdu,
    data_pdus,
    echo_rq,
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

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
PRINT = "1.2.840.10008.5.1.1.9"
FIND_CONTEXT = ProposedContext(5, FIND, (IMPLICIT_VR_LITTLE_ENDIAN,))
PRINT_CONTEXT = ProposedContext(7, PRINT, (IMPLICIT_VR_LITTLE_ENDIAN,))
DATA = bytes(range(256)) * 100


# --- C-STORE --------------------------------------------------------------------------------------------------------


async def store_status(store: Store | StoreRoute, stream: bytes) -> int | None:
    route = store if isinstance(store, StoreRoute) else store_route(store)
    _, wire = associate(make_house(route, verification_route()))
    await pump(wire, stream)
    ((response, _),) = wire.take_messages()
    assert response.message_id_being_responded_to == 7
    assert response.command_data_set_type == NO_DATA_SET
    assert (await echo_status(wire)) == 0, "the association has lost its step"
    return response.status


async def echo_status(wire: Wire) -> int | None:
    wire.feed(echo_rq(99))
    await settle()
    ((response, _),) = wire.take_messages()
    assert (response.command_field, response.message_id_being_responded_to) == (0x8030, 99)
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


BUG = ZeroDivisionError("Doe^Jane must not be logged")


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


# --- order of fragments ---------------------------------------------------------------------------------------------

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


# --- identifiers ----------------------------------------------------------------------------------------------------


class Finder:
    """A toy C-FIND: answers what it was asked, `count` times."""

    def __init__(self, count: int = 3) -> None:
        self.requests: list[tuple[Request, bytes]] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.was_closed = False
        self._count = count

    async def __call__(self, request: Request, identifier: bytes) -> AsyncIterator[Reply]:
        self.requests.append((request, identifier))
        try:
            for number in range(self._count):
                await self.may_go_on.wait()
                yield Reply(statuses.PENDING, identifier + bytes((number % 256, 0)))
        finally:
            self.was_closed = True


def find_house(finder: Any, command_field: int = CommandField.C_FIND_RQ, **options: Any) -> Any:
    route = MessageRoute(abstract_syntaxes={FIND}, command_field=command_field, handler=finder)
    return make_house(route, verification_route(), **options)


def find_command(message_id: int = 11, **changes: Any) -> Command:
    values: dict[str, Any] = {
        "command_field": CommandField.C_FIND_RQ,
        "command_data_set_type": DATA_SET,
        "message_id": message_id,
        "affected_sop_class_uid": FIND,
    }
    return Command(**values | changes)


def find_rq(identifier: bytes, message_id: int = 11, **changes: Any) -> bytes:
    return command_pdu(find_command(message_id, **changes), 5) + data_pdus(identifier, 100, context_id=5)


def cancel_rq(message_id: int) -> bytes:
    return command_pdu(Command(CommandField.C_CANCEL_RQ, message_id_being_responded_to=message_id), 5)


def find_request() -> Any:
    return make_request(contexts=(*make_request().contexts, FIND_CONTEXT, PRINT_CONTEXT))


async def test_pending_replies_are_followed_by_success() -> None:
    finder = Finder()
    _, wire = associate(find_house(finder), find_request())
    wire.feed(find_rq(b"identifier" * 30))
    await settle()
    responses = wire.take_messages()
    assert [response.status for response, _ in responses] == [0xFF00] * 3 + [0]
    assert [data_set for _, data_set in responses] == [b"identifier" * 30 + bytes((n, 0)) for n in range(3)] + [b""]
    assert all(response.message_id_being_responded_to == 11 for response, _ in responses)
    assert all(response.affected_sop_class_uid == FIND for response, _ in responses)
    assert finder.requests[0][0].transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN


async def test_a_cancelled_find_is_closed_and_answered_with_cancel() -> None:
    finder = Finder(count=1000)
    _, wire = associate(find_house(finder), find_request())
    wire.feed(find_rq(b"id"))
    await settle(4)
    finder.may_go_on.clear()
    await settle()
    wire.take_messages()
    wire.feed(cancel_rq(12))
    assert not finder.requests[0][0].cancelled.is_set()
    wire.feed(cancel_rq(11))
    assert finder.requests[0][0].cancelled.is_set()
    finder.may_go_on.set()
    await settle()
    ((response, _),) = wire.take_messages()
    assert response.status == statuses.CANCEL
    assert finder.was_closed
    assert await echo_status(wire) == 0


async def test_a_cancel_for_nothing_is_ignored() -> None:
    _, wire = associate(find_house(Finder()), find_request())
    wire.feed(cancel_rq(11))
    assert await echo_status(wire) == 0


async def test_a_cancelled_retrieval_ends_with_the_counts_of_its_handler() -> None:
    async def retrieve(request: Request, _identifier: bytes) -> AsyncIterator[Reply]:
        yield Reply(statuses.PENDING, fields={"number_of_remaining_suboperations": 2})
        await request.cancelled.wait()
        yield Reply(statuses.CANCEL, b"failed", {"number_of_failed_suboperations": 2})

    _, wire = associate(find_house(retrieve, CommandField.C_MOVE_RQ), find_request())
    wire.feed(find_rq(b"id", command_field=CommandField.C_MOVE_RQ, move_destination="ELSEWHERE"))
    await settle()
    wire.feed(cancel_rq(11))
    await settle()
    (pending, _), (final, identifier) = wire.take_messages()
    assert (pending.status, pending.number_of_remaining_suboperations) == (0xFF00, 2)
    assert (final.status, final.number_of_failed_suboperations, identifier) == (0xFE00, 2, b"failed")


async def test_an_n_service_may_name_another_class_and_answer_with_a_data_set() -> None:
    async def create(_request: Request, attributes: bytes) -> AsyncIterator[Reply]:
        yield Reply(statuses.SUCCESS, attributes, {"affected_sop_instance_uid": "1.2.3"})

    route = MessageRoute(abstract_syntaxes={PRINT}, command_field=CommandField.N_CREATE_RQ, handler=create)
    _, wire = associate(make_house(route), make_request(contexts=(PRINT_CONTEXT,)))
    command = find_command(command_field=CommandField.N_CREATE_RQ, affected_sop_class_uid="1.2.840.10008.5.1.1.1")
    wire.feed(command_pdu(command, 7) + data_pdus(b"attributes", 100, context_id=7))
    await settle()
    ((response, data_set),) = wire.take_messages()
    assert (response.command_field, response.status) == (0x8140, 0)
    assert response.affected_sop_class_uid == "1.2.840.10008.5.1.1.1"
    assert (response.affected_sop_instance_uid, data_set) == ("1.2.3", b"attributes")


@pytest.mark.parametrize(
    ("error", "status"), [(BUG, 0x0110), (Unavailable("no catalog"), 0xA700), (RejectedInstance("what?"), 0xC000)]
)
async def test_a_failing_handler_is_a_status(error: Exception, status: int) -> None:
    async def fail(_request: Request, _identifier: bytes) -> AsyncIterator[Reply]:
        yield Reply(statuses.PENDING, b"one")
        raise error

    _, wire = associate(find_house(fail), find_request())
    wire.feed(find_rq(b"id"))
    await settle()
    assert [response.status for response, _ in wire.take_messages()] == [0xFF00, status]
    assert await echo_status(wire) == 0


async def test_a_request_during_another_waits_for_its_turn() -> None:
    finder = Finder(count=1)
    _, wire = associate(find_house(finder), find_request())
    finder.may_go_on.clear()
    wire.feed(find_rq(b"first", 11) + find_rq(b"second", 12) + echo_rq(13))
    await settle()
    assert wire.take_messages() == []
    finder.may_go_on.set()
    await settle(40)
    answers = [(r.message_id_being_responded_to, r.status, data) for r, data in wire.take_messages()]
    assert answers == [
        (11, 0xFF00, b"first\0\0"),
        (11, 0, b""),
        (12, 0xFF00, b"second\0\0"),
        (12, 0, b""),
        (13, 0, b""),
    ]


async def test_the_message_id_of_a_running_operation_is_a_duplicate_invocation() -> None:
    finder = Finder(count=1)
    _, wire = associate(find_house(finder), find_request())
    finder.may_go_on.clear()
    wire.feed(find_rq(b"first") + find_rq(b"again"))
    await settle()
    assert [response.status for response, _ in wire.take_messages()] == [statuses.DUPLICATE_INVOCATION]
    finder.may_go_on.set()
    await settle()
    assert [response.status for response, _ in wire.take_messages()] == [0xFF00, 0]
    assert len(finder.requests) == 1


async def test_an_identifier_longer_than_any_is_refused_and_not_kept() -> None:
    finder = Finder()
    _, wire = associate(find_house(finder, limits=Limits(max_identifier_bytes=1000)), find_request())
    wire.feed(find_rq(bytes(50_000)))
    await settle()
    assert [response.status for response, _ in wire.take_messages()] == [statuses.RESOURCE_LIMITATION]
    assert finder.requests == []
    assert await echo_status(wire) == 0


async def test_a_handler_is_stopped_when_the_association_is_lost() -> None:
    finder = Finder()
    finder.may_go_on.clear()
    session, wire = associate(find_house(finder), find_request())
    wire.feed(find_rq(b"id"))
    await settle()
    wire.transport.close()
    await settle()
    assert finder.was_closed
    assert finder.requests[0][0].cancelled.is_set()
    assert not session.exchange.is_receiving


async def test_replies_wait_for_a_peer_that_does_not_take_them() -> None:
    finder = Finder(count=1000)
    _, wire = associate(find_house(finder), find_request())
    wire.layer.pause_writing()
    wire.feed(find_rq(b"id"))
    await settle()
    assert len(wire.take_messages()) == 1
    wire.layer.resume_writing()
    await settle(10)
    assert len(wire.take_messages()) > 1


async def test_a_verification_in_the_context_of_another_class_is_refused() -> None:
    _, wire = associate(find_house(Finder()), find_request())
    wire.feed(command_pdu(find_command(affected_sop_class_uid=VERIFICATION, command_data_set_type=NO_DATA_SET), 5))
    await settle()
    assert wire.take_messages()[0][0].status == statuses.SOP_CLASS_NOT_SUPPORTED
