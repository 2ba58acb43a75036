"""Bytes of any shape and pace: splits, lengths, limits, back-pressure, silence."""

from __future__ import annotations

import asyncio
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstream.contract.errors import UnsafeConfiguration
from radstream.dimse.associate import ProposedContext, encode_request
from radstream.dimse.limits import Limits
from radstream.dimse.messages import CommandField
from radstream.dimse.pdus import PduType
from radstream.dimse.receive_buffer import ReceiveBuffer
from radstream.dimse.upper_layer import State
from radstream.dimse.user_information import UserInformation
from tests.dimse_wire import (
    RELEASE_RQ,
    Store,
    associate,
    connect,
    echo_rq,
    make_request,
    p_data,
    pdv,
    pump,
    settle,
    store_house,
    store_rq,
)

INVALID_VALUE = (2, 6)
DATA = bytes(range(256)) * 300


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.integers(1, 9000), min_size=1, max_size=30),
    fragment_bytes=st.integers(1, 16370).map(lambda size: size * 2),
    data=st.binary(max_size=60_000),
)
def test_any_split_of_the_stream_gives_the_same_messages(pieces: list[int], fragment_bytes: int, data: bytes) -> None:
    async def run() -> None:
        store = Store()
        _, wire = connect(store_house(store))
        stream = encode_request(make_request()) + echo_rq() + store_rq(data, fragment_bytes) + RELEASE_RQ
        offset, turn = 0, 0
        while offset < len(stream):
            size = pieces[turn % len(pieces)]
            await pump(wire, stream[offset : offset + size])
            offset += size
            turn += 1
        assert bytes(store.sinks[0].received) == data
        assert store.sinks[0].outcome == "finished"
        kinds = [kind for kind, _ in wire.take_pdus()]
        assert kinds == [PduType.A_ASSOCIATE_AC, PduType.P_DATA_TF, PduType.P_DATA_TF, PduType.A_RELEASE_RP]

    asyncio.run(run())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3000), st.booleans())
def test_no_bytes_make_it_crash(data: bytes, is_associated: bool) -> None:
    async def run() -> None:
        _, wire = (associate if is_associated else connect)(store_house(Store()))
        wire.feed(data)
        await settle()
        assert wire.layer.state in (State.IDLE, State.AWAITING_ASSOCIATE_RQ, State.ESTABLISHED, State.AWAITING_CLOSE)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("pdu", "source_and_reason"),
    [
        (b"\x08\0\0\0\0\x04\0\0\0\0", (2, 1)),
        (b"\x00\0\0\0\0\x04\0\0\0\0", (2, 1)),
        (encode_request(make_request()), (2, 2)),
        (pack(">BxI", 4, 0xFFFFFFFF), INVALID_VALUE),
        (pack(">BxI", 4, (256 << 10) + 1), INVALID_VALUE),
        (p_data(), INVALID_VALUE),
        (p_data(b"\0\0\0\x02\x01"), INVALID_VALUE),
        (p_data(pack(">IBB", 1, 1, 3)), INVALID_VALUE),
        (p_data(pack(">IBB", 3, 1, 3)), INVALID_VALUE),
        (p_data(pack(">IBB", 0xFFFFFFFF, 1, 3)), INVALID_VALUE),
        (p_data(pdv(5, 3, b"")), INVALID_VALUE),
        (p_data(pdv(1, 3, b"no command set")), INVALID_VALUE),
        (p_data(pdv(3, 2, b"data without command")), (2, 5)),
    ],
    ids=[
        "unknown type", "type zero", "A-ASSOCIATE-RQ again", "4 GiB", "one byte too long", "no PDV", "half a PDV head",
        "PDV of one byte", "PDV longer than the PDU", "PDV of 4 GiB", "context not accepted", "no command set",
        "data set first",
    ],
)  # fmt: skip
async def test_what_is_wrong_is_aborted_with_its_reason(pdu: bytes, source_and_reason: tuple[int, int]) -> None:
    session, wire = associate(store_house(Store()))
    wire.feed(pdu)
    assert wire.abort_seen == source_and_reason
    assert not session.is_established


async def test_the_largest_pdu_is_taken_and_its_data_is_whole() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    data = (DATA * 4)[: (256 << 10) - 6]
    wire.feed(store_rq(data, fragment_bytes=(256 << 10) - 6))
    await settle()
    assert bytes(store.sinks[0].received) == data
    assert wire.take_messages()[0][0].status == 0


