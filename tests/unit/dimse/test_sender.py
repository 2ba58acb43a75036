"""The sender: everything is stored once, each transfer syntax in its own context, or has a reason why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import replace

import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dimse.proposals import MAX_CONTEXTS
from radstream.dimse.sop_classes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    STORAGE_SOP_CLASSES,
)
from tests.dimse_pipe import Peer
from tests.dimse_sending import Item, errors, items, send
from tests.dimse_wire import CT_IMAGE_STORAGE, settle

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


@pytest.mark.parametrize("associations", [1, 4])
async def test_everything_is_stored_byte_by_byte_and_told_once(peer: Peer, associations: int) -> None:
    sent = items(200)
    deliveries = await send(sent, associations=associations)
    assert sorted(delivery.instance.sop_instance_uid for delivery in deliveries) == sorted(
        item.sop_instance_uid for item in sent
    )
    assert peer.stored == {item.sop_instance_uid: item.data for item in sent}
    assert {(delivery.status, delivery.attempts, delivery.error) for delivery in deliveries} == {(0, 1, None)}
    assert len(peer.sessions) == associations
    assert not any(session.is_established for session in peer.sessions)


async def test_nothing_to_send_asks_for_no_association(peer: Peer) -> None:
    assert await send([]) == []
    assert peer.sessions == []


async def test_an_empty_data_set_is_sent(peer: Peer) -> None:
    assert errors(await send([Item("1.2.3", b"")])) == {}
    assert peer.stored == {"1.2.3": b""}


async def test_priority_and_move_originator_reach_the_peer(peer: Peer) -> None:
    await send([Item("1.2.3", priority=1, move_originator=("MOVER", 9))])
    command = peer.requests[0].command
    assert (command.priority, command.move_originator_application_entity_title) == (1, "MOVER")
    assert command.move_originator_message_id == 9


# --- presentation contexts ------------------------------------------------------------------------------------------


async def test_each_transfer_syntax_has_a_context_of_its_own(peer: Peer) -> None:
    syntaxes = (EXPLICIT_VR_LITTLE_ENDIAN, JPEG_BASELINE, IMPLICIT_VR_LITTLE_ENDIAN)
    sent = [Item(f"1.2.{number}", transfer_syntax_uid=syntaxes[number % 3]) for number in range(9)]
    assert errors(await send(sent)) == {}
    assert peer.contexts == [[(CT_IMAGE_STORAGE, syntax) for syntax in syntaxes]]
    for request in peer.requests:
        (item,) = (one for one in sent if one.sop_instance_uid == request.command.affected_sop_instance_uid)
        assert request.transfer_syntax_uid == item.transfer_syntax_uid


async def test_more_than_128_contexts_are_spread_over_associations(peer: Peer) -> None:
    kinds = [
        (uid, syntax)
        for uid in sorted(STORAGE_SOP_CLASSES)[:90]
        for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
    ]
    sent = [
        Item(f"1.{turn}.{number}", sop_class_uid=uid, transfer_syntax_uid=syntax)
        for turn in (1, 2)
        for number, (uid, syntax) in enumerate(kinds)
    ]
    assert errors(await send(sent)) == {}
    assert len(peer.stored) == 360
    assert [len(contexts) for contexts in peer.contexts] == [MAX_CONTEXTS, 180 - MAX_CONTEXTS]


async def test_a_kind_that_comes_up_later_gets_its_context_by_another_association(peer: Peer) -> None:
    async def slowly() -> AsyncIterator[Item]:
        yield Item("1.2.1")
        await settle(200)
        assert len(peer.stored) == 1
        yield Item("1.2.2", transfer_syntax_uid=JPEG_BASELINE)
        yield Item("1.2.3")

    assert errors(await send(slowly())) == {}  # type: ignore[arg-type]
    assert [len(contexts) for contexts in peer.contexts] == [1, 2]


async def test_what_the_peer_does_not_take_fails_alone_with_the_result_of_its_context(peer: Peer) -> None:
    peer.route = replace(
        peer.route, transfer_syntaxes={EXPLICIT_VR_LITTLE_ENDIAN}, abstract_syntaxes={CT_IMAGE_STORAGE}
    )
    failed = errors(
        await send([Item("1.1"), Item("1.2", transfer_syntax_uid=JPEG_BASELINE), Item("1.3", sop_class_uid="1.4")])
    )
    assert {uid: str(error) for uid, error in failed.items()} == {
        "1.2": "the peer refuses the presentation context: transfer syntax not supported",
        "1.3": "the peer refuses the presentation context: abstract syntax not supported",
    }
    assert all(isinstance(error, UnsupportedInstance) for error in failed.values())
    assert set(peer.stored) == {"1.1"}
    assert len(peer.sessions) == 1


async def test_a_peer_that_takes_nothing_is_asked_once(peer: Peer) -> None:
    peer.route = replace(peer.route, abstract_syntaxes=set())
    deliveries = await send(items(20))
    assert len(deliveries) == len(errors(deliveries)) == 20
    assert all(isinstance(delivery.error, UnsupportedInstance) for delivery in deliveries)
    assert len(peer.sessions) == 1


async def to_explicit(item: Item, accepted: Collection[str]) -> Item:
    if item.sop_instance_uid.endswith(".13") or EXPLICIT_VR_LITTLE_ENDIAN not in accepted:
        raise UnsupportedInstance("cannot be decoded")
    return replace(item, data=b"decoded", transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN)


async def test_the_callers_function_converts_what_the_peer_does_not_take_as_it_is(peer: Peer) -> None:
    peer.route = replace(peer.route, transfer_syntaxes={EXPLICIT_VR_LITTLE_ENDIAN})
    sent = [
        Item("1.2.11"),
        Item("1.2.12", transfer_syntax_uid=JPEG_BASELINE),
        Item("1.2.13", transfer_syntax_uid=JPEG_BASELINE),
    ]
    deliveries = await send(sent, convert=to_explicit, offers=[EXPLICIT_VR_LITTLE_ENDIAN])
    assert peer.stored == {"1.2.11": b"ab", "1.2.12": b"decoded"}
    assert {uid: str(error) for uid, error in errors(deliveries).items()} == {"1.2.13": "cannot be decoded"}
    (converted,) = (one for one in deliveries if one.instance.sop_instance_uid == "1.2.12")
    assert converted.instance.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN


async def test_nothing_is_converted_that_the_peer_takes_as_it_is(peer: Peer) -> None:
    await send(
        [Item("1.2.3", transfer_syntax_uid=JPEG_BASELINE)], convert=to_explicit, offers=[EXPLICIT_VR_LITTLE_ENDIAN]
    )
    assert peer.stored == {"1.2.3": b"ab"}
