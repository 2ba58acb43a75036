"""Silence: what a peer that says nothing, or takes nothing, is allowed. The clock is virtual: no test waits."""

from __future__ import annotations

import asyncio

import pytest

from radstream.dimse.associate import encode_request
from radstream.dimse.limits import Limits
from tests.dimse_wire import (
    Store,
    associate,
    connect,
    data_pdus,
    echo_rq,
    make_request,
    pump,
    settle,
    store_house,
    store_rq,
)
from tests.virtual_time import in_virtual_time

DATA = bytes(76_800)


SHORT = Limits(artim_s=5, network_s=5, idle_s=10)


@in_virtual_time
async def test_a_connection_without_a_request_is_closed_by_artim() -> None:
    _, wire = connect(store_house(Store(), limits=SHORT))
    wire.feed(encode_request(make_request())[:50])
    await asyncio.sleep(5.1)
    assert wire.transport.was_aborted
    assert wire.take_pdus() == []


@in_virtual_time
async def test_a_peer_that_dribbles_its_request_is_closed_by_artim_all_the_same() -> None:
    _, wire = connect(store_house(Store(), limits=SHORT))
    for byte in encode_request(make_request())[:40]:
        wire.feed(bytes((byte,)))
        await asyncio.sleep(0.2)
    assert wire.transport.was_aborted


@pytest.mark.parametrize("part", [store_rq(DATA)[:-1000], store_rq(DATA)[:20], data_pdus(b"x", 2)[:3]])
@in_virtual_time
async def test_silence_inside_a_message_is_aborted(part: bytes) -> None:
    store = Store()
    _, wire = associate(store_house(store, limits=Limits(network_s=10, artim_s=10)))
    wire.feed(part)
    await asyncio.sleep(10.1)
    assert wire.abort_seen == (2, 0)
    await asyncio.sleep(10.1)
    assert wire.transport.was_aborted
    assert all(sink.outcome == "aborted" for sink in store.sinks)


@in_virtual_time
async def test_a_peer_that_dribbles_a_pdu_is_aborted_all_the_same() -> None:
    store = Store()
    _, wire = associate(store_house(store, limits=Limits(network_s=60, pdu_s=30)))
    message = store_rq(DATA)
    wire.feed(message[:20_000])
    for byte in message[20_000:20_003]:
        await asyncio.sleep(9.9)
        assert wire.take_pdus() == []
        wire.feed(bytes((byte,)))
    await asyncio.sleep(0.5)
    assert wire.abort_seen == (2, 0)
    await settle()
    assert store.sinks[0].outcome == "aborted"


@in_virtual_time
async def test_a_steady_sender_is_not_cut_however_long_its_message_takes() -> None:
    store = Store()
    _, wire = associate(store_house(store, limits=Limits(network_s=60, pdu_s=30)))
    message = store_rq(DATA, fragment_bytes=1000)
    for start in range(0, len(message), 1500):  # hardly ever the end of a PDU
        await asyncio.sleep(20)
        await pump(wire, message[start : start + 1500])
    await settle()
    assert wire.take_messages()[0][0].status == 0


@in_virtual_time
async def test_a_pdu_that_we_hold_up_ourselves_is_not_late() -> None:
    store = Store()
    _, wire = associate(store_house(store, limits=Limits(network_s=60, pdu_s=30, idle_s=600)))
    message, following = store_rq(DATA), echo_rq(2)
    wire.feed(message[:-1])
    store.sinks[0].may_finish.clear()
    wire.feed(message[-1:] + following[:10])
    await asyncio.sleep(3600)
    store.sinks[0].may_finish.set()
    await settle()
    await asyncio.sleep(29)
    wire.feed(following[10:])
    await settle()
    assert [command.status for command, _ in wire.take_messages()] == [0, 0]


@in_virtual_time
async def test_silence_between_fragments_is_aborted() -> None:
    store = Store()
    _, wire = associate(store_house(store, limits=Limits(network_s=10)))
    wire.feed(store_rq(DATA, fragment_bytes=1000)[:-812])
    assert not wire.layer.is_inside_pdu
    await asyncio.sleep(10.1)
    assert wire.abort_seen == (2, 0)
    await settle()
    assert store.sinks[0].outcome == "aborted"


@in_virtual_time
async def test_silence_between_messages_is_patient_until_the_idle_time() -> None:
    _, wire = associate(store_house(Store(), limits=Limits(network_s=10, idle_s=100)))
    await asyncio.sleep(99)
    wire.feed(echo_rq())
    await settle()
    assert wire.take_messages()[0][0].status == 0
    await asyncio.sleep(99)
    assert wire.take_pdus() == []
    await asyncio.sleep(1.1)
    assert wire.abort_seen == (2, 0)


@in_virtual_time
async def test_a_slow_sink_is_no_reason_to_abort() -> None:
    store = Store()
    _, wire = associate(store_house(store, limits=SHORT))
    wire.feed(store_rq(DATA))
    store.sinks[0].may_finish.clear()
    await asyncio.sleep(3600)
    store.sinks[0].may_finish.set()
    await settle()
    assert wire.take_messages()[0][0].status == 0


@in_virtual_time
async def test_a_peer_that_takes_no_answer_is_disconnected() -> None:
    _, wire = associate(store_house(Store(), limits=Limits(network_s=10)))
    wire.layer.pause_writing()
    await asyncio.sleep(10.1)
    assert wire.transport.was_aborted
