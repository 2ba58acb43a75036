"""The DIMSE door: every outcome is a status of PS3.4 B.2.3, and who may call."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from radstream.dimse.ae_titles import ApplicationEntity
from radstream.dimse.messages import Command, CommandField
from radstream.dimse.server import Peer, Request, store_route
from radstream.settings import Settings
from services.ingest.accept import Accepting
from services.ingest.scp import StorageScp, StoreSink
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, make_instance

INSTANCE = make_instance(1, 1)
MEDIUM, HIGH, LOW = 0, 1, 2


def request(
    *,
    priority: int = MEDIUM,
    calling: str = "CT1",
    sop_class_uid: str | None = MR_IMAGE_STORAGE,
    sop_instance_uid: str | None = INSTANCE.sop_instance_uid,
) -> Request:
    command = Command(
        CommandField.C_STORE_RQ,
        command_data_set_type=0,
        message_id=1,
        affected_sop_class_uid=sop_class_uid,
        affected_sop_instance_uid=sop_instance_uid,
        priority=priority,
    )
    return Request(Peer(calling, "RADSTREAM", "127.0.0.1", 104), MR_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, command)


@pytest.fixture
def engines() -> Engines:
    return Engines()


@pytest.fixture
def scp(engines: Engines, tmp_path: Path) -> StorageScp:
    settings = Settings(home=tmp_path, publish_deadline_s=5, urgent_calling_ae_titles=("TRAUMA",))
    return StorageScp(Accepting(engines.backends, settings), settings)


async def store(scp: StorageScp, sent: Request, data_set: bytes = INSTANCE.data_set) -> int:
    sink = scp.on_c_store(sent)
    for start in range(0, len(data_set), 1000):
        sink.write(memoryview(data_set)[start : start + 1000])
        await sink.drain()
    return await sink.finish()


async def test_success_is_said_when_the_instance_is_durable_and_announced(engines: Engines, scp: StorageScp) -> None:
    assert await store(scp, request()) == 0x0000
    assert [kind for kind, _ in engines.effects] == ["blob", "event"]


async def test_a_log_that_is_away_does_not_keep_instances_out(engines: Engines, scp: StorageScp) -> None:
    engines.bus.state = "fails"
    assert await store(scp, request()) == 0x0000
    assert len(engines.blobs.keys("pending")) == 1


@pytest.mark.parametrize("operation", ["drain", "commit"])
async def test_peer_is_told_out_of_resources_when_blob_store_is_down(
    engines: Engines, scp: StorageScp, operation: str
) -> None:
    engines.blobs.fails_at = {operation}
    assert await store(scp, request()) == 0xA700
    assert engines.blobs.open_writers == 0


async def test_peer_is_told_out_of_resources_when_neither_log_nor_marker_can_be_written(
    engines: Engines, scp: StorageScp
) -> None:
    engines.bus.state = "fails"
    engines.blobs.fails_at = {"put"}
    assert await store(scp, request()) == 0xA700


@pytest.mark.parametrize(
    "uids", [{"sop_class_uid": "1.2.3"}, {"sop_instance_uid": "1.2.3"}, {"sop_instance_uid": None}]
)
async def test_a_data_set_other_than_the_command_announced_is_refused(
    engines: Engines, scp: StorageScp, uids: dict[str, str | None]
) -> None:
    assert await store(scp, request(**uids)) == 0xA900  # type: ignore[arg-type]
    assert engines.effects == []


async def test_a_data_set_that_cannot_be_understood_is_refused(engines: Engines, scp: StorageScp) -> None:
    assert await store(scp, request(), INSTANCE.data_set[:300]) == 0xC000
    assert engines.effects == []


async def test_sequences_nested_without_end_are_refused(engines: Engines, scp: StorageScp) -> None:
    sequence = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    assert await store(scp, request(), (sequence + item) * 200) == 0xC000


async def test_an_empty_data_set_is_refused(scp: StorageScp) -> None:
    assert await store(scp, request(), b"") == 0xA900


async def test_our_own_bug_is_a_processing_failure_and_the_sender_keeps_its_copy(
    engines: Engines, scp: StorageScp
) -> None:
    engines.bus.state = "breaks"
    assert await store(scp, request()) == 0x0110


async def test_a_lost_association_leaves_nothing(engines: Engines, scp: StorageScp) -> None:
    sink = scp.on_c_store(request())
    sink.write(memoryview(INSTANCE.data_set)[:3000])
    assert engines.blobs.open_writers == 1
    await sink.abort()
    assert engines.blobs.open_writers == 0
    assert isinstance(sink, StoreSink)


@pytest.mark.parametrize(
    ("priority", "calling", "topic"),
    [
        (MEDIUM, "CT1", "instance-stored"),
        (LOW, "CT1", "instance-stored"),
        (HIGH, "CT1", "instance-stored-urgent"),
        (MEDIUM, "TRAUMA", "instance-stored-urgent"),
    ],
)
async def test_urgent_is_what_the_sender_calls_so_or_who_is_always_so(
    engines: Engines, scp: StorageScp, priority: int, calling: str, topic: str
) -> None:
    assert await store(scp, request(priority=priority, calling=calling)) == 0x0000
    assert [message.topic for message in engines.bus.messages] == [topic]


async def test_an_entity_that_the_table_calls_urgent_always_goes_first(engines: Engines, scp: StorageScp) -> None:
    entity = ApplicationEntity("CT1", urgent=True)
    sent = request()
    assert await store(scp, replace(sent, peer=replace(sent.peer, entity=entity))) == 0x0000
    assert [message.topic for message in engines.bus.messages] == ["instance-stored-urgent"]


def test_private_storage_is_taken_only_if_configured(scp: StorageScp) -> None:
    assert "1.3.12.2.1107.5.9.1" not in store_route(scp.on_c_store).abstract_syntaxes
    assert "1.3.12.2.1107.5.9.1" in store_route(scp.on_c_store, ("1.3.12.2.1107.5.9.1",)).abstract_syntaxes
