"""The story of one instance: order of effects, what is refused, what happens when log or blob store is away."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import tracemalloc

import pytest

from radstream.contract.blob_keys import parse_instance_key
from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceStored, from_json, to_timestamp
from radstream.dicom.header import HEADER_LIMIT_BYTES
from radstream.dicom.part10 import parse_meta
from services.ingest.accept import Accepting
from services.ingest.identity import Origin
from tests.accepting import DIMSE, INSTANCE, PIXEL_DATA, accept, feed
from tests.ingest_engines import Engines, MemoryWriter
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
async def test_the_exact_bytes_are_stored_behind_our_own_meta_group(
    engines: Engines, accepting: Accepting, step: int
) -> None:
    await accept(accepting, INSTANCE.data_set, step=step)
    (key,) = engines.blobs.keys("instances")
    content, _ = engines.blobs.contents[key]
    meta = parse_meta(content)
    assert meta is not None
    assert content[meta.data_set_offset :] == INSTANCE.data_set
    assert meta.media_storage_sop_class_uid == MR_IMAGE_STORAGE
    assert meta.media_storage_sop_instance_uid == INSTANCE.sop_instance_uid
    assert meta.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN


async def test_the_key_is_site_hierarchy_and_the_hash_of_the_data_set(engines: Engines, accepting: Accepting) -> None:
    await accept(accepting, INSTANCE.data_set)
    key = parse_instance_key(engines.blobs.keys("instances")[0])
    assert (key.site, key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid, key.sha256) == (
        "north",
        INSTANCE.study_instance_uid,
        INSTANCE.series_instance_uid,
        INSTANCE.sop_instance_uid,
        hashlib.sha256(INSTANCE.data_set).hexdigest(),
    )


async def test_the_event_says_where_the_header_ends_and_who_sent_it(engines: Engines, accepting: Accepting) -> None:
    accepted = await accept(accepting, INSTANCE.data_set)
    (message,) = engines.bus.messages
    event = from_json(message.value, InstanceStored)
    assert event == accepted.event
    content, stored_at = engines.blobs.contents[event.blob_key]
    assert content[event.header_bytes :][:4] == struct.pack("<HH", 0x7FE0, 0x0010)
    assert content[: event.header_bytes].endswith(INSTANCE.data_set[:PIXEL_DATA])
    assert event.size_bytes == len(content)
    assert event.occurred_at == to_timestamp(stored_at)
    assert (event.calling_ae_title, event.priority, event.sop_class_uid) == ("CT1", "routine", MR_IMAGE_STORAGE)
    assert message.key == INSTANCE.study_instance_uid
    assert message.headers["ce_id"] == event.event_id


async def test_a_header_without_pixel_data_reaches_to_the_end(engines: Engines, accepting: Accepting) -> None:
    accepted = await accept(accepting, INSTANCE.data_set[:PIXEL_DATA])
    assert accepted.event.header_bytes == accepted.event.size_bytes


async def test_a_header_nobody_should_read_at_once_is_announced_as_unknown(accepting: Accepting) -> None:
    large = struct.pack("<HH2sHL", 0x0029, 0x1010, b"OB", 0, HEADER_LIMIT_BYTES)
    data_set = INSTANCE.data_set[:PIXEL_DATA] + large + bytes(HEADER_LIMIT_BYTES)
    assert (await accept(accepting, data_set, step=8 << 20)).event.header_bytes == 0


async def test_the_blob_is_durable_before_the_log_hears_of_it(engines: Engines, accepting: Accepting) -> None:
    accepted = await accept(accepting, INSTANCE.data_set)
    assert engines.effects == [("blob", accepted.event.blob_key), ("event", "instance-stored")]


async def test_success_is_not_claimed_before_the_log_acknowledged(engines: Engines, accepting: Accepting) -> None:
    engines.bus.state = "hangs"
    acceptance = accepting.begin(DIMSE)
    await feed(acceptance, INSTANCE.data_set)
    finishing = asyncio.ensure_future(acceptance.finish())
    await engines.bus.asked.wait()
    assert engines.blobs.keys("instances")
    assert not finishing.done()
    engines.bus.released.set()
    assert not (await finishing).is_marked


async def test_urgent_instances_have_a_topic_of_their_own(engines: Engines, accepting: Accepting) -> None:
    await accept(accepting, INSTANCE.data_set, Origin("dimse", EXPLICIT_VR_LITTLE_ENDIAN, priority="urgent"))
    assert engines.bus.messages[0].topic == "instance-stored-urgent"


async def test_the_same_bytes_again_change_nothing_and_are_told_again(engines: Engines, accepting: Accepting) -> None:
    first = await accept(accepting, INSTANCE.data_set)
    again = await accept(accepting, INSTANCE.data_set)
    assert (first.outcome, again.outcome) == ("created", "known")
    assert len(engines.blobs.keys("instances")) == 1
    assert len(engines.bus.messages) == 2
    assert again.event.occurred_at == first.event.occurred_at
    assert again.event.header_bytes == first.event.header_bytes


async def test_the_event_of_known_bytes_describes_the_blob_that_is_there(
    engines: Engines, accepting: Accepting
) -> None:
    jpeg = "1.2.840.10008.1.2.4.50"
    first = await accept(accepting, INSTANCE.data_set)
    again = await accept(accepting, INSTANCE.data_set, Origin("dimse", jpeg))
    assert again.event.transfer_syntax_uid == first.event.transfer_syntax_uid
    assert again.event.size_bytes == first.event.size_bytes
    assert again.event.header_bytes == 0


async def test_other_bytes_under_the_same_uid_are_kept_beside_the_first(engines: Engines, accepting: Accepting) -> None:
    await accept(accepting, INSTANCE.data_set)
    second = await accept(accepting, make_instance(1, 1, altered=b"\1\2").data_set)
    assert second.is_new
    assert len(engines.blobs.keys("instances")) == 2


@pytest.mark.parametrize("operation", ["drain", "commit"])
async def test_a_blob_store_that_is_away_is_said_so_and_the_log_hears_nothing(
    engines: Engines, accepting: Accepting, operation: str
) -> None:
    engines.blobs.fails_at = {operation}
    with pytest.raises(Unavailable):
        await accept(accepting, make_instance(1, 1, size=512).data_set)
    assert engines.effects == []
    assert engines.blobs.open_writers == 0


async def test_a_key_that_is_not_known_to_be_durable_is_no_success_and_comes_again_without_effect(
    engines: Engines, accepting: Accepting
) -> None:
    engines.blobs.fails_at = {"settle"}
    with pytest.raises(Unavailable):
        await accept(accepting, INSTANCE.data_set)
    assert engines.blobs.open_writers == 0
    engines.blobs.fails_at = set()
    assert (await accept(accepting, INSTANCE.data_set)).outcome == "known"


async def test_an_aborted_instance_leaves_nothing(engines: Engines, accepting: Accepting) -> None:
    acceptance = accepting.begin(DIMSE)
    await feed(acceptance, INSTANCE.data_set[:5000])
    assert engines.blobs.open_writers == 1
    await acceptance.abort()
    await acceptance.abort()
    assert engines.blobs.open_writers == 0
    assert engines.effects == []


async def test_a_cancelled_finish_leaves_no_writer(engines: Engines, accepting: Accepting) -> None:
    engines.bus.state = "hangs"
    acceptance = accepting.begin(DIMSE)
    await feed(acceptance, INSTANCE.data_set)
    finishing = asyncio.ensure_future(acceptance.finish())
    await engines.bus.asked.wait()
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert engines.blobs.open_writers == 0
    # Durable but not acknowledged: when the sender sends it again, the event follows.
    engines.bus.state = "works"
    assert (await accept(accepting, INSTANCE.data_set)).outcome == "known"
    assert [message.topic for message in engines.bus.messages] == ["instance-stored"]


async def test_memory_does_not_grow_with_the_data_set(
    engines: Engines, accepting: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    monkeypatch.setattr(MemoryWriter, "write", lambda _writer, data: written.append(len(data)))
    piece = bytes(1 << 20)
    acceptance = accepting.begin(DIMSE)
    await feed(acceptance, INSTANCE.data_set[:PIXEL_DATA], step=100)
    acceptance.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, 256 << 20))
    tracemalloc.start()
    for _ in range(256):
        acceptance.write(memoryview(piece))
        await acceptance.drain()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await acceptance.finish()
    assert sum(written) == PIXEL_DATA + 12 + (256 << 20)
    assert peak_bytes < 1 << 20


async def test_many_at_a_time_do_not_mix(engines: Engines, accepting: Accepting) -> None:
    instances: list[Instance] = [make_instance(1, number) for number in range(1, 20)]
    await asyncio.gather(*(accept(accepting, instance.data_set, step=97) for instance in instances))
    for instance in instances:
        (key,) = [key for key in engines.blobs.contents if instance.sop_instance_uid in key]
        assert engines.blobs.contents[key][0].endswith(instance.data_set)
