"""Golden events: what producers make today is what is kept in `tests/contract/<topic>/v1`, and consumers take it.

An event lies on the log for days, and services are updated one after another. A golden file is therefore never changed:
a field may be added with a default (then the file still has to be taken), anything else is a new version.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from radstream.blobs.decisions import decide_deletion
from radstream.bus.port import Record
from radstream.catalog.port import Put
from radstream.contract.decision_keys import Target
from radstream.contract.errors import MalformedEvent, UnsupportedInstance
from radstream.contract.events import (
    Event,
    InstanceConflicted,
    InstanceEvent,
    InstanceIndexed,
    InstanceRendered,
    InstanceStored,
    StudyCompleted,
    StudyDeleted,
    StudyEvent,
    StudyReopened,
    from_json,
    headers_of,
    to_json,
)
from radstream.contract.topics import TOPICS
from radstream.contract.uids import Uid
from radstream.settings import Settings
from services.index.lifecycle import Lifecycle
from services.ingest.accept import Accepting
from services.ingest.delete import Deleting
from services.ingest.identity import Origin
from services.render.handle import Rendering
from services.render.stand_ins import StandIns
from tests.index_engines import EXPLICIT, Archive, data_set

FOLDER = Path(__file__).parent
KINDS: dict[str, type[InstanceEvent] | type[StudyEvent] | type[StudyDeleted]] = {
    "instance-stored": InstanceStored,
    "instance-stored-urgent": InstanceStored,
    "instance-indexed": InstanceIndexed,
    "instance-indexed-urgent": InstanceIndexed,
    "instance-rendered": InstanceRendered,
    "instance-conflicted": InstanceConflicted,
    "study-completed": StudyCompleted,
    "study-reopened": StudyReopened,
    "study-deleted": StudyDeleted,
}
GOLDEN = sorted(FOLDER.glob("*/v1/*.json"))
OF_THE_MOMENT = ("event_id", "occurred_at")

IMAGE = {"Rows": 2, "Columns": 2, "BitsAllocated": 8, "PixelData": b"abcd"}


def first() -> bytes:
    return data_set(**IMAGE)


def second() -> bytes:
    return data_set(**IMAGE, PatientName="Other^Name")


def golden(name: str) -> dict[str, Any]:
    (path,) = FOLDER.glob(f"*/v1/{name}.json")
    return cast(dict[str, Any], json.loads(path.read_bytes()))


async def ingested(content: bytes, calling_ae_title: str, priority: Any = "routine") -> tuple[Archive, InstanceStored]:
    """Return an archive in which ingest stored an instance, and the event that it put on the log."""
    archive = Archive()
    origin = Origin("dimse", EXPLICIT, calling_ae_title, priority)
    acceptance = Accepting(archive.backends, Settings(site="main")).begin(origin)
    acceptance.write(content)
    await acceptance.finish()
    (message,) = archive.bus.messages
    return archive, from_json(message.value, InstanceStored)


async def stored() -> InstanceStored:
    return (await ingested(first(), "CT1"))[1]


async def stored_urgent() -> InstanceStored:
    archive, event = await ingested(first(), "ER1", "urgent")
    assert archive.bus.messages[0].topic == "instance-stored-urgent"
    return event


async def indexed() -> InstanceIndexed:
    archive, event = await ingested(first(), "CT1")
    await archive.index(event)
    return cast(InstanceIndexed, archive.published("instance-indexed", InstanceIndexed)[0])


async def indexed_urgent() -> InstanceIndexed:
    archive, event = await ingested(first(), "ER1", "urgent")
    await archive.index(event)
    assert archive.published("instance-indexed", InstanceIndexed) == []
    return cast(InstanceIndexed, archive.published("instance-indexed-urgent", InstanceIndexed)[0])


async def conflicted() -> InstanceConflicted:
    archive = Archive()
    await archive.index(archive.store_bytes(first()), archive.store_bytes(second(), after_s=1))
    return cast(InstanceConflicted, archive.published("instance-conflicted", InstanceConflicted)[0])


async def completed() -> StudyCompleted:
    archive = Archive()
    await archive.index(archive.store_bytes(first()))
    archive.now += timedelta(minutes=2)
    await Lifecycle(archive.backends, archive.indexing, 60, lambda: archive.now).round()
    return cast(StudyCompleted, archive.published("study-completed", StudyCompleted)[0])


async def reopened() -> StudyReopened:
    archive = Archive()
    await archive.index(archive.store_bytes(first()))
    archive.now += timedelta(minutes=2)
    await Lifecycle(archive.backends, archive.indexing, 60, lambda: archive.now).round()
    await archive.index(archive.store(SOPInstanceUID="1.2.3.2"))
    return cast(StudyReopened, archive.published("study-reopened", StudyReopened)[0])


async def deleted(*below: str) -> StudyDeleted:
    archive, event = await ingested(first(), "CT1")
    uids = [Uid(uid) for uid in (event.study_instance_uid, *below)]
    await Deleting(archive.backends, Settings(site="main")).delete(Target("main", *uids))
    return cast(StudyDeleted, archive.published("study-deleted", StudyDeleted)[0])


class Kept:
    """Makes a preview of whatever arrives, or not."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.stood: list[Any] = []

    async def stand_for_others(self, document: Any) -> None:
        self.stood.append(document)

    async def arrive(self, _document: Any) -> bool:
        if self.reason:
            raise UnsupportedInstance(self.reason)
        return False


