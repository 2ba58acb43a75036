"""The requestor, joined to our own acceptor or to a test that plays one, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from radstream.contract.errors import MalformedRequest, Unavailable, UnsupportedInstance
from radstream.dimse import client
from radstream.dimse.associate import AssociateReject
from radstream.dimse.client import AssociationRejected
from radstream.dimse.limits import Limits
from radstream.dimse.messages import Command
from radstream.dimse.pdus import encode_abort, encode_rejection
from radstream.dimse.routes import verification_route
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.dimse.upper_layer import State, UpperLayer
from tests.dimse_pipe import CONTEXTS, connect_to, request, to_answers, to_house
from tests.dimse_wire import (
    ABORT,
    CT_IMAGE_STORAGE,
    RELEASE_RP,
    RELEASE_RQ,
    Store,
    chunks_of,
    command_pdu,
    make_house,
    settle,
    store_house,
)

DATA = bytes(range(256)) * 1000


async def test_verification_and_storage_through_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(status=0xB007)
    sessions = to_house(monkeypatch, store_house(store))
    async with request() as association:
        assert await association.c_echo() == 0
        stored = (CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN)
        assert await association.c_store(*stored, DATA) == 0xB007
        assert await association.c_store(*stored, chunks_of(DATA, 777), priority=1) == 0xB007
        assert await association.c_store(*stored, b"") == 0xB007
    assert [bytes(sink.received) for sink in store.sinks] == [DATA, DATA, b""]
    assert [made.command.message_id for made in store.requests] == [2, 3, 4]
    assert store.requests[1].command.priority == 1
    assert store.requests[0].peer.calling_ae_title == "SENDER"
    assert not sessions[0].is_established


@pytest.mark.parametrize("size", [1, 2, 4094, 16378, 16379, 100_000, 300_000])
async def test_chunks_of_any_size_arrive_whole(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    store = Store()
    to_house(monkeypatch, store_house(store, limits=Limits(max_pdu_bytes=16384)))
    data = DATA[: 3000 if size < 3 else len(DATA)]
    async with request() as association:
        stored = (CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN)
        assert await association.c_store(*stored, chunks_of(data, size)) == 0
    assert bytes(store.sinks[0].received) == data


@pytest.mark.parametrize(
    ("sop_class_uid", "transfer_syntax_uid"),
    [("1.2.840.10008.5.1.4.1.1.4", IMPLICIT_VR_LITTLE_ENDIAN), (CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN)],
)
async def test_an_instance_without_a_context_is_unsupported_and_the_association_goes_on(
    monkeypatch: pytest.MonkeyPatch, sop_class_uid: str, transfer_syntax_uid: str
) -> None:
    to_house(monkeypatch, store_house(Store()))
    async with request() as association:
        with pytest.raises(UnsupportedInstance):
            await association.c_store(sop_class_uid, "1.2.3", transfer_syntax_uid, DATA)
        assert await association.c_echo() == 0


async def test_no_accepted_context_at_all_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    to_house(monkeypatch, make_house(verification_route()))
    with pytest.raises(UnsupportedInstance):
        async with request(contexts=[(CT_IMAGE_STORAGE, [IMPLICIT_VR_LITTLE_ENDIAN])]):
            raise AssertionError("must not be entered")


@pytest.mark.parametrize("count", [0, 129])
async def test_an_association_has_1_to_128_contexts(count: int) -> None:
    with pytest.raises(MalformedRequest):
        async with request(contexts=CONTEXTS[:1] * count):
            raise AssertionError("must not be entered")


async def test_a_rejection_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch, encode_rejection(2, 3, 1))
    with pytest.raises(AssociationRejected, match="temporary congestion") as raised:
        async with request():
            raise AssertionError("must not be entered")
    assert raised.value.reject == AssociateReject(2, 3, 1)
    assert isinstance(raised.value, Unavailable)
    assert wires[0].transport.is_lost


@pytest.mark.parametrize(
    "answer", [ABORT, RELEASE_RQ, b"\x63\0\0\0\0\0", b"\3\0\0\0\0\1\0", b"\2\0\0\0\0\3abc", b"\2\0\xff\xff\xff\xff"]
)
async def test_a_senseless_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    wires = to_answers(monkeypatch, answer)
    with pytest.raises(Unavailable):
        async with request():
            raise AssertionError("must not be entered")
    await settle()
    assert wires[0].transport.is_closing()


async def test_silence_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch)
    with pytest.raises(Unavailable, match="timeout"):
        async with request(timeout_s=0.01):
            raise AssertionError("must not be entered")
    assert wires[0].transport.is_closing()


async def test_an_address_where_nobody_listens_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_requestor: UpperLayer) -> None:
        raise ConnectionRefusedError

    connect_to(monkeypatch, refuse)
    with pytest.raises(Unavailable):
        async with request():
            raise AssertionError("must not be entered")


async def test_an_abort_while_the_answer_is_awaited_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    to_answers(monkeypatch, None, encode_abort(2, 0))
    with pytest.raises(Unavailable):
        async with request() as association:
            await association.c_echo()


async def test_an_abort_while_a_data_set_is_sent_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    to_answers(monkeypatch, None, b"", encode_abort(0, 0))

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)
            yield bytes(10_000)

    with pytest.raises(Unavailable):
        async with request() as association:
            await association.c_store(CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN, endless())


async def test_no_response_in_time_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch, None)
    with pytest.raises(Unavailable, match="in time"):
        async with request(response_timeout_s=0.01) as association:
            await association.c_echo()
    assert wires[0].abort_seen == (0, 0)


@pytest.mark.parametrize(
    "response",
    [
        Command(0x8030, message_id_being_responded_to=2, status=0),
        Command(0x8030, status=0),
        Command(0x8030, message_id_being_responded_to=1),
    ],
    ids=["of another message", "of no message", "without status"],
)
async def test_a_senseless_response_is_unavailable(monkeypatch: pytest.MonkeyPatch, response: Command) -> None:
    to_answers(monkeypatch, None, command_pdu(response, 1))
    with pytest.raises(Unavailable):
        async with request() as association:
            await association.c_echo()


async def test_a_request_of_the_peer_is_refused_and_the_association_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = command_pdu(Command(0x0030, message_id=9, affected_sop_class_uid=VERIFICATION), 1)
    ours = command_pdu(Command(0x8030, message_id_being_responded_to=1, status=0), 1)
    wires = to_answers(monkeypatch, None, theirs, ours, RELEASE_RP)
    async with request() as association:
        assert await association.c_echo() == 0
    assert wires[0].layer.state == State.IDLE


async def test_a_data_set_that_fails_half_way_aborts_the_association(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    to_house(monkeypatch, store_house(store))

    async def failing() -> AsyncIterator[bytes]:
        yield bytes(600_000)
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        async with request() as association:
            await association.c_store(CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN, failing())
    await settle()
    assert store.sinks[0].outcome == "aborted"


async def test_an_error_of_the_caller_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch, None)
    with pytest.raises(ZeroDivisionError):
        async with request():
            raise ZeroDivisionError
    assert wires[0].abort_seen == (0, 0)
    assert wires[0].transport.is_lost


async def test_a_peer_that_takes_no_abort_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "HANG_UP_S", 0.01)
    wires = to_answers(monkeypatch, None)
    async with request(timeout_s=0.01):
        monkeypatch.setattr(wires[0].transport, "close", lambda: None)  # it waits until all is written
    assert wires[0].abort_seen == (0, 0)
    assert wires[0].transport.was_aborted


async def test_a_peer_that_does_not_confirm_the_release_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch, None)
    async with request(timeout_s=0.05):
        pass
    assert wires[0].abort_seen == (0, 0)
    assert wires[0].transport.is_closing()


async def test_a_release_of_both_ends_at_once_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch, None, RELEASE_RQ, RELEASE_RP)
    async with request():
        pass
    assert wires[0].layer.state == State.IDLE
    assert wires[0].abort_seen is None


async def test_a_peer_that_releases_in_the_middle_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    to_answers(monkeypatch, None, RELEASE_RQ)
    with pytest.raises(Unavailable):
        async with request() as association:
            await association.c_echo()


async def test_sending_waits_for_a_peer_that_does_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = to_house(monkeypatch, store_house(Store()))
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10):
            sent += 1
            yield bytes(300_000)

    async with request() as association:
        association.layer.pause_writing()
        storing = asyncio.ensure_future(
            association.c_store(CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN, counted())
        )
        await settle()
        assert sent == 1
        association.layer.resume_writing()
        assert await storing == 0
    assert not sessions[0].is_established


async def test_operations_asked_for_at_once_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    to_house(monkeypatch, store_house(store))

    async def slowly() -> AsyncIterator[bytes]:
        async for chunk in chunks_of(DATA, 20_000):
            await asyncio.sleep(0)
            yield chunk

    async with request() as association:
        stored = (CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN)
        statuses = await asyncio.gather(
            association.c_store(*stored, slowly()), association.c_store(*stored, slowly()), association.c_echo()
        )
    assert statuses == [0, 0, 0]
    assert [bytes(sink.received) for sink in store.sinks] == [DATA, DATA]


async def test_an_answer_to_the_peer_does_not_mix_with_a_data_set_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    sessions = to_house(monkeypatch, store_house(store))

    async def interrupted() -> AsyncIterator[bytes]:
        yield DATA
        echo = Command(0x0030, message_id=9, affected_sop_class_uid=VERIFICATION)
        association.layer.buffer_updated(_write_into(association.layer, command_pdu(echo, 1)))
        yield DATA

    async with request() as association:
        answers = sessions[0].exchange._invoked[9] = asyncio.Queue()
        stored = (CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN)
        assert await association.c_store(*stored, interrupted()) == 0
        await settle()
        assert bytes(store.sinks[0].received) == DATA * 2
        response, _ = answers.get_nowait()
        assert response.status == 0x0122  # we proposed to be SCU only
        sessions[0].exchange._invoked.clear()


def _write_into(layer: UpperLayer, data: bytes) -> int:
    layer.get_buffer(-1)[: len(data)] = data
    return len(data)
