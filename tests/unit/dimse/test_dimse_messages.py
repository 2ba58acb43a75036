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
from radstream.dimse.messages import DATA_SET, NO_DATA_SET, Command, CommandField
from radstream.dimse.routes import MessageRoute, Reply, Request, verification_route
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from tests.dimse_wire import (
    BUG,
    associate,
    command_pdu,
    data_pdus,
    echo_rq,
    echo_status,
    make_house,
    make_request,
    settle,
)

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
PRINT = "1.2.840.10008.5.1.1.9"
FIND_CONTEXT = ProposedContext(5, FIND, (IMPLICIT_VR_LITTLE_ENDIAN,))
PRINT_CONTEXT = ProposedContext(7, PRINT, (IMPLICIT_VR_LITTLE_ENDIAN,))


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
