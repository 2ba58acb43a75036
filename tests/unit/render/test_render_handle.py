from __future__ import annotations

from typing import Any

import pytest

from radstream.contract.blob_keys import preview_key
from radstream.contract.errors import MalformedEvent, NotFound, Unavailable
from radstream.contract.events import InstanceIndexed, InstanceRendered, from_json
from services.render.handle import Rendering
from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import RenderArchive, records


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


async def add(archive: RenderArchive, name: str, **changes: Any) -> InstanceIndexed:
    return await archive.add_file(pixel_files()[name].content, **changes)


async def handle(archive: RenderArchive, *events: InstanceIndexed) -> list[InstanceRendered]:
    """Handle `events`; return what was announced by it."""
    before = len(archive.bus.messages)
    await Rendering(archive.backends, archive.kept).on_instance_indexed(records(events))
    return [from_json(message.value, InstanceRendered) for message in archive.bus.messages[before:]]


async def test_an_image_gets_a_preview_and_an_event_that_names_it(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    (rendered,) = await handle(archive, event)
    assert rendered.preview_key == preview_key(event.instance_key)
    assert rendered.not_rendered_reason == ""
    assert rendered.sop_instance_uid == event.sop_instance_uid
    assert archive.previews.contents[rendered.preview_key][0].startswith(b"\xff\xd8")
    (message,) = archive.bus.messages
    assert (message.topic, message.key) == ("instance-rendered", event.study_instance_uid)
    assert message.headers["traceparent"] == "00-t"


async def test_twice_is_the_same_as_once(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    first = await handle(archive, event)
    archive.blobs.read_bytes = 0
    second = await handle(archive, event)
    assert first[0].preview_key == second[0].preview_key
    assert archive.blobs.read_bytes == 0, "nothing is rendered again"


async def test_what_has_no_picture_is_announced_with_the_reason(archive: RenderArchive) -> None:
    good, bad = await add(archive, "CT_small.dcm"), await add(archive, "MR_truncated.dcm")
    rendered = await handle(archive, good, bad)
    assert [bool(event.preview_key) for event in rendered] == [True, False]
    assert rendered[1].not_rendered_reason
    assert len(archive.previews.contents) == 2, "preview and picture of the good one"


async def test_a_hidden_version_is_not_rendered(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    archive.catalog.collections["instances"][event.sop_instance_uid]["blob_key"] = "another"
    (rendered,) = await handle(archive, event)
    assert rendered.not_rendered_reason == "another version of this instance is shown"


async def test_an_instance_that_was_deleted_meanwhile_is_no_dead_letter(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    archive.catalog.collections["instances"].clear()
    (rendered,) = await handle(archive, event)
    assert rendered.not_rendered_reason == "the instance was deleted meanwhile"


async def test_an_instance_whose_blob_is_gone_is_not_found(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    archive.blobs.contents.clear()
    with pytest.raises(ExceptionGroup) as caught:
        await handle(archive, event)
    assert caught.group_contains(NotFound)
    assert archive.bus.messages == []


@pytest.mark.parametrize("part", ["blobs", "previews"])
async def test_nothing_is_announced_while_a_store_is_away(archive: RenderArchive, part: str) -> None:
    event = await add(archive, "CT_small.dcm")
    store = getattr(archive, part)
    store.fails_at = {"read", "put"}
    with pytest.raises(ExceptionGroup) as caught:
        await handle(archive, event)
    assert caught.group_contains(Unavailable)
    store.fails_at = set()
    assert (await handle(archive, event))[0].preview_key


async def test_a_record_that_is_no_event_is_malformed(archive: RenderArchive) -> None:
    (record,) = records([await add(archive, "CT_small.dcm")])
    broken = type(record)(**{**vars(record), "value": b"{}"})
    with pytest.raises(MalformedEvent):
        await Rendering(archive.backends, archive.kept).on_instance_indexed([broken])