async def test_several_fragments_of_one_pdu_are_taken_with_their_command() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    command = store_rq(b"")[12:-12]  # the command's fragment alone
    wire.feed(
        p_data(pdv(3, 1, command[:10]), pdv(3, 3, command[10:]), pdv(3, 0, b"ab"), pdv(3, 0, b""), pdv(3, 2, b"c"))
    )
    await settle()
    assert bytes(store.sinks[0].received) == b"abc"
    assert store.sinks[0].outcome == "finished"


async def test_an_association_request_beyond_64_kb_is_taken() -> None:
    syntaxes = tuple(f"1.2.840.113619.5.2.{number}" for number in range(45))
    contexts = make_request().contexts + tuple(
        ProposedContext(2 * index + 1, f"1.2.3.{index}", syntaxes) for index in range(2, 128)
    )
    request = encode_request(make_request(contexts=contexts))
    assert len(request) > 65536
    session, wire = connect(store_house(Store()))
    wire.feed(request, piece_bytes=1400)
    assert [kind for kind, _ in wire.take_pdus()] == [PduType.A_ASSOCIATE_AC]
    assert sorted(session.exchange.contexts) == [1, 3]


async def test_an_association_request_beyond_its_limit_is_aborted_before_anything_is_allocated() -> None:
    _, wire = connect(store_house(Store()))
    wire.feed(pack(">BxI", 1, (1 << 20) + 1))
    assert wire.abort_seen == (0, 0)  # AA-1: as service-user, without reason


def test_the_buffer_grows_only_as_fast_as_bytes_arrive() -> None:
    buffer = ReceiveBuffer()
    window = buffer.window(1 << 20)
    assert len(window) <= 8192
    buffer.filled(len(window))
    assert len(buffer.window(1 << 20)) <= 8192


async def test_what_is_left_after_an_abort_is_read_and_forgotten() -> None:
    _, wire = associate(store_house(Store()))
    wire.feed(pack(">BxI", 4, 1 << 31))
    for _ in range(100):
        assert wire.feed(bytes(100_000)) == 0
    assert len(wire.layer.get_buffer(-1)) < 300_000
    assert not wire.transport.is_closing()  # until the peer closes, or the ARTIM timer expires


async def test_reading_pauses_while_the_sink_cannot_take_more_and_goes_on_after() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    data = bytes(3_000_000)
    stream = store_rq(data, fragment_bytes=100_000)
    unread = wire.feed(stream[:400_000])
    store.sinks[0].may_drain.clear()
    unread = wire.feed(stream[400_000:])
    assert wire.transport.is_paused
    assert len(store.sinks[0].received) < 1_000_000
    await settle()
    assert wire.transport.is_paused
    store.sinks[0].may_drain.set()
    await settle()
    await pump(wire, stream[len(stream) - unread :])
    assert len(store.sinks[0].received) == len(data)
    assert wire.take_messages()[0][0].status == 0


async def test_a_message_that_follows_before_the_answer_waits_for_it() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    wire.feed(store_rq(DATA))
    store.sinks[0].may_finish.clear()
    assert wire.feed(echo_rq(8) * 2) == 0
    await settle()
    assert wire.take_messages() == []
    store.sinks[0].may_finish.set()
    await settle(40)
    fields = [command.command_field for command, _ in wire.take_messages()]
    assert fields == [0x8000 | CommandField.C_STORE_RQ] + [0x8000 | CommandField.C_ECHO_RQ] * 2


async def test_a_peer_that_sends_without_end_while_held_is_not_read() -> None:
    store = Store()
    _, wire = associate(store_house(store))
    wire.feed(store_rq(DATA))
    store.sinks[0].may_finish.clear()
    assert wire.feed(echo_rq() * 10_000) > 790_000
    assert wire.transport.is_paused


@pytest.mark.parametrize("size", [0, 4095, (1 << 20) + 1])
def test_a_senseless_pdu_size_is_refused(size: int) -> None:
    with pytest.raises(UnsafeConfiguration):
        Limits(max_pdu_bytes=size)


@pytest.mark.parametrize("announced", [0, 8, 20, 1000, 16384, 1 << 30])
async def test_answers_keep_to_the_peers_maximum(announced: int) -> None:
    request = make_request(user=UserInformation(max_pdu_bytes=announced))
    _, wire = associate(store_house(Store()), request)
    wire.feed(store_rq(b"ab", affected_sop_instance_uid="1." * 31 + "5"))
    await settle()
    pdus = bytes(wire.transport.written)
    offset, count = 0, 0
    while offset < len(pdus):
        length = int.from_bytes(pdus[offset + 2 : offset + 6])
        assert length <= (announced or 1 << 20)
        assert length % 2 == 0
        offset += 6 + length
        count += 1
    assert count > 1 or announced in (0, 1000, 16384, 1 << 30)
    assert wire.take_messages()[0][0].status == 0
