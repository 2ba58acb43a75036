"""What is made before anybody asks, and found by a read."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from radstream.bus.port import Record
from radstream.contract.decision_keys import Target
from radstream.contract.events import InstanceIndexed, StudyCompleted, to_json
from radstream.contract.uids import Uid
from radstream.settings import Settings
from services.render.forget import forget
from services.render.handle import Rendering
from services.render.kept import SIDES, rendered_key, thumbnail_key
from services.render.sandbox import Sandbox
from services.render.stand_ins import StandIns
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive, path, records

NAMES = ("CT_small.dcm", "MR_small.dcm", "693_J2KR.dcm")


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


async def add(archive: RenderArchive, name: str, **changes: Any) -> InstanceIndexed:
    return await archive.add_file(pixel_files()[name].content, **changes)


async def arrive(archive: RenderArchive, *events: InstanceIndexed) -> None:
    await Rendering(archive.backends, archive.kept).on_instance_indexed(records(events))


async def complete(archive: RenderArchive) -> None:
    event = StudyCompleted(
        event_id="1",
        occurred_at="2026-01-02T03:04:05.000006Z",
        site="main",
        study_instance_uid=Uid(STUDY),
        number_of_series=1,
        number_of_instances=1,
    )
    record = Record("study-completed", 0, 0, STUDY, to_json(event), {}, 0)
    await StandIns(archive.backends.catalog, archive.kept).on_study_completed([record])


async def get(archive: RenderArchive, url: str) -> bytes:
    async with archive.client as client:
        answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    return answer.content


def document(archive: RenderArchive, event: InstanceIndexed) -> dict[str, Any]:
    return archive.catalog.collections["instances"][event.sop_instance_uid]


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_made_at_arrival_is_what_would_be_made_for_whoever_asks(
    sandbox: Sandbox, archive: RenderArchive, name: str
) -> None:
    event = await add(archive, name)
    urls = [path(event.sop_instance_uid, "rendered"), path(event.sop_instance_uid, "thumbnail")]
    await arrive(archive, event)
    archive.blobs.read_bytes = 0
    kept = [await get(archive, url) for url in urls]
    assert archive.blobs.read_bytes == 0, "the image is not read again"
    other = RenderArchive(sandbox)
    await add(other, name)
    assert kept == [await get(other, url) for url in urls]


async def test_whoever_wishes_something_gets_a_picture_of_its_own(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    await arrive(archive, event)
    url = path(event.sop_instance_uid, "rendered")
    wishes = ("", "?quality=50", "?window=40,100,linear", "?viewport=64,64", "?annotation=patient")
    assert len({await get(archive, url + wish) for wish in wishes}) == len(wishes)


async def test_full_size_is_kept_only_where_the_operator_wants_it(sandbox: Sandbox) -> None:
    archive = RenderArchive(sandbox, Settings(keep_rendered=False))
    event = await add(archive, "CT_small.dcm")
    await arrive(archive, event)
    await get(archive, path(event.sop_instance_uid, "rendered"))
    assert list(archive.previews.contents) == [thumbnail_key(document(archive, event), 256)]


async def test_of_many_frames_the_first_is_kept_when_somebody_asks(archive: RenderArchive) -> None:
    event = await add(archive, "emri_small.dcm")
    await arrive(archive, event)
    assert len(archive.previews.contents) == 1, "the preview, of the middle frame"
    first = await get(archive, path(event.sop_instance_uid, "rendered"))
    assert archive.previews.contents[rendered_key(document(archive, event))][0] == first


async def test_a_picture_is_shown_while_the_cache_is_away(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    archive.previews.fails_at = {"read", "put"}
    assert (await get(archive, path(event.sop_instance_uid, "rendered"))).startswith(b"\xff\xd8")


async def test_a_complete_study_has_every_key_size_of_what_stands_for_its_series(archive: RenderArchive) -> None:
    events = [await add(archive, name, InstanceNumber=number) for number, name in enumerate(NAMES)]
    other = await add(archive, "CT_small.dcm", sop_instance_uid="1.9", series="1.2.3.9")
    await complete(archive)
    documents = [document(archive, event) for event in (events[1], other)]
    assert set(archive.previews.contents) == {thumbnail_key(each, side) for each in documents for side in SIDES}
    archive.blobs.read_bytes = 0
    for level in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"):
        for side in SIDES:
            image = Image.open(io.BytesIO(await get(archive, f"{level}/thumbnail?viewport={side},{side}")))
            assert max(image.size) == side
    assert archive.blobs.read_bytes == 0


async def test_completed_twice_or_before_its_instances_is_the_same(archive: RenderArchive) -> None:
    await complete(archive)
    assert archive.previews.contents == {}
    event = await add(archive, "CT_small.dcm")
    await arrive(archive, event)
    await complete(archive)
    kept = dict(archive.previews.contents)
    archive.blobs.read_bytes = 0
    await complete(archive)
    assert archive.previews.contents == kept
    assert archive.blobs.read_bytes == 0


async def test_a_new_middle_stands_for_its_series_from_its_arrival_on(archive: RenderArchive) -> None:
    await add(archive, "CT_small.dcm", InstanceNumber=1)
    await complete(archive)
    middle = await add(archive, "MR_small.dcm", InstanceNumber=2)
    url = f"/studies/{STUDY}/thumbnail?viewport=128,128"
    before_it_is_announced = await get(archive, url)
    await complete(archive)
    assert await get(archive, url) == before_it_is_announced
    assert archive.previews.contents[thumbnail_key(document(archive, middle), 128)][0] == before_it_is_announced


async def test_what_has_no_picture_does_not_keep_the_others_from_theirs(archive: RenderArchive) -> None:
    await add(archive, "MR_truncated.dcm", series="1.2.3.1")
    good = await add(archive, "CT_small.dcm", series="1.2.3.2")
    await complete(archive)
    assert set(archive.previews.contents) == {thumbnail_key(document(archive, good), side) for side in SIDES}


async def test_nothing_of_a_deleted_study_is_kept(archive: RenderArchive) -> None:
    event = await add(archive, "CT_small.dcm")
    await arrive(archive, event)
    await complete(archive)
    assert len(archive.previews.contents) == len(SIDES) + 1
    await forget(archive.backends.previews, Target("main", Uid(STUDY)))
    assert archive.previews.contents == {}
