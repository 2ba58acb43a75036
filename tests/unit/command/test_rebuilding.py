from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceConflicted, InstanceIndexed
from radstream.settings import Settings
from services.command import rebuilding
from services.command.rebuilding import Summary, rebuild
from tests.decisions import delete, store_again
from tests.index_engines import Archive
from tests.memory_catalog import MemoryCatalog


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
async def archive() -> Archive:
    """Two studies, one instance of which has a hidden version."""
    archive = Archive()
    await archive.index(
        archive.store(PixelData=b"abcd", BitsAllocated=8),
        archive.store(SOPInstanceUID="1.2.3.2", after_s=1),
        archive.store(SOPInstanceUID="1.2.3.3", StudyInstanceUID="1.2.1.2", PatientID="P2", after_s=2),
        archive.store(SOPInstanceUID="1.2.3.2", PatientName="Other^Name", after_s=3),
    )
    return archive


def contents(archive: Archive) -> dict[str, Any]:
    volatile = {"last_indexed_at"}
    return {
        name: {key: {f: v for f, v in document.items() if f not in volatile} for key, document in documents.items()}
        for name, documents in archive.catalog.collections.items()
        if name != "removals"  # tells what happened, and not what there is
    }


def nothing(_done: int, _total: int) -> None:
    return


async def test_the_catalog_is_as_before(archive: Archive, settings: Settings) -> None:
    again = Archive(blobs=archive.blobs, catalog=MemoryCatalog())
    seen: list[tuple[int, int]] = []
    summary = await rebuild(again.backends, settings, lambda done, total: seen.append((done, total)))
    assert contents(again) == contents(archive)
    assert summary == Summary(indexed=4, unreadable=0, pruned=0)
    assert seen == [(4, 4)]
    assert len(again.published("instance-indexed", InstanceIndexed)) == 3
    assert len(again.published("instance-conflicted", InstanceConflicted)) == 1


async def test_a_catalog_that_is_whole_stays_as_it_is(archive: Archive, settings: Settings) -> None:
    before = contents(archive)
    await rebuild(archive.backends, settings, nothing, prune=True)
    assert contents(archive) == before
    assert len(archive.published("instance-conflicted", InstanceConflicted)) == 1


async def test_small_batches_in_the_wrong_order_do_not_matter(
    archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "BATCH", 1)
    archive.blobs.contents = dict(reversed(archive.blobs.contents.items()))
    again = Archive(blobs=archive.blobs)
    await rebuild(again.backends, settings, nothing)
    assert contents(again) == contents(archive)


async def test_a_blob_that_is_no_instance_is_counted_and_left(archive: Archive, settings: Settings) -> None:
    stored_at = next(iter(archive.blobs.contents.values()))[1]
    archive.blobs.contents["main/instances/notes.txt"] = (b"hello", stored_at)
    archive.blobs.contents[f"main/instances/1.2/1.3/1.4/{'a' * 64}.dcm"] = (b"x" * 500, stored_at)
    again = Archive(blobs=archive.blobs)
    assert await rebuild(again.backends, settings, nothing) == Summary(indexed=4, unreadable=2, pruned=0)
    assert contents(again) == contents(archive)


async def test_other_sites_are_left_alone(archive: Archive, settings: Settings) -> None:
    archive.store(site="south", SOPInstanceUID="1.2.3.9")
    again = Archive(blobs=archive.blobs)
    await rebuild(again.backends, settings, nothing)
    assert contents(again) == contents(archive)


def key_of(archive: Archive, sop_instance_uid: str, *, is_shown: bool = True) -> str:
    shown = archive.documents("instances")[sop_instance_uid]["blob_key"]
    keys = [key for key in archive.blobs.contents if f"/{sop_instance_uid}/" in key and (key == shown) is is_shown]
    return keys[0]


