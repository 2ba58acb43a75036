"""`radstream purge`: what was deleted long enough ago is removed; nothing that anybody was told is stored ever is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from radstream.blobs.decisions import store_again
from radstream.contract.blob_keys import preview_key
from radstream.contract.decision_keys import purging_key
from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceStored
from radstream.settings import Settings
from services.command.purging import Purged, purge
from tests import decisions
from tests.decisions import delete
from tests.index_engines import START, Archive

LATER = START + timedelta(days=30)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def archive() -> Archive:
    return Archive()


def is_there(archive: Archive, event: InstanceStored) -> bool:
    return event.blob_key in archive.blobs.contents


async def test_the_blobs_of_what_was_deleted_go_and_the_decisions_stay(archive: Archive, settings: Settings) -> None:
    gone, kept = archive.store(), archive.store(StudyInstanceUID="1.2.1.2", SOPInstanceUID="1.2.3.2")
    await archive.previews.put(preview_key(gone.instance_key), b"picture")
    delete(archive, "1.2.1.1", after_s=10)
    noted = archive.blobs.keys("decisions")
    assert await purge(archive.backends, settings, LATER) == Purged(1, gone.size_bytes)
    assert (is_there(archive, gone), is_there(archive, kept)) == (False, True)
    assert archive.previews.contents == {}
    assert archive.blobs.keys("decisions") == noted
    assert archive.blobs.keys("purging") == []
    assert await purge(archive.backends, settings, LATER) == Purged()


async def test_what_was_deleted_too_recently_stays(archive: Archive, settings: Settings) -> None:
    event = archive.store()
    delete(archive, "1.2.1.1", after_s=100)
    assert await purge(archive.backends, settings, START + timedelta(seconds=50)) == Purged()
    assert is_there(archive, event)


async def test_what_was_stored_again_stays(archive: Archive, settings: Settings) -> None:
    event, other = archive.store(), archive.store(SOPInstanceUID="1.2.3.2")
    delete(archive, "1.2.1.1", after_s=100)
    decisions.store_again(archive, event, after_s=101)
    assert (await purge(archive.backends, settings, LATER)).instances == 1
    assert (is_there(archive, event), is_there(archive, other)) == (True, False)


async def test_a_rehearsal_removes_nothing(archive: Archive, settings: Settings) -> None:
    event = archive.store()
    delete(archive, "1.2.1.1", after_s=100)
    before = dict(archive.blobs.contents)
    assert await purge(archive.backends, settings, LATER, is_rehearsal=True) == Purged(1, event.size_bytes)
    assert archive.blobs.contents == before


async def test_what_is_stored_again_while_a_purge_goes_on_is_refused(archive: Archive) -> None:
    event = archive.store()
    delete(archive, "1.2.1.1", after_s=100)
    await archive.blobs.put(purging_key("main"), b"{}")
    with pytest.raises(Unavailable):
        await store_again(archive.backends.blobs, await archive.blobs.stat(event.blob_key))


Step = Callable[[], Awaitable[Any]]


class Interrupted:
    """A blob store in whose `number`th operation something else happens first."""

    def __init__(self, blobs: Any, number: int, step: Step) -> None:
        self._blobs = blobs
        self._left = number
        self._step = step

    def list(self, prefix: str) -> Any:
        return self._listed(prefix)

    async def _listed(self, prefix: str) -> Any:
        await self._may_happen()
        async for info in self._blobs.list(prefix):
            yield info

    def __getattr__(self, name: str) -> Any:
        async def do(*arguments: Any) -> Any:
            await self._may_happen()
            return await getattr(self._blobs, name)(*arguments)

        return do

    async def _may_happen(self) -> None:
        self._left -= 1
        if self._left == 0:
            await self._step()


@pytest.mark.parametrize("number", range(1, 16))
async def test_no_instance_is_lost_that_comes_again_at_any_moment_of_a_purge(
    archive: Archive, settings: Settings, number: int
) -> None:
    event = archive.store()
    delete(archive, "1.2.1.1", after_s=100)
    info = await archive.blobs.stat(event.blob_key)
    outcomes: list[bool] = []

    async def come_again() -> None:
        try:
            await store_again(archive.backends.blobs, info)
        except Unavailable:
            outcomes.append(False)
        else:
            outcomes.append(True)

    blobs: Any = Interrupted(archive.blobs, number, come_again)
    await purge(
        type(archive.backends)(archive.backends.bus, blobs, archive.backends.previews, archive.catalog), settings, LATER
    )
    assert outcomes in ([], [True], [False])
    assert is_there(archive, event) or outcomes != [True]


@pytest.mark.parametrize("number", range(1, 16))
async def test_no_instance_is_lost_by_a_purge_at_any_moment_of_its_coming_again(
    archive: Archive, settings: Settings, number: int
) -> None:
    event = archive.store()
    delete(archive, "1.2.1.1", after_s=100)
    info = await archive.blobs.stat(event.blob_key)
    blobs: Any = Interrupted(archive.blobs, number, lambda: purge(archive.backends, settings, LATER))
    try:
        await store_again(blobs, info)
    except Unavailable:
        return
    assert is_there(archive, event)
