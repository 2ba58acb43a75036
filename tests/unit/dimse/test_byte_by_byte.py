"""Every PDU one byte at a time, and cut in two at every position: what it does must not depend on how it arrives."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstream.dimse.associate import encode_request
from radstream.dimse.upper_layer import State
from radstream.dimse.user_information import Role, UserIdentity, UserInformation
from tests.dimse_wire import (
    ABORT,
    RELEASE_RQ,
    Store,
    Wire,
    associate,
    command_pdu,
    connect,
    echo_rq,
    make_request,
    p_data,
    pdv,
    settle,
    store_command,
    store_house,
    store_rq,
)
from tests.state_table import ACCEPTOR, PDUS, REQUESTOR, STATES, Indications, in_state

EVERYTHING = make_request(
    user=UserInformation(
        window=(3, 2),
        roles={"1.2.840.10008.5.1.4.1.1.2": Role(scu=True, scp=True)},
        extended={"1.2.840.10008.5.1.4.1.1.2": b"\2\0\0\0"},
        common_extended={"1.2.840.10008.5.1.4.1.1.2": ("1.2.840.10008.4.2", ("1.2.3", "1.2.4"))},
        user_identity=UserIdentity(2, True, b"user", b"passcode"),
    )
)
STATES_AND_ROLES = [(state, role) for role, states in STATES.items() for state in states]


def shown(user: Indications, wire: Wire) -> tuple[list[str], bytes, int, bool]:
    """Return everything that can be seen of what a PDU did."""
    return user.heard, bytes(wire.transport.written), int(wire.layer.state), wire.transport.is_closing()


@pytest.mark.parametrize("event", PDUS)
@pytest.mark.parametrize(("state", "role"), STATES_AND_ROLES)
async def test_a_pdu_does_the_same_one_byte_at_a_time(event: str, state: str, role: str) -> None:
    whole, by_byte = in_state(state, role), in_state(state, role)
    whole[1].feed(PDUS[event])
    by_byte[1].feed(PDUS[event], piece_bytes=1)
    await settle()
    assert shown(*by_byte) == shown(*whole)


@pytest.mark.parametrize("event", PDUS)
@pytest.mark.parametrize("role", [ACCEPTOR, REQUESTOR])
async def test_a_pdu_does_the_same_cut_at_every_position(event: str, role: str) -> None:
    state = {"Evt3": "Sta5", "Evt4": "Sta5", "Evt6": "Sta2"}.get(event, "Sta6")
    state = state if state in STATES[role] else "Sta6"
    whole = in_state(state, role)
    whole[1].feed(PDUS[event])
    await settle()
    for position in range(1, len(PDUS[event])):
        user, wire = in_state(state, role)
        wire.feed(PDUS[event][:position])
        head_is_here = position >= 6
        if event != "Evt19" or not head_is_here:
            assert user.heard == [], position  # nothing happens before its last byte, unless its head is wrong
        wire.feed(PDUS[event][position:])
        await settle()
        assert shown(user, wire) == shown(*whole), position


async def test_a_request_with_everything_in_it_is_answered_the_same_however_it_arrives() -> None:
    encoded = encode_request(EVERYTHING)
    answers = set()
    for position in range(len(encoded)):
        _, wire = connect(store_house(Store()))
        wire.feed(encoded[:position])
        assert wire.transport.written == b""
        wire.feed(encoded[position:], piece_bytes=1 if position == 0 else 1 << 30)
        answers.add(bytes(wire.transport.written))
        assert wire.layer.state == State.ESTABLISHED
    assert len(answers) == 1


DATA = bytes(range(200))
SEVERAL = p_data(pdv(3, 0, b"ab"), pdv(3, 0, b""), pdv(3, 2, b"c"))  # fragments of one PDU, one of them empty
STREAM = (
    store_rq(DATA, fragment_bytes=60) + echo_rq(9) + command_pdu(store_command(message_id=11), 3) + SEVERAL + RELEASE_RQ
)


async def test_messages_are_the_same_cut_at_every_position() -> None:
    results = []
    for position in range(len(STREAM) + 1):
        store = Store()
        _, wire = associate(store_house(store))
        for part in (STREAM[:position], STREAM[position:]):
            unread = wire.feed(part)
            while unread:
                await settle()
                unread = wire.feed(part[len(part) - unread :])
            await settle()
        await settle(60)
        results.append(([bytes(sink.received) for sink in store.sinks], bytes(wire.transport.written)))
    assert all(result == results[0] for result in results)
    assert results[0][0] == [DATA, b"abc"]


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(st.sampled_from(sorted(PDUS)), min_size=1, max_size=8),
    state_and_role=st.sampled_from(STATES_AND_ROLES),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_any_sequence_of_pdus_does_the_same_however_it_is_cut(
    events: list[str], state_and_role: tuple[str, str], cuts: list[int]
) -> None:
    async def run() -> None:
        whole, cut = in_state(*state_and_role), in_state(*state_and_role)
        stream = b"".join(PDUS[event] for event in events)
        whole[1].feed(stream)
        offset, turn = 0, 0
        while offset < len(stream):
            size = cuts[turn % len(cuts)]
            cut[1].feed(stream[offset : offset + size])
            offset, turn = offset + size, turn + 1
        await settle()
        assert shown(*cut) == shown(*whole)

    asyncio.run(run())


async def test_an_abort_is_heard_behind_any_half_pdu_that_became_whole() -> None:
    for event in ("Evt10", "Evt12"):
        user, wire = in_state("Sta6", ACCEPTOR)
        wire.feed(PDUS[event] + ABORT, piece_bytes=1)
        assert "ended: aborted by the peer" in user.heard


@pytest.mark.parametrize("piece_bytes", [1, 7, 1 << 30])
async def test_what_follows_a_pdu_that_nobody_waits_for_is_heard(piece_bytes: int) -> None:
    user, wire = in_state("Sta6", ACCEPTOR)
    wire.feed(PDUS["Evt19"] + ABORT, piece_bytes=piece_bytes)
    await settle()
    assert user.heard[-1] == "disconnected"
    user, wire = in_state("Sta6", ACCEPTOR)
    wire.feed(b"\x08\0\xff\xff\xff\xff" + ABORT * 50, piece_bytes=piece_bytes)  # all of it within the PDU's length
    await settle()
    assert user.heard == ["ended: a PDU of unknown type"]


async def test_peer_that_reads_nothing_is_not_answered_without_end() -> None:
    _, wire = in_state("Sta13", ACCEPTOR)
    wire.layer.pause_writing()
    wire.feed(PDUS["Evt19"] * 100 + PDUS["Evt6"])
    assert wire.transport.written == b""