async def render(event: InstanceIndexed, reason: str = "") -> InstanceRendered:
    archive = Archive()
    await archive.backends.catalog.apply([Put("instances", event.sop_instance_uid, {"blob_key": event.blob_key})])
    rendering = Rendering(archive.backends, cast(Any, Kept(reason)))
    await rendering.on_instance_indexed([record(event)])
    return cast(InstanceRendered, archive.published("instance-rendered", InstanceRendered)[0])


async def rendered() -> InstanceRendered:
    return await render(await indexed())


async def not_rendered() -> InstanceRendered:
    return await render(await indexed(), "the instance has no Pixel Data")


PRODUCERS: dict[str, Callable[[], Awaitable[Event]]] = {
    "stored": stored,
    "stored-urgent": stored_urgent,
    "indexed": indexed,
    "indexed-urgent": indexed_urgent,
    "rendered": rendered,
    "not-rendered": not_rendered,
    "conflicted": conflicted,
    "completed": completed,
    "reopened": reopened,
    "deleted": deleted,
    "deleted-series": partial(deleted, "1.2.2.1"),
    "deleted-instance": partial(deleted, "1.2.2.1", "1.2.3.1"),
}


def record(event: Event) -> Record:
    return Record(event.event_type, 0, 0, event.study_instance_uid, to_json(event), headers_of(event), 0)


def test_every_topic_has_a_golden_event() -> None:
    assert {path.parent.parent.name for path in GOLDEN} == {topic.name for topic in TOPICS} == set(KINDS)
    assert {path.stem for path in GOLDEN} == set(PRODUCERS)


@pytest.mark.parametrize("name", PRODUCERS)
async def test_the_producer_makes_the_golden_event(name: str) -> None:
    made, kept = json.loads(to_json(await PRODUCERS[name]())), golden(name)
    assert made | {field: kept[field] for field in OF_THE_MOMENT} == kept


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_golden_event_is_taken_as_it_is(path: Path) -> None:
    event = from_json(path.read_bytes(), KINDS[path.parent.parent.name])
    assert json.loads(to_json(event)) == json.loads(path.read_bytes())
    assert event.event_type == json.loads(path.read_bytes())["event_type"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_fields_of_a_newer_producer_are_ignored(path: Path) -> None:
    newer = json.loads(path.read_bytes()) | {"colour": "blue"}
    kind = KINDS[path.parent.parent.name]
    assert from_json(json.dumps(newer).encode(), kind) == from_json(path.read_bytes(), kind)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_event_without_its_study_is_refused(path: Path) -> None:
    kept = json.loads(path.read_bytes())
    del kept["study_instance_uid"]
    with pytest.raises(MalformedEvent):
        from_json(json.dumps(kept).encode(), KINDS[path.parent.parent.name])


@pytest.mark.parametrize("name", ["stored", "stored-urgent"])
async def test_index_takes_the_golden_event_of_ingest(name: str) -> None:
    archive = Archive()
    archive.store_bytes(first())
    event = from_json(json.dumps(golden(name)).encode(), InstanceStored)
    await archive.indexing.on_instance_stored([record(event)])
    assert archive.documents("instances")[event.sop_instance_uid]["blob_key"] == event.blob_key


@pytest.mark.parametrize("name", ["deleted", "deleted-series", "deleted-instance"])
async def test_index_takes_the_golden_event_of_a_deletion(name: str) -> None:
    archive, stored_event = await ingested(first(), "CT1")
    await archive.index(stored_event)
    await decide_deletion(archive.backends.blobs, Target("main", Uid("1.2.1.1")))
    await archive.indexing.removal.on_study_deleted(
        [record(from_json(json.dumps(golden(name)).encode(), StudyDeleted))]
    )
    assert archive.documents("instances") == archive.documents("studies") == {}


@pytest.mark.parametrize("name", ["indexed", "indexed-urgent"])
async def test_render_takes_the_golden_event_of_index(name: str) -> None:
    event = from_json(json.dumps(golden(name)).encode(), InstanceIndexed)
    assert (await render(event)).preview_key == golden("rendered")["preview_key"]


async def test_render_takes_the_golden_event_of_a_completed_study() -> None:
    archive, kept = Archive(), Kept("")
    event = from_json(json.dumps(golden("completed")).encode(), StudyCompleted)
    await archive.index(archive.store(StudyInstanceUID=event.study_instance_uid, Rows=1, Columns=1))
    await StandIns(archive.backends.catalog, cast(Any, kept)).on_study_completed([record(event)])
    assert [each["StudyInstanceUID"] for each in kept.stood] == [event.study_instance_uid]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_no_event_says_who_the_patient_is(path: Path) -> None:
    text = path.read_text()
    assert not any(word in text for word in ("Smith", "Other", "P1", "patient"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_headers_are_those_of_cloudevents_in_binary_mode(path: Path) -> None:
    event = from_json(path.read_bytes(), KINDS[path.parent.parent.name])
    headers = headers_of(event, traceparent="00-1-2-01")
    assert {name for name in headers if name.startswith("ce_")} >= {"ce_specversion", "ce_id", "ce_type", "ce_source"}
    assert (headers["ce_id"], headers["ce_type"]) == (event.event_id, event.event_type)
    assert (headers["ce_source"], headers["traceparent"]) == ("radstream/main", "00-1-2-01")
