"""Ingest on the engines of the embedded mode: what is acknowledged is on disk and in the log."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from radstream.backends import Backends
from radstream.blobs.folder import FolderBlobStore
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Record
from radstream.contract.blob_keys import pending_prefix
from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceStored, from_json
from radstream.contract.topics import TOPICS
from radstream.dicom.part10 import parse_meta
from radstream.settings import Settings
from services.ingest.accept import Accepted, Accepting
from services.ingest.identity import Origin
from services.ingest.sweep import Sweep
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, Instance, make_instance

ORIGIN = Origin("dimse", EXPLICIT_VR_LITTLE_ENDIAN, "CT1")


class AbsentLog:
    """A log that is away."""

    async def publish(self, messages: object) -> None:
        raise Unavailable("the log is away")


@asynccontextmanager
async def engines(home: Path, *, log: AbsentLog | None = None) -> AsyncIterator[Backends]:
    bus = EmbeddedBus(home / "bus")
    await bus.create_topics(TOPICS)
    blobs, previews = FolderBlobStore(home / "blobs"), FolderBlobStore(home / "previews", durable=False)
    try:
        yield Backends(bus=cast(Any, log or bus), blobs=blobs, previews=previews, catalog=cast(Any, None))
    finally:
        for engine in (bus, blobs, previews):
            await engine.close()


async def accept(backends: Backends, settings: Settings, instance: Instance) -> Accepted:
    acceptance = Accepting(backends, settings).begin(ORIGIN)
    for start in range(0, len(instance.data_set), 10_000):
        acceptance.write(memoryview(instance.data_set)[start : start + 10_000])
        await acceptance.drain()
    return await acceptance.finish()


async def records(backends: Backends) -> list[Record]:
    return await backends.bus.read("instance-stored", limit=1000)


def head_bytes(content: bytes) -> int:
    meta = parse_meta(content)
    assert meta is not None
    return meta.data_set_offset


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, publish_deadline_s=0.5)


@pytest.fixture
def patient(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, publish_deadline_s=10)


async def test_what_is_acknowledged_is_there_after_a_reopening(tmp_path: Path, patient: Settings) -> None:
    instances = [make_instance(1, number, size=512 if number % 4 == 0 else 64) for number in range(1, 13)]
    async with engines(tmp_path) as backends:
        await asyncio.gather(*(accept(backends, patient, instance) for instance in instances))
    async with engines(tmp_path) as backends:
        events = [from_json(record.value, InstanceStored) for record in await records(backends)]
        assert sorted(event.sha256 for event in events) == sorted(instance.sha256 for instance in instances)
        for event in events:
            content = await backends.blobs.read(event.blob_key)
            assert len(content) == event.size_bytes
            assert hashlib.sha256(content[head_bytes(content) :]).hexdigest() == event.sha256


async def test_the_same_bytes_twice_are_one_blob(tmp_path: Path, patient: Settings) -> None:
    async with engines(tmp_path) as backends:
        first, again = [await accept(backends, patient, make_instance(1, 1)) for _ in range(2)]
        assert (first.outcome, again.outcome) == ("created", "known")
        assert again.event.occurred_at == first.event.occurred_at
        assert len([info async for info in backends.blobs.list("main/instances/")]) == 1


async def test_instances_that_came_while_the_log_was_away_are_announced_later(
    tmp_path: Path, settings: Settings, patient: Settings
) -> None:
    instances = [make_instance(1, number) for number in range(1, 6)]
    async with engines(tmp_path, log=AbsentLog()) as backends:
        accepted = [await accept(backends, settings, instance) for instance in instances]
        assert all(one.is_marked for one in accepted)
    async with engines(tmp_path) as backends:
        assert await records(backends) == []
        assert await Sweep(backends, patient).round() == 0  # its acknowledgement may still come
        sweep = Sweep(backends, settings)
        await asyncio.sleep(settings.publish_deadline_s)
        assert await sweep.round() == 5
        told = [from_json(record.value, InstanceStored) for record in await records(backends)]
        assert {event.sha256 for event in told} == {instance.sha256 for instance in instances}
        assert [info async for info in backends.blobs.list(pending_prefix("main"))] == []
        assert await sweep.round() == 0
