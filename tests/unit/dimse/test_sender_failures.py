"""The sender when the peer refuses, fails, hangs up or stays away, and when there is nothing to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import aclosing
from dataclasses import replace

import pytest

from radstream.bus.retry import Retry
from radstream.contract.errors import NotFound, RejectedInstance, Unavailable
from radstream.dimse.associate import AssociateReject
from radstream.dimse.client import AssociationRejected
from radstream.dimse.outgoing import Destination
from radstream.dimse.pdus import encode_rejection
from radstream.dimse.sender import Sender
from radstream.dimse.session import Session
from radstream.dimse.sop_classes import (
    IMPLICIT_VR_LITTLE_ENDIAN,
)
from tests.dimse_pipe import Peer, abort, hang_up, to_answers
from tests.dimse_sending import PATIENCE, Item, errors, items, send
from tests.dimse_wire import settle

# --- statuses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("warning", [0x0001, 0x0107, 0x0116, 0xB000, 0xB006, 0xB007])
async def test_a_warning_is_stored(peer: Peer, warning: int) -> None:
    peer.answer = lambda _: warning
    (delivery,) = await send(items(1))
    assert (delivery.status, delivery.error) == (warning, None)


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0xC123, 0x0117, 0x0122, 0x0124, 0x0211, 0xFE00])
async def test_a_refusal_is_told_with_its_status_and_not_repeated(peer: Peer, status: int) -> None:
    peer.answer = lambda number: status if number == 2 else 0
    deliveries = await send(items(4))
    (refused,) = (delivery for delivery in deliveries if delivery.error)
    assert isinstance(refused.error, RejectedInstance)
    assert (refused.error.status, refused.status, refused.attempts) == (status, status, 1)
    assert len(peer.requests) == 4


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, 0x0110])
async def test_what_may_succeed_later_is_sent_again_on_the_same_association(peer: Peer, status: int) -> None:
    peer.answer = lambda number: status if number in (2, 3) else 0
    deliveries = await send(items(4))
    assert errors(deliveries) == {}
    assert sorted(delivery.attempts for delivery in deliveries) in ([1, 1, 1, 3], [1, 1, 2, 2])
    assert len(peer.sessions) == 1


async def test_an_instance_that_always_fails_is_given_up_and_its_neighbours_are_stored(peer: Peer) -> None:
    peer.answer = lambda number: 0x0110 if peer.requests[number - 1].command.affected_sop_instance_uid == "1.2.3" else 0
    deliveries = await send(items(20))
    (given_up,) = (delivery for delivery in deliveries if delivery.error)
    assert isinstance(given_up.error, Unavailable)
    assert (str(given_up.error), given_up.attempts) == ("the peer answered 0x0110", PATIENCE.attempts)
    assert len(peer.stored) == 19


# --- lost associations ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [hang_up, abort])
async def test_after_a_loss_only_what_was_not_acknowledged_is_sent_again(
    peer: Peer, failure: Callable[[Session], None]
) -> None:
    peer.answer = lambda number: failure if number % 7 == 0 else 0
    deliveries = await send(items(60), associations=2)
    assert errors(deliveries) == {}
    assert len(peer.stored) == 60
    assert sum(delivery.attempts for delivery in deliveries) == len(peer.requests)
    acknowledged = [delivery for delivery in deliveries if delivery.attempts == 1]
    assert len(acknowledged) > 40


async def test_an_instance_that_kills_the_peer_each_time_is_given_up_alone(peer: Peer) -> None:
    def answer(number: int) -> int | Callable[[Session], None]:
        return hang_up if peer.requests[number - 1].command.affected_sop_instance_uid == "1.2.3" else 0

    peer.answer = answer
    deliveries = await send(items(20))
    (given_up,) = (delivery for delivery in deliveries if delivery.error)
    assert given_up.instance.sop_instance_uid == "1.2.3"
    assert (given_up.status, given_up.attempts) == (None, PATIENCE.attempts)
    assert isinstance(given_up.error, Unavailable)
    assert len(peer.stored) == 19


async def test_a_peer_that_comes_up_late_gets_everything(peer: Peer) -> None:
    peer.absent = 20
    deliveries = await send(items(3))
    assert [(delivery.attempts, delivery.error) for delivery in deliveries] == [(1, None)] * 3


async def test_a_peer_that_never_comes_up_is_given_up_with_everything_that_is_left(peer: Peer) -> None:
    peer.absent = 10**9
    deliveries = await send(items(5), patience=replace(PATIENCE, peer_s=0.01))
    assert len(deliveries) == len(errors(deliveries)) == 5
    assert {(delivery.status, delivery.attempts) for delivery in deliveries} == {(None, 0)}
    assert all(isinstance(error, Unavailable) for error in errors(deliveries).values())


async def test_silence_is_a_lost_association(monkeypatch: pytest.MonkeyPatch) -> None:
    wires = to_answers(monkeypatch, None)
    patience = replace(PATIENCE, attempts=1, response_timeout_s=0.01)
    (delivery,) = await send(items(1), patience=patience)
    assert str(delivery.error) == "the peer did not respond in time"
    assert delivery.attempts == 1
    assert wires[0].transport.is_closing()


@pytest.mark.parametrize("reject", [(1, 1, 7), (1, 1, 3), (1, 1, 1)])
async def test_a_permanent_rejection_ends_it_at_once(
    monkeypatch: pytest.MonkeyPatch, reject: tuple[int, int, int]
) -> None:
    wires = to_answers(monkeypatch, encode_rejection(*reject))
    deliveries = await send(items(3))
    assert [delivery.attempts for delivery in deliveries] == [0, 0, 0]
    for delivery in deliveries:
        assert isinstance(delivery.error, AssociationRejected)
        assert delivery.error.reject == AssociateReject(*reject)
    assert len(wires) == 1


# --- what cannot be read --------------------------------------------------------------------------------------------


async def test_an_instance_that_cannot_be_read_harms_nobody(peer: Peer) -> None:
    sent = [Item("1.1"), Item("1.2", b"", failure=NotFound("no such blob")), Item("1.3")]
    deliveries = await send(sent)
    assert {uid: str(error) for uid, error in errors(deliveries).items()} == {"1.2": "no such blob"}
    assert set(peer.stored) == {"1.1", "1.3"}
    assert len(peer.sessions) == 1
    assert len(peer.requests) == 2


async def test_an_instance_that_breaks_off_costs_its_association_and_no_other_instance(peer: Peer) -> None:
    sent = [Item("1.1"), Item("1.2", bytes(600_000), failure=NotFound("gone")), Item("1.3")]
    deliveries = await send(sent)
    assert {uid: str(error) for uid, error in errors(deliveries).items()} == {"1.2": "gone"}
    assert set(peer.stored) == {"1.1", "1.3"}


async def test_a_store_that_does_not_answer_is_tried_again_and_given_up(peer: Peer) -> None:
    deliveries = await send([Item("1.1"), Item("1.2", b"", failure=Unavailable("no disk"))])
    (given_up,) = (delivery for delivery in deliveries if delivery.error)
    assert isinstance(given_up.error, Unavailable)
    assert (str(given_up.error), given_up.attempts) == ("no disk", PATIENCE.attempts)


@pytest.mark.parametrize("where", ["source", "instance", "convert"])
async def test_a_bug_of_the_caller_is_raised_and_not_swallowed(peer: Peer, where: str) -> None:
    async def source() -> AsyncIterator[Item]:
        yield Item("1.1", failure=ZeroDivisionError() if where == "instance" else None)
        if where == "source":
            raise ZeroDivisionError

    async def convert(_item: Item, _accepted: Collection[str]) -> Item:
        raise ZeroDivisionError

    if where == "convert":
        peer.route = replace(peer.route, transfer_syntaxes={IMPLICIT_VR_LITTLE_ENDIAN})
    with pytest.raises(BaseExceptionGroup) as raised:
        await send(source(), convert=convert, offers=[IMPLICIT_VR_LITTLE_ENDIAN])  # type: ignore[arg-type]
    assert raised.group_contains(ZeroDivisionError)
    await settle()
    assert not any(session.is_established for session in peer.sessions)


async def test_stopping_early_aborts_what_is_under_way(peer: Peer) -> None:
    async def endless() -> AsyncIterator[Item]:
        number = 0
        while True:
            number += 1
            await asyncio.sleep(0)
            yield Item(f"1.2.{number}")

    sender: Sender[Item] = Sender(Destination("192.0.2.2", 104), associations=2, patience=PATIENCE)
    async with aclosing(sender.send(endless())) as deliveries:
        async for delivery in deliveries:
            assert delivery.error is None
            break
    await settle()
    assert not any(session.is_established for session in peer.sessions)


async def test_who_does_not_ask_for_deliveries_is_not_run_ahead_of_for_ever(peer: Peer) -> None:
    sender: Sender[Item] = Sender(Destination("192.0.2.2", 104), patience=PATIENCE)
    async with aclosing(sender.send(items(500))) as deliveries:
        await anext(deliveries)
        await settle(5000)
        assert 100 <= len(peer.requests) < 110


async def test_no_more_is_asked_for_ahead_than_wanted(peer: Peer) -> None:
    made = 0

    async def count() -> AsyncIterator[Item]:
        nonlocal made
        for number in range(100):
            made += 1
            yield Item(f"1.2.{number}")

    peer.absent = 10**9
    sender: Sender[Item] = Sender(Destination("192.0.2.2", 104), patience=replace(PATIENCE, retry=Retry()), ahead=3)
    async with aclosing(sender.send(count())) as deliveries:
        waiting = asyncio.ensure_future(anext(deliveries))
        await settle(300)
        assert made <= 5
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
