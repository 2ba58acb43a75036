"""Pending markers reach the log when it answers again, once and only then they go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from radstream.contract.blob_keys import pending_key
from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceStored, from_json, to_json
from radstream.contract.uids import Uid
from radstream.settings import Settings
from services.ingest.sweep import BATCH, LEASE_S, Lease, Sweep
from tests.ingest_engines import Engines, MemoryBlobs


def event(number: int, priority: str = "routine") -> InstanceStored:
    sop_instance_uid, sha256 = Uid(f"1.2.3.{number}"), f"{number:064x}"
    return InstanceStored(
        event_id=str(number),
        occurred_at="2026-01-01T00:00:00.000000Z",
        site="main",
        study_instance_uid=Uid("1.2"),
        series_instance_uid=Uid("1.3"),
        sop_instance_uid=sop_instance_uid,
        sop_class_uid=Uid("1.4"),
        transfer_syntax_uid=Uid("1.5"),
        blob_key=f"main/instances/1.2/1.3/{sop_instance_uid}/{sha256}.dcm",
        size_bytes=1,
        sha256=sha256,
        header_bytes=1,
        priority="urgent" if priority == "urgent" else "routine",
    )


async def mark(engines: Engines, *events: InstanceStored) -> None:
    for item in events:
        await engines.blobs.put(pending_key(item.instance_key), to_json(item))
    engines.blobs.grow_older(10)


@pytest.fixture
def engines() -> Engines:
    return Engines()


@pytest.fixture
def sweep(engines: Engines, tmp_path: Path) -> Sweep:
    return Sweep(engines.backends, Settings(home=tmp_path, publish_deadline_s=5))


async def test_a_marker_becomes_its_event_and_goes(engines: Engines, sweep: Sweep) -> None:
    await mark(engines, event(1), event(2, "urgent"))
    assert await sweep.round() == 2
    told = {message.topic: from_json(message.value, InstanceStored) for message in engines.bus.messages}
    assert told == {"instance-stored": event(1), "instance-stored-urgent": event(2, "urgent")}
    assert [message.key for message in engines.bus.messages] == ["1.2", "1.2"]
    assert engines.blobs.contents == {}


async def test_nothing_is_done_when_nothing_waits(engines: Engines, sweep: Sweep) -> None:
    assert await sweep.round() == 0
    assert (engines.bus.calls, engines.previews.effects) == (0, [])


async def test_a_marker_is_left_alone_while_its_acknowledgement_may_still_come(engines: Engines, sweep: Sweep) -> None:
    await engines.blobs.put(pending_key(event(1).instance_key), to_json(event(1)))
    assert await sweep.round() == 0
    assert engines.blobs.keys("pending")


@pytest.mark.parametrize("state", ["fails", "hangs"])
async def test_markers_stay_while_the_log_is_away(engines: Engines, tmp_path: Path, state: str) -> None:
    engines.bus.state = state
    sweep = Sweep(engines.backends, Settings(home=tmp_path, publish_deadline_s=0.02))
    await mark(engines, event(1))
    assert await sweep.round() == 0
    assert engines.blobs.keys("pending")
    assert not engines.previews.contents  # the lease was given back


async def test_a_long_absence_is_made_up_for_in_batches(engines: Engines, sweep: Sweep) -> None:
    number = 2 * BATCH + 3
    await mark(engines, *map(event, range(number)))
    assert await sweep.round() == number
    assert (engines.bus.calls, len(engines.bus.messages)) == (4, number)


async def test_only_one_marker_is_read_in_vain_while_the_log_is_away(engines: Engines, sweep: Sweep) -> None:
    engines.bus.state = "fails"
    await mark(engines, *map(event, range(5)))
    assert await sweep.round() == 0
    assert engines.blobs.read_count == 1


async def test_what_was_told_but_not_removed_is_told_again(engines: Engines, sweep: Sweep) -> None:
    await mark(engines, event(1))
    engines.blobs.fails_at = {"delete"}
    with pytest.raises(Unavailable):
        await sweep.round()
    engines.blobs.fails_at = set()
    assert await sweep.round() == 1
    assert [message.value for message in engines.bus.messages] == [to_json(event(1))] * 2


async def test_a_marker_that_cannot_be_read_goes_where_every_such_record_goes(engines: Engines, sweep: Sweep) -> None:
    await engines.blobs.put("main/pending/1.2.3/abc.json", b"{half")
    engines.blobs.grow_older(10)
    assert await sweep.round() == 1
    assert [(message.topic, message.value) for message in engines.bus.messages] == [("instance-stored", b"{half")]
    assert engines.blobs.contents == {}


async def test_markers_of_another_site_are_not_touched(engines: Engines, sweep: Sweep) -> None:
    await engines.blobs.put("south/pending/1.2.3/abc.json", to_json(event(1)))
    engines.blobs.grow_older(10)
    assert await sweep.round() == 0
    assert engines.blobs.keys("pending")


async def test_only_one_process_sweeps_at_a_time(engines: Engines, sweep: Sweep) -> None:
    await mark(engines, event(1))
    other = Lease(engines.backends.previews, "main/leases/pending-sweep", LEASE_S)
    assert await other.take()
    assert await sweep.round() == 0
    await other.give_back()
    assert await sweep.round() == 1


async def test_the_lease_of_a_dead_process_is_taken_over() -> None:
    blobs = MemoryBlobs()
    first, second = Lease(blobs, "main/leases/x", 60), Lease(blobs, "main/leases/x", 60)
    assert await first.take()
    assert not await second.take()
    blobs.grow_older(61)
    assert await second.take()
    assert not await first.take()


async def test_a_blob_store_that_is_away_does_not_end_the_sweep(
    engines: Engines, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.sweep.PERIOD_S", 0.001)
    await mark(engines, event(1))
    engines.blobs.fails_at = {"read"}
    stop = asyncio.Event()
    running = asyncio.ensure_future(sweep.run(stop))
    await asyncio.sleep(0.01)  # some rounds fail meanwhile
    assert not engines.bus.messages
    engines.blobs.fails_at = set()
    await engines.bus.took.wait()
    stop.set()
    await running
    assert len(engines.bus.messages) == 1
    assert engines.blobs.contents == {}
