"""Each received PDU does in each state what table 9-10 of PS3.8 says; pynetdicom's copy of the table is the oracle."""

from __future__ import annotations

import pytest
from pynetdicom.fsm import TRANSITION_TABLE

from radstream.dimse.associate import (
    APPLICATION_CONTEXT_NAME,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    encode_accept,
    encode_request,
)
from radstream.dimse.limits import Limits
from radstream.dimse.pdus import PduType, encode_rejection
from radstream.dimse.upper_layer import State, UpperLayer
from radstream.dimse.user_information import UserInformation
from tests.dimse_wire import ABORT, RELEASE_RP, RELEASE_RQ, Wire, make_request, p_data, pdv

USER = UserInformation()
ACCEPT = AssociateAccept("SCANNER", "RADSTREAM", (ContextResult(1, 0, "1.2.840.10008.1.2"),), USER)
PDUS = {
    "Evt3": encode_accept(ACCEPT),
    "Evt4": encode_rejection(1, 1, 7),
    "Evt6": encode_request(make_request()),
    "Evt10": p_data(pdv(1, 3, b"command")),
    "Evt12": RELEASE_RQ,
    "Evt13": RELEASE_RP,
    "Evt16": ABORT,
    "Evt19": b"\x08\0\0\0\0\x04\0\0\0\0",
}
STATES = tuple(f"Sta{state}" for state in (2, 3, 5, 6, 7, 8, 10, 11, 13))
CLOSED = "closed"


class Indications:
    """A service user that answers nothing by itself."""

    is_receiving = is_busy = False

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_connected(self) -> None:
        pass

    def on_associate_request(self, request: AssociateRequest) -> None:
        assert request.application_context_name == APPLICATION_CONTEXT_NAME
        self.heard.append("A-ASSOCIATE indication")

    def on_associate_answer(self, answer: AssociateAccept | AssociateReject) -> None:
        self.heard.append("accepted" if isinstance(answer, AssociateAccept) else "rejected")

    def on_fragment(self, context_id: int, control: int, fragment: memoryview) -> None:
        assert (context_id, control, bytes(fragment)) == (1, 3, b"command")
        self.heard.append("P-DATA indication")

    def on_release_request(self) -> None:
        self.heard.append("A-RELEASE indication")

    def on_association_ended(self, reason: str) -> None:
        self.heard.append(f"ended: {reason}")

    def on_disconnected(self) -> None:
        pass


def in_state(name: str) -> tuple[Indications, Wire]:
    """Return a layer that was brought into a state by what leads there."""
    user = Indications()
    as_requestor = name in ("Sta5", "Sta11")
    wire = Wire(UpperLayer(user, Limits(), is_requestor=as_requestor))
    if as_requestor:
        wire.layer.request(make_request())
    if name in ("Sta3", "Sta6", "Sta7", "Sta8", "Sta10", "Sta13"):
        wire.feed(PDUS["Evt6"])
    if name in ("Sta6", "Sta7", "Sta8", "Sta10"):
        wire.layer.accept(ACCEPT, 16384)
    if name == "Sta11":
        wire.feed(PDUS["Evt3"])
    if name in ("Sta7", "Sta10", "Sta11"):
        wire.layer.release()
    if name in ("Sta8", "Sta10", "Sta11"):
        wire.feed(RELEASE_RQ)
    if name == "Sta13":
        wire.layer.reject(AssociateReject(1, 1, 1))
    assert wire.layer.state == int(name.removeprefix("Sta"))
    wire.take_pdus()
    user.heard.clear()
    return user, wire


def expectation(action: str, event: str) -> tuple[str | None, int | str, list[tuple[int, bytes]]]:
    """Return what is indicated, the next state, and the PDUs sent (PS3.8 9.2.2)."""
    reason = 1 if event == "Evt19" else 2
    provider_abort = [(PduType.A_ABORT, bytes((0, 0, 2, reason)))]
    ended_by = "a PDU of unknown type" if event == "Evt19" else "a PDU that may not come now"
    return {
        "AE-3": ("accepted", 6, []),
        "AE-4": ("rejected", CLOSED, []),
        "AE-6": ("A-ASSOCIATE indication", 3, []),
        "DT-2": ("P-DATA indication", 6, []),
        "AR-2": ("A-RELEASE indication", 8, []),
        "AR-3": ("ended: released", CLOSED, []),
        "AR-6": ("P-DATA indication", 7, []),
        "AR-8": (None, 10, []),  # as acceptor, which `in_state` is in Sta7
        "AR-10": ("ended: released", 13, [(PduType.A_RELEASE_RP, bytes(4))]),  # and AR-4, for Sta12 does not last
        "AA-1": (f"ended: {ended_by}", 13, [(PduType.A_ABORT, bytes(4))]),
        "AA-2": (None, CLOSED, []),
        "AA-3": ("ended: aborted by the peer", CLOSED, []),
        "AA-6": (None, 13, []),
        "AA-7": (None, 13, provider_abort),
        "AA-8": (f"ended: {ended_by}", 13, provider_abort),
    }[action]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", PDUS)
async def test_a_pdu_does_what_the_table_says(state: str, event: str) -> None:
    user, wire = in_state(state)
    indication, next_state, sent = expectation(TRANSITION_TABLE[event, state], event)
    wire.feed(PDUS[event])
    assert wire.take_pdus() == sent
    if indication is not None:
        assert indication in user.heard
    elif state == "Sta13":
        assert user.heard == []
    if next_state == CLOSED:
        assert wire.transport.is_closing()
    else:
        assert wire.layer.state == next_state
        assert not wire.transport.is_closing()


async def test_a_requestor_confirms_the_other_release_of_a_collision_and_awaits_its_own() -> None:
    user = Indications()
    wire = Wire(UpperLayer(user, Limits(), is_requestor=True))
    wire.layer.request(make_request())
    wire.feed(PDUS["Evt3"])
    wire.layer.release()
    wire.take_pdus()
    wire.feed(RELEASE_RQ)
    assert wire.take_pdus() == [(PduType.A_RELEASE_RP, bytes(4))]
    assert wire.layer.state == State.COLLISION_AS_REQUESTOR
    wire.feed(RELEASE_RP)
    assert user.heard[-1] == "ended: released"
    assert wire.transport.is_closing()


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("Sta2", "Sta13")])
async def test_a_local_abort_is_sent_with_the_service_user_as_source(state: str) -> None:
    user, wire = in_state(state)
    wire.layer.abort()
    assert wire.take_pdus() == [(PduType.A_ABORT, bytes(4))]
    assert wire.layer.state == State.AWAITING_CLOSE
    assert user.heard == ["ended: aborted"]


@pytest.mark.parametrize("state", STATES)
async def test_a_lost_connection_ends_the_association_once(state: str) -> None:
    user, wire = in_state(state)
    wire.layer.connection_lost(None)
    assert user.heard == ([] if state == "Sta13" else ["ended: connection lost"])


async def test_an_abort_that_follows_rubbish_in_the_same_read_closes_at_once() -> None:
    _, wire = in_state("Sta6")
    wire.feed(PDUS["Evt19"] + ABORT)
    assert wire.transport.is_closing()


async def test_nothing_is_sent_in_a_state_that_does_not_allow_it() -> None:
    _, wire = in_state("Sta13")
    wire.layer.abort()
    wire.layer.release()
    wire.layer.confirm_release()
    wire.layer.accept(ACCEPT, 16384)
    wire.layer.reject(AssociateReject(1, 1, 1))
    assert wire.take_pdus() == []
