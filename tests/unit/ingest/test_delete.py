"""DELETE: that something is deleted is durable, the log or a marker knows of it, and nothing else happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from radstream.blobs.decisions import arrivals_at, deletions_of
from radstream.contract.decision_keys import Target
from radstream.contract.events import InstanceStored, StudyDeleted, from_json
from radstream.contract.uids import Uid
from radstream.settings import Settings
from radstream.web.app import create_app
from services.ingest import delete
from services.ingest.accept import Accepted, Accepting
from services.ingest.identity import Origin
from services.ingest.sweep import Sweep
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, Instance, make_instance

FIRST, SECOND = make_instance(1, 1), make_instance(1, 2)
STUDY = Uid(FIRST.study_instance_uid)


@pytest.fixture
def engines() -> Engines:
    return Engines()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, allow_delete=True, publish_deadline_s=5)


@pytest.fixture
async def client(engines: Engines, settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(engines, settings) as opened:
        yield opened


def client_of(engines: Engines, settings: Settings) -> httpx2.AsyncClient:
    app = create_app("ingest", [delete.router(engines.backends, settings)], {})
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs.test/dicom-web/")


async def store(engines: Engines, settings: Settings, instance: Instance) -> Accepted:
    acceptance = Accepting(engines.backends, settings).begin(Origin("stow", EXPLICIT_VR_LITTLE_ENDIAN))
    acceptance.write(instance.data_set)
    return await acceptance.finish()


async def shown(engines: Engines) -> set[str]:
    """Return the SOP Instance UIDs of what the record says is there."""
    found = [info async for info, deleted_at in arrivals_at(engines.blobs, Target("main", STUDY)) if deleted_at is None]
    return {info.key.split("/")[4] for info in found}


def told(engines: Engines) -> list[StudyDeleted]:
    return [
        from_json(message.value, StudyDeleted) for message in engines.bus.messages if message.topic == "study-deleted"
    ]


@pytest.mark.parametrize(
    ("path", "event_type", "left"),
    [
        (f"studies/{STUDY}", "study-deleted", set()),
        (f"studies/{STUDY}/series/{FIRST.series_instance_uid}", "series-deleted", set()),
        (FIRST.url, "instance-deleted", {SECOND.sop_instance_uid}),
    ],
)
async def test_every_level_can_be_deleted_and_the_log_is_told(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient, path: str, event_type: str, left: set[str]
) -> None:
    for instance in (FIRST, SECOND):
        await store(engines, settings, instance)
    answer = await client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await shown(engines) == left
    (event,) = told(engines)
    assert (event.event_type, event.study_instance_uid) == (event_type, STUDY)
    assert engines.blobs.keys("pending") == []
    assert len(engines.blobs.keys("instances")) == 2  # only a purge removes what was stored


async def test_the_decision_is_durable_before_the_log_knows(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    await store(engines, settings, FIRST)
    engines.effects.clear()
    await client.delete(FIRST.url)
    kinds = [key.split("/")[1] if kind == "blob" else key for kind, key in engines.effects]
    assert kinds == ["pending", "decisions", "decisions", "study-deleted"]


@pytest.mark.parametrize("path", [f"studies/{STUDY}", "studies/1.2.3", f"studies/{STUDY}/series/1.2.3"])
async def test_what_is_not_there_or_no_more_is_not_found(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient, path: str
) -> None:
    await store(engines, settings, FIRST)
    await client.delete(f"studies/{STUDY}")
    decisions = engines.blobs.keys("decisions")
    answer = await client.delete(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert engines.blobs.keys("decisions") == decisions


async def test_a_path_without_a_uid_is_refused(client: httpx2.AsyncClient) -> None:
    assert (await client.delete("studies/all")).status_code == 400
    assert (await client.delete("studies/%201.2")).status_code == 400


async def test_nothing_is_deleted_where_the_operator_does_not_permit_it(engines: Engines, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    await store(engines, settings, FIRST)
    async with client_of(engines, settings) as client:
        answer = await client.delete(f"studies/{STUDY}")
    assert (answer.status_code, answer.json()["detail"]) == (403, delete.NOT_PERMITTED)
    assert await shown(engines) == {FIRST.sop_instance_uid}
    assert engines.blobs.keys("decisions") == []


async def test_a_log_that_is_away_gets_the_deletion_from_its_marker(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    await store(engines, settings, FIRST)
    engines.bus.state = "fails"
    assert (await client.delete(f"studies/{STUDY}")).status_code == 204
    assert len(engines.blobs.keys("pending")) == 1
    engines.bus.state = "works"
    engines.blobs.grow_older(10)
    assert await Sweep(engines.backends, settings).round() == 1
    assert [event.event_type for event in told(engines)] == ["study-deleted"]
    assert engines.blobs.keys("pending") == []


async def test_a_blob_store_that_is_away_is_unavailable_and_nothing_is_decided(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    await store(engines, settings, FIRST)
    engines.blobs.fails_at = {"put"}
    answer = await client.delete(f"studies/{STUDY}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    engines.blobs.fails_at = set()
    assert await shown(engines) == {FIRST.sop_instance_uid}
    assert told(engines) == []


async def test_a_damaged_marker_of_a_deletion_goes_to_its_own_topic(engines: Engines, settings: Settings) -> None:
    await engines.blobs.put("main/pending/deletions/1.json", b"{}")
    engines.blobs.grow_older(10)
    assert await Sweep(engines.backends, settings).round() == 1
    assert [message.topic for message in engines.bus.messages] == ["study-deleted"]


async def test_what_is_stored_again_after_its_deletion_is_there_again(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    before = await store(engines, settings, FIRST)
    await client.delete(f"studies/{STUDY}")
    again = await store(engines, settings, FIRST)
    assert not again.is_new
    assert again.event.blob_key == before.event.blob_key
    assert await shown(engines) == {FIRST.sop_instance_uid}
    deletions = await deletions_of(engines.blobs, [("main", STUDY)])
    assert deletions.cover(before.event.instance_key, before.event.occurred_at)
    assert not deletions.cover(again.event.instance_key, again.event.occurred_at)


async def test_the_same_bytes_once_more_change_nothing(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    await store(engines, settings, FIRST)
    await client.delete(FIRST.url)
    again = await store(engines, settings, FIRST)
    decisions = engines.blobs.keys("decisions")
    assert (await store(engines, settings, FIRST)).event.occurred_at == again.event.occurred_at
    assert engines.blobs.keys("decisions") == decisions


async def test_a_study_may_be_deleted_and_stored_as_often_as_one_likes(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    for _ in range(3):
        accepted = await store(engines, settings, FIRST)
        assert await shown(engines) == {FIRST.sop_instance_uid}
        assert (await client.delete(f"studies/{STUDY}")).status_code == 204
        assert await shown(engines) == set()
    assert len(told(engines)) == 3
    assert from_json(engines.bus.messages[0].value, InstanceStored).occurred_at < accepted.event.occurred_at


async def test_a_deletion_says_nothing_of_what_arrives_under_another_instance(
    engines: Engines, settings: Settings, client: httpx2.AsyncClient
) -> None:
    await store(engines, settings, FIRST)
    await client.delete(FIRST.url)
    await store(engines, settings, SECOND)
    assert await shown(engines) == {SECOND.sop_instance_uid}
