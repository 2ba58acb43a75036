"""A log that is away: a marker takes the event's place, and nobody waits twice."""

from __future__ import annotations

import asyncio

import pytest

from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceStored, from_json
from services.ingest.accept import Accepting
from tests.accepting import INSTANCE, accept
from tests.ingest_engines import Engines
from tests.instances import make_instance


@pytest.mark.parametrize("state", ["fails", "hangs"])
async def test_a_marker_takes_the_place_of_the_event_when_the_log_is_away(
    engines: Engines, hurried: Accepting, state: str
) -> None:
    engines.bus.state = state
    accepted = await accept(hurried, INSTANCE.data_set)
    (marker,) = engines.blobs.keys("pending")
    assert accepted.is_marked
    assert accepted.outcome == "marked"
    assert engines.effects == [("blob", accepted.event.blob_key), ("blob", marker)]
    assert from_json(engines.blobs.contents[marker][0], InstanceStored) == accepted.event


async def test_only_the_first_sender_waits_for_a_log_that_is_away(engines: Engines, hurried: Accepting) -> None:
    engines.bus.state = "hangs"
    for number in range(1, 6):
        assert (await accept(hurried, make_instance(1, number).data_set)).is_marked
    assert engines.bus.calls == 1
    assert len(engines.blobs.keys("pending")) == 5


async def test_the_log_is_tried_again_while_nobody_waits_for_it(
    engines: Engines, hurried: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.announce.REST_S", 0.0)
    engines.bus.state = "hangs"
    for number in range(1, 6):  # the second is offered to the log as well, and hangs there while the others go by
        assert (await accept(hurried, make_instance(1, number).data_set)).is_marked
        await asyncio.sleep(0)
    assert engines.bus.calls == 2
    engines.bus.state = "works"
    engines.bus.released.set()
    await asyncio.gather(*hurried.announcer._offers)
    accepted = await accept(hurried, make_instance(1, 6).data_set)
    assert accepted.outcome == "created"
    assert len(engines.blobs.keys("pending")) == 5


async def test_a_log_that_fails_again_and_again_is_left_alone_in_between(engines: Engines, hurried: Accepting) -> None:
    engines.bus.state = "fails"
    for number in range(1, 6):
        assert (await accept(hurried, make_instance(1, number).data_set)).is_marked
    assert engines.bus.calls == 1


async def test_a_late_acknowledgement_leaves_event_and_marker_and_tells_that_the_log_is_back(
    engines: Engines, hurried: Accepting
) -> None:
    engines.bus.state = "hangs"
    assert (await accept(hurried, INSTANCE.data_set)).is_marked
    engines.bus.released.set()
    await asyncio.gather(*hurried.announcer._offers)
    assert len(engines.bus.messages) == 1  # the sweep will say it again, which has no further effect
    engines.bus.state = "works"
    assert not (await accept(hurried, make_instance(1, 2).data_set)).is_marked


async def test_a_late_failure_of_the_log_disturbs_nobody(engines: Engines, hurried: Accepting) -> None:
    engines.bus.state = "hangs"
    await accept(hurried, INSTANCE.data_set)
    (offer,) = hurried.announcer._offers
    offer.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not hurried.announcer._offers


async def test_without_log_and_marker_nothing_is_claimed(engines: Engines, accepting: Accepting) -> None:
    engines.bus.state = "fails"
    engines.blobs.fails_at = {"put"}
    with pytest.raises(Unavailable):
        await accept(accepting, INSTANCE.data_set)