async def test_what_is_gone_is_forgotten_only_if_asked_to(archive: Archive, settings: Settings) -> None:
    del archive.blobs.contents[key_of(archive, "1.2.3.3")]
    await rebuild(archive.backends, settings, nothing)
    assert "1.2.1.2" in archive.documents("studies")
    summary = await rebuild(archive.backends, settings, nothing, prune=True)
    assert summary.pruned == 1
    assert list(archive.documents("studies")) == ["1.2.1.1"]
    assert list(archive.documents("patients")) == ["site\\main\\P1"]
    assert "1.2.3.3" not in archive.documents("instances")


async def test_the_hidden_version_is_shown_when_the_first_is_gone(archive: Archive, settings: Settings) -> None:
    hidden = key_of(archive, "1.2.3.2", is_shown=False)
    del archive.blobs.contents[key_of(archive, "1.2.3.2")]
    await rebuild(archive.backends, settings, nothing, prune=True)
    fresh = Archive(blobs=archive.blobs)
    await rebuild(fresh.backends, settings, nothing)
    assert archive.documents("instances")["1.2.3.2"]["blob_key"] == hidden
    assert archive.documents("conflicts") == {}
    assert contents(archive) == contents(fresh)


async def test_a_hidden_version_that_is_gone_is_forgotten(archive: Archive, settings: Settings) -> None:
    del archive.blobs.contents[key_of(archive, "1.2.3.2", is_shown=False)]
    await rebuild(archive.backends, settings, nothing, prune=True)
    fresh = Archive(blobs=archive.blobs)
    await rebuild(fresh.backends, settings, nothing)
    assert archive.documents("conflicts") == {}
    assert contents(archive) == contents(fresh)


async def test_pruning_looks_at_every_page(archive: Archive, settings: Settings) -> None:
    events = [archive.store(SOPInstanceUID=f"1.2.4.{number}", after_s=number) for number in range(450)]
    await archive.index(*events)
    for event in events[1::2]:
        del archive.blobs.contents[event.blob_key]
    assert (await rebuild(archive.backends, settings, nothing, prune=True)).pruned == 225
    assert archive.documents("studies")["1.2.1.1"]["NumberOfStudyRelatedInstances"] == 227


async def test_what_was_deleted_stays_away(archive: Archive, settings: Settings) -> None:
    delete(archive, "1.2.1.1", after_s=10)
    again = Archive(blobs=archive.blobs)
    assert await rebuild(again.backends, settings, nothing) == Summary(indexed=1, unreadable=0, pruned=0, deleted=3)
    assert list(again.documents("studies")) == ["1.2.1.2"]
    assert again.documents("conflicts") == {}


async def test_a_catalog_that_is_older_than_a_deletion_learns_of_it(archive: Archive, settings: Settings) -> None:
    delete(archive, "1.2.1.2", after_s=10)
    await rebuild(archive.backends, settings, nothing)
    assert list(archive.documents("studies")) == ["1.2.1.1"]


async def test_what_was_stored_again_after_its_deletion_comes_back(archive: Archive, settings: Settings) -> None:
    event = archive.store(SOPInstanceUID="1.2.3.3", StudyInstanceUID="1.2.1.2", PatientID="P2")
    record = delete(archive, "1.2.1.2", after_s=10)
    back = store_again(archive, event, after_s=11)
    await archive.indexing.removal.on_study_deleted([record])
    await archive.index(back)
    again = Archive(blobs=archive.blobs)
    await rebuild(again.backends, settings, nothing)
    assert again.documents("instances")["1.2.3.3"]["stored_at"] == back.occurred_at
    assert contents(again) == contents(archive)


async def test_an_engine_that_is_away_ends_it(
    archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "ATTEMPTS", 1)
    archive.catalog.fails_after = 0
    with pytest.raises(Unavailable):
        await rebuild(archive.backends, settings, nothing)


async def test_a_short_absence_is_waited_out(
    archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_sleep(_delay_s: float) -> None:
        archive.catalog.fails_after = None

    monkeypatch.setattr(rebuilding.asyncio, "sleep", no_sleep)
    archive.catalog.fails_after = 1
    assert (await rebuild(archive.backends, settings, nothing)).indexed == 4
