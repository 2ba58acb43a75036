"""Places and strangers: how many may be in, who goes first, who waits, and who has to leave. The clock is virtual."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from radstream.dimse.ae_titles import parse_ae_table
from radstream.dimse.associate import encode_request
from radstream.dimse.limits import Limits
from radstream.dimse.pdus import PduType
from radstream.dimse.places import MOST_WAITING
from radstream.dimse.recognition import AETitlePolicy
from radstream.dimse.session import House, Session
from radstream.dimse.strangers import Strangers
from tests.dimse_wire import RELEASE_RQ, Store, Wire, connect, make_request, settle, store_house
from tests.virtual_time import in_virtual_time

KNOWN = AETitlePolicy(
    entities=parse_ae_table("[[ae]]\nae_title = 'CT1'\n[[ae]]\nae_title = 'TWO'\nmax_associations = 2")
)


def house_of(ae_title: AETitlePolicy = KNOWN, **limits: Any) -> House:
    return store_house(Store(), ae_title=ae_title, limits=Limits(**limits))


def call(house: House, calling_ae_title: str = "STRANGER") -> tuple[Session, Wire]:
    """Return a session that has asked for an association."""
    session, wire = connect(house)
    wire.feed(encode_request(make_request(calling_ae_title=calling_ae_title)))
    return session, wire


def fill(house: House, count: int, calling_ae_title: str = "STRANGER") -> list[Wire]:
    """Return so many established associations."""
    sessions = [call(house, calling_ae_title) for _ in range(count)]
    assert all(session.is_established for session, _ in sessions)
    return [wire for _, wire in sessions]


def answer(wire: Wire) -> tuple[int, ...] | None:
    """Return the fields of an A-ASSOCIATE-RJ, () for an A-ASSOCIATE-AC, None if there is no answer yet."""
    pdus = wire.take_pdus()
    if not pdus:
        return None
    ((kind, body),) = pdus
    return () if kind == PduType.A_ASSOCIATE_AC else tuple(body[1:4])


# --- places ---------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_who_finds_no_place_waits_and_is_rejected_as_transient() -> None:
    house = house_of(AETitlePolicy(), max_associations=1, queue_s=5)
    fill(house, 1)
    _, wire = call(house)
    await asyncio.sleep(4.9)
    assert answer(wire) is None
    await asyncio.sleep(0.2)
    assert answer(wire) == (2, 3, 2)


@pytest.mark.parametrize("how", ["release", "disconnect"])
@in_virtual_time
async def test_who_waits_gets_the_place_that_becomes_free(how: str) -> None:
    house = house_of(AETitlePolicy(), max_associations=1)
    (first,) = fill(house, 1)
    session, wire = call(house)
    await asyncio.sleep(3)
    first.feed(RELEASE_RQ) if how == "release" else first.transport.close()
    await settle()
    assert answer(wire) == ()
    assert session.is_established
    assert len(house.places) == 1


@in_virtual_time
async def test_who_waits_longest_goes_first_but_known_titles_before_others() -> None:
    house = house_of(max_associations=1, reserved_share=0)
    held = fill(house, 1)
    others = [call(house), call(house, "CT1"), call(house), call(house, "CT1")]
    await settle()
    order = []
    while held:
        held.pop().feed(RELEASE_RQ)
        await settle()
        for number, (session, wire) in enumerate(others):
            if session.is_established and number not in order:
                order.append(number)
                held.append(wire)
    assert order == [1, 3, 0, 2]


@in_virtual_time
async def test_who_leaves_while_waiting_takes_no_place() -> None:
    house = house_of(AETitlePolicy(), max_associations=1)
    (first,) = fill(house, 1)
    _, gone = call(house)
    _, patient = call(house)
    await settle()
    gone.transport.close()
    await settle()
    first.feed(RELEASE_RQ)
    await settle()
    assert answer(gone) is None
    assert answer(patient) == ()
    assert len(house.places) == 1


@in_virtual_time
async def test_who_leaves_at_the_moment_of_its_turn_gives_the_place_back() -> None:
    house = house_of(AETitlePolicy(), max_associations=1)
    (first,) = fill(house, 1)
    (_, gone), (_, patient) = call(house), call(house)
    await settle()
    first.feed(RELEASE_RQ)  # the first who waits has the place now, and does not know it yet
    gone.layer.connection_lost(None)
    await settle()
    assert answer(patient) == ()
    assert len(house.places) == 1


@in_virtual_time
async def test_a_share_is_reserved_for_known_titles() -> None:
    house = house_of(max_associations=4, reserved_share=0.5)
    fill(house, 2)
    _, unknown = call(house)
    fill(house, 2, "CT1")
    _, known = call(house, "CT1")
    await asyncio.sleep(5.1)
    assert answer(unknown) == answer(known) == (2, 3, 2)


@in_virtual_time
async def test_nothing_is_reserved_where_nobody_is_known() -> None:
    fill(house_of(AETitlePolicy(), max_associations=4, reserved_share=0.5), 4)


@pytest.mark.parametrize(
    ("limits", "title", "most"),
    [
        ({"max_associations_per_ae_title": 3}, "STRANGER", 3),
        ({"max_associations_per_ae_title": 3}, "TWO", 2),
        ({"max_associations_per_host": 5}, "STRANGER", 5),
        ({"max_associations_per_host": 5}, "CT1", 5),
    ],
)
@in_virtual_time
async def test_titles_and_addresses_have_limits_of_their_own(limits: dict[str, int], title: str, most: int) -> None:
    house = house_of(**limits)
    fill(house, most, title)
    session, wire = call(house, title)
    await asyncio.sleep(5.1)
    assert not session.is_established
    assert answer(wire) == (2, 3, 2)


@in_virtual_time
async def test_a_full_title_keeps_no_other_title_waiting() -> None:
    house = house_of(max_associations_per_ae_title=1)
    (first,) = fill(house, 1, "A")
    _, waiting = call(house, "A")
    fill(house, 1, "B")
    first.feed(RELEASE_RQ)
    await settle()
    assert answer(waiting) == ()


@in_virtual_time
async def test_too_many_who_wait_are_rejected_at_once_and_keep_no_known_title_out() -> None:
    house = house_of(max_associations=1, reserved_share=0)
    fill(house, 1)
    for _ in range(MOST_WAITING):
        call(house)
    await settle()
    _, unknown = call(house)
    _, known = call(house, "CT1")
    await settle()
    assert answer(unknown) == (2, 3, 2)
    assert answer(known) is None


@in_virtual_time
async def test_what_is_given_back_is_forgotten() -> None:
    house = house_of()
    for wire in fill(house, 5, "A") + fill(house, 5, "CT1"):
        wire.feed(RELEASE_RQ)
    assert len(house.places) == 0
    assert not house.places._of_title
    assert not house.places._of_host


# --- strangers ------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_the_oldest_stranger_leaves_without_a_word_when_another_one_comes() -> None:
    house = house_of(max_strangers=2)
    (_, oldest), (_, older), (_, young) = connect(house), connect(house), connect(house)
    assert oldest.transport.was_aborted
    assert oldest.take_pdus() == []
    assert not older.transport.is_closing()
    assert not young.transport.is_closing()


@in_virtual_time
async def test_who_has_an_association_is_no_stranger_and_is_not_turned_out() -> None:
    house = house_of(max_strangers=1)
    wires = fill(house, 3)
    connect(house)
    connect(house)
    assert not any(wire.transport.is_closing() for wire in wires)
    assert len(house.strangers) == 1


@in_virtual_time
async def test_who_was_rejected_and_does_not_hang_up_is_a_stranger_again() -> None:
    house = house_of(AETitlePolicy(called=("OTHER",)), max_strangers=1)
    _, wire = call(house)
    assert answer(wire) == (1, 1, 7)
    assert len(house.strangers) == 1
    connect(house)
    assert wire.transport.was_aborted


@in_virtual_time
async def test_who_hangs_up_is_no_stranger_any_more() -> None:
    house = house_of()
    for _, wire in [connect(house), call(house)]:
        wire.transport.close()
    await settle()
    assert len(house.strangers) == 0
    assert not house.sessions


class Connection:
    def __init__(self, host: str) -> None:
        self.host = host
        self.is_up = True

    def hang_up(self) -> None:
        self.is_up = False


def enter(strangers: Strangers, host: str, count: int, *, is_known_host: bool = False) -> list[Connection]:
    connections = [Connection(host) for _ in range(count)]
    for connection in connections:
        strangers.enter(connection, is_known_host=is_known_host)
    return connections


def test_a_flood_from_one_address_presses_on_itself_alone() -> None:
    strangers = Strangers(10)
    (modality,) = enter(strangers, "192.0.2.1", 1)
    flood = enter(strangers, "192.0.2.66", 500)
    assert modality.is_up
    assert [connection.is_up for connection in flood] == [False] * 491 + [True] * 9
    assert len(strangers) == 10


def test_who_calls_from_a_known_address_goes_last() -> None:
    strangers = Strangers(10)
    modalities = enter(strangers, "192.0.2.1", 8, is_known_host=True)
    flood = [connection for number in range(50) for connection in enter(strangers, f"198.51.100.{number}", 1)]
    assert all(connection.is_up for connection in modalities)
    assert sum(connection.is_up for connection in flood) == 2
    more = enter(strangers, "192.0.2.1", 4, is_known_host=True)
    assert all(connection.is_up for connection in modalities[2:] + more)
    assert sum(connection.is_up for connection in modalities) == 6


def test_entering_and_leaving_twice_is_the_same_as_once() -> None:
    strangers = Strangers(2)
    (one,) = enter(strangers, "192.0.2.1", 1)
    strangers.enter(one)
    assert len(strangers) == 1
    strangers.leave(one)
    strangers.leave(one)
    assert len(strangers) == 0
    strangers.turn_out_one()
    assert one.is_up
