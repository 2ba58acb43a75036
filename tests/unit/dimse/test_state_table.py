"""The state machine of the upper layer, cell by cell: every event of PS3.8 9.2.1 in every state, as both ends."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from pynetdicom.fsm import EVENTS, TRANSITION_TABLE

from radstream.contract.errors import Unavailable
from radstream.dimse.upper_layer import State
from tests.dimse_wire import ABORT, RELEASE_RP, RELEASE_RQ, Wire
from tests.state_table import (
    ACCEPTOR,
    ARTIM_S,
    CELLS,
    PDUS,
    PRIMITIVES,
    REFUSED_HERE,
    REQUESTOR,
    STATES,
    WITHOUT_ACTION,
    WITHOUT_CONNECTION,
    a_abort,
    in_state,
    outcome,
)
from tests.virtual_time import in_virtual_time


async def fire(event: str, wire: Wire) -> None:
    if event in PDUS:
        assert wire.feed(PDUS[event]) == 0
    elif event == "Evt18":
        await asyncio.sleep(0.6 * ARTIM_S)
    else:
        PRIMITIVES[event](wire.layer)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.parametrize(("event", "state", "role"), CELLS)
@in_virtual_time
async def test_an_event_does_what_the_table_says(event: str, state: str, role: str) -> None:
    user, wire = in_state(state, role)
    expected = outcome(TRANSITION_TABLE[event, state], event, role)
    await asyncio.sleep(0.6 * ARTIM_S if state in ("Sta2", "Sta13") else 0.0)
    await fire(event, wire)
    assert bytes(wire.transport.written) == expected.sent
    assert wire.layer.state == expected.state
    if expected.heard is not None:
        assert user.heard[0] == expected.heard
    else:
        assert [heard for heard in user.heard if heard != "disconnected" and "ended" not in heard] == []
    assert wire.transport.is_closing() == (expected.state == State.IDLE)
    assert [heard for heard in user.heard if "ended" in heard] == [] or state != "Sta13", "told twice of its end"
    await check_artim(wire, TRANSITION_TABLE[event, state])


_STARTING: Final = {"AE-8", "AR-4", "AR-10", "AA-1", "AA-8"}
"""Actions that start ARTIM, or start it anew."""

_GOING_ON: Final = {"AA-6", "AA-7"}
"""Actions that let it run as it does."""


async def check_artim(wire: Wire, action: str) -> None:
    """Check that the timer closes the connection when it should, and otherwise not."""
    wire.transport.written.clear()
    if wire.layer.state in (State.AWAITING_CLOSE, State.ESTABLISHED, State.AWAITING_LOCAL_RELEASE):
        await asyncio.sleep(0.5 * ARTIM_S)
        assert wire.transport.was_aborted == (action in _GOING_ON)
        await asyncio.sleep(0.6 * ARTIM_S)
        assert wire.transport.was_aborted == (action in _GOING_ON | _STARTING)
        assert bytes(wire.transport.written) == b""


@pytest.mark.parametrize(
    ("event", "state", "role"),
    [
        (event, state, role)
        for role, states in STATES.items()
        for state in states
        for event in PRIMITIVES
        if WITHOUT_ACTION.get((event, state)) == REFUSED_HERE
    ],
)
@in_virtual_time
async def test_a_primitive_that_may_not_be_issued_sends_nothing(event: str, state: str, role: str) -> None:
    user, wire = in_state(state, role)
    if event == "Evt9":
        with pytest.raises(Unavailable):
            wire.layer.send(1, 3, b"command")
    else:
        PRIMITIVES[event](wire.layer)
    assert bytes(wire.transport.written) == b""
    assert wire.layer.state == int(state.removeprefix("Sta"))
    assert user.heard == []


@in_virtual_time
async def test_a_port_that_closes_aborts_who_has_only_connected() -> None:
    user, wire = in_state("Sta2", ACCEPTOR)
    wire.layer.abort()
    assert bytes(wire.transport.written) == a_abort(0, 0)
    assert user.heard == ["ended: aborted"]


@pytest.mark.parametrize("event", PDUS)
@pytest.mark.parametrize("role", [ACCEPTOR, REQUESTOR])
@in_virtual_time
async def test_nothing_that_follows_an_abort_in_the_same_read_means_anything(event: str, role: str) -> None:
    user, wire = in_state("Sta6", role)
    wire.feed(ABORT + PDUS[event])
    await asyncio.sleep(1)
    assert user.heard == ["ended: aborted by the peer", "disconnected"]
    assert wire.layer.state == State.IDLE
    assert bytes(wire.transport.written) == b""


@in_virtual_time
async def test_an_abort_that_follows_rubbish_in_the_same_read_closes_at_once() -> None:
    _, wire = in_state("Sta6", ACCEPTOR)
    wire.feed(PDUS["Evt19"] + ABORT)
    assert wire.transport.is_closing()


@pytest.mark.parametrize("role", [ACCEPTOR, REQUESTOR])
@in_virtual_time
async def test_a_release_collision_ends_in_order_at_both_ends(role: str) -> None:
    user, wire = in_state("Sta7", role)
    wire.feed(RELEASE_RQ)
    assert bytes(wire.transport.written) == (RELEASE_RP if role == REQUESTOR else b"")
    wire.transport.written.clear()
    wire.feed(RELEASE_RP)
    assert bytes(wire.transport.written) == (b"" if role == REQUESTOR else RELEASE_RP)
    assert user.heard == ["ended: released"]
    # The requestor closes the connection; the acceptor waits until it does.
    assert wire.transport.is_closing() == (role == REQUESTOR)


def test_every_cell_of_the_table_is_tested_or_has_its_reason() -> None:
    tested = {(event, state) for event, state, _ in CELLS}
    for event in EVENTS:
        for state in (f"Sta{number}" for number in range(1, 14)):
            found = [(event, state) in cells for cells in (tested, WITHOUT_ACTION, WITHOUT_CONNECTION)]
            assert found.count(True) == 1, (event, state)
