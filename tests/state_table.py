"""Table 9-10 of PS3.8 as tests need it: how to bring an upper layer into a state, and what each event does there.

pynetdicom's copy of table 9-10 says which action is due, and `outcome` what it shows, after PS3.8 9.2.2: the PDUs that
are sent, what the user is told, and the next state. `WITHOUT_ACTION` has the cells that the
table leaves empty, and why they cannot occur or what is done all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from pynetdicom.fsm import EVENTS, TRANSITION_TABLE

from radstream.dimse.associate import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    encode_accept,
    encode_request,
)
from radstream.dimse.limits import Limits
from radstream.dimse.pdus import encode_rejection
from radstream.dimse.upper_layer import UpperLayer
from radstream.dimse.user_information import UserInformation
from tests.dimse_wire import ABORT, RELEASE_RP, RELEASE_RQ, Wire, make_request, p_data, pdv

ARTIM_S: Final = 10.0
LIMITS: Final = Limits(artim_s=ARTIM_S, network_s=1e6, idle_s=1e6, pdu_s=1e6)  # no other timer gets in the way
ACCEPT: Final = AssociateAccept("SCANNER", "RADSTREAM", (ContextResult(1, 0, "1.2.840.10008.1.2"),), UserInformation())
REJECT: Final = AssociateReject(1, 1, 7)
DATA: Final = p_data(pdv(1, 3, b"command"))
ACCEPTOR, REQUESTOR = "acceptor", "requestor"

STATES: Final = {
    ACCEPTOR: ("Sta2", "Sta3", "Sta6", "Sta7", "Sta8", "Sta10", "Sta13"),
    REQUESTOR: ("Sta5", "Sta6", "Sta7", "Sta8", "Sta11", "Sta13"),
}
"""Where each end can be while there is a connection; Sta9 and Sta12 do not last, see `WITHOUT_ACTION`."""

PDUS: Final = {
    "Evt3": encode_accept(ACCEPT),
    "Evt4": encode_rejection(1, 1, 7),
    "Evt6": encode_request(make_request()),
    "Evt10": DATA,
    "Evt12": RELEASE_RQ,
    "Evt13": RELEASE_RP,
    "Evt16": ABORT,
    "Evt19": b"\x08\0\0\0\0\x04\0\0\0\0",
}
PRIMITIVES: Final[dict[str, Callable[[UpperLayer], None]]] = {
    "Evt7": lambda layer: layer.accept(ACCEPT, 16384),
    "Evt8": lambda layer: layer.reject(REJECT),
    "Evt9": lambda layer: layer.send(1, 3, b"command"),
    "Evt11": UpperLayer.release,
    "Evt14": UpperLayer.confirm_release,
    "Evt15": UpperLayer.abort,
    "Evt17": lambda layer: layer.transport.close(),
}


class Indications:
    """A service user that answers nothing by itself."""

    is_receiving = is_busy = False

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_connected(self) -> None:
        self.heard.append("connected")

    def on_associate_request(self, request: AssociateRequest) -> None:
        self.heard.append(f"A-ASSOCIATE indication of {request.calling_ae_title}")

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
        self.heard.append("disconnected")


class Outcome(NamedTuple):
    """What an action shows.

    Parameters
    ----------
    heard : str or None
        The indication; None if there must be none.
    state : int
        The next one.
    sent : bytes
    """

    heard: str | None
    state: int
    sent: bytes = b""


def a_abort(source: int, reason: int) -> bytes:
    return b"\x07\0\0\0\0\x04\0\0" + bytes((source, reason))


def outcome(action: str, event: str, role: str) -> Outcome:
    """Return what an action shows, after PS3.8 9.2.2."""
    why = (
        "ended: aborted"
        if event == "Evt15"
        else f"ended: a PDU {'of unknown type' if event == 'Evt19' else 'that may not come now'}"
    )
    by_provider = a_abort(2, 1 if event == "Evt19" else 2)  # table 9-26: unrecognized, unexpected
    return {
        "AE-3": Outcome("accepted", 6),
        "AE-4": Outcome("rejected", 1),
        "AE-6": Outcome("A-ASSOCIATE indication of SCANNER", 3),
        "AE-7": Outcome(None, 6, encode_accept(ACCEPT)),
        "AE-8": Outcome("ended: rejected", 13, encode_rejection(1, 1, 7)),
        "DT-1": Outcome(None, 6, DATA),
        "DT-2": Outcome("P-DATA indication", 6),
        "AR-1": Outcome(None, 7, RELEASE_RQ),
        "AR-2": Outcome("A-RELEASE indication", 8),
        "AR-3": Outcome("ended: released", 1),
        "AR-4": Outcome("ended: released", 13, RELEASE_RP),
        "AR-5": Outcome("disconnected", 1),
        "AR-6": Outcome("P-DATA indication", 7),
        "AR-7": Outcome(None, 8, DATA),
        # The requestor goes on through Sta9 at once (AR-9): its user has asked for the release already.
        "AR-8": Outcome(None, 11, RELEASE_RP) if role == REQUESTOR else Outcome(None, 10),
        # And the acceptor through Sta12 (AR-4), for the same reason.
        "AR-10": Outcome("ended: released", 13, RELEASE_RP),
        "AA-1": Outcome(why, 13, a_abort(0, 0)),
        "AA-2": Outcome(None, 1),
        "AA-3": Outcome("ended: aborted by the peer", 1),
        "AA-4": Outcome("ended: connection lost", 1),
        "AA-5": Outcome("ended: connection lost", 1),
        "AA-6": Outcome(None, 13),
        "AA-7": Outcome(None, 13, by_provider),
        "AA-8": Outcome(why, 13, by_provider),
    }[action]


NOT_CONNECTED = "there is no connection that could bring a PDU, or be closed"
ONE_CONNECTION = "a layer is made for one connection, and told once that it is open"
NEW_LAYER = "each association is asked for by a layer of its own, made for it"
PASSED_AT_ONCE = "the state does not last: our user has asked for the release, and need not be asked for its answer"
REFUSED_HERE = "no such primitive may be issued here: nothing is sent"
ARTIM_DOES_NOT_RUN = "ARTIM does not run here; other deadlines are in test_upper_layer_silence.py"
CLOSING_PORT = "nobody has been indicated anything to abort, but a port that closes says so to who has connected"


def without_action(event: str, state: str) -> str:
    """Return why the table leaves a cell empty, or why the state does not last; empty if neither."""
    if state in ("Sta9", "Sta12"):
        return PASSED_AT_ONCE
    if (event, state) in TRANSITION_TABLE:
        return ""
    if event in ("Evt2", "Evt5"):
        return ONE_CONNECTION
    if event == "Evt1":
        return NEW_LAYER
    if event == "Evt18":
        return ARTIM_DOES_NOT_RUN
    if (event, state) == ("Evt15", "Sta2"):
        return CLOSING_PORT
    return REFUSED_HERE if event in PRIMITIVES and event != "Evt17" else NOT_CONNECTED


WITHOUT_ACTION: Final = {
    (event, f"Sta{number}"): reason
    for event in EVENTS
    for number in range(1, 14)
    if (reason := without_action(event, f"Sta{number}"))
}
CELLS: Final = [
    (event, state, role)
    for role, states in STATES.items()
    for state in states
    for event in EVENTS
    if (event, state) not in WITHOUT_ACTION
]
WITHOUT_CONNECTION: Final = {
    ("Evt1", "Sta1"): "test_asking_for_an_association_opens_a_connection",
    ("Evt2", "Sta4"): "test_an_open_connection_is_asked_for_the_association",
    ("Evt5", "Sta1"): "test_a_connection_that_opens_is_awaited_a_request_on",
    ("Evt15", "Sta4"): "test_who_no_longer_wants_the_association_stops_connecting",
    ("Evt17", "Sta4"): "test_a_connection_that_does_not_come_about_is_unavailable",
}
"""Cells without a connection, and the tests (in test_connecting.py) that they have instead."""


def in_state(name: str, role: str) -> tuple[Indications, Wire]:
    """Return a layer that was brought into a state by what leads there."""
    user = Indications()
    wire = Wire(UpperLayer(user, LIMITS, is_requestor=role == REQUESTOR))
    if role == REQUESTOR:
        wire.layer.request(make_request())
    elif name != "Sta2":
        wire.feed(PDUS["Evt6"])
    if name not in ("Sta2", "Sta3", "Sta5"):
        wire.layer.accept(ACCEPT, 16384) if role == ACCEPTOR else wire.feed(PDUS["Evt3"])
    if name in ("Sta7", "Sta10", "Sta11"):
        wire.layer.release()
    if name in ("Sta8", "Sta10", "Sta11"):
        wire.feed(RELEASE_RQ)
    if name == "Sta13":
        wire.layer.abort()
    assert wire.layer.state == int(name.removeprefix("Sta"))
    wire.transport.written.clear()
    user.heard.clear()
    return user, wire
