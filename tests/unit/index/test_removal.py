"""What is deleted leaves the catalog, whatever came before, between and after; what it hid comes up."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from radstream.bus.port import Record
from radstream.contract.errors import MalformedEvent, Unavailable
from radstream.contract.events import InstanceIndexed, StudyReopened, to_timestamp
from services.index.lifecycle import Lifecycle
from tests.decisions import delete, store_again
from tests.index_engines import Archive

STUDY, SERIES, INSTANCE = "1.2.1.1", "1.2.2.1", "1.2.3.1"
SECOND = {"SOPInstanceUID": "1.2.3.2", "SeriesInstanceUID": "1.2.2.2", "Modality": "SR"}


@pytest.fixture
async def archive() -> Archive:
    """A study of two series, and another study of the same patient."""
    archive = Archive()
    await archive.index(
        archive.store(),
        archive.store(**SECOND, after_s=1),
        archive.store(SOPInstanceUID="1.2.3.3", StudyInstanceUID="1.2.1.2", after_s=2),
    )
    return archive


async def handle(archive: Archive, *records: Record) -> None:
    await archive.indexing.removal.on_study_deleted(records)


def shown(archive: Archive) -> set[str]:
    return set(archive.documents("instances"))


def names(archive: Archive) -> dict[str, set[str]]:
    return {name: set(archive.documents(name)) for name in ("patients", "studies", "series", "instances", "conflicts")}


async def test_a_deleted_study_is_gone_with_all_that_was_only_of_it(archive: Archive) -> None:
    await handle(archive, delete(archive, STUDY, after_s=10))
    assert names(archive) == {
        "patients": {"site\\main\\P1"},
        "studies": {"1.2.1.2"},
        "series": {"1.2.1.2/1.2.2.1"},
        "instances": {"1.2.3.3"},
        "conflicts": set(),
    }
    await handle(archive, delete(archive, "1.2.1.2", after_s=10))
    assert not any(names(archive).values())


async def test_who_watches_the_catalog_can_see_when_a_study_went(archive: Archive) -> None:
    await handle(archive, delete(archive, STUDY, "1.2.2.2", after_s=10))
    assert archive.documents("removals") == {}
    await handle(archive, delete(archive, STUDY, after_s=10))
    removed_at = to_timestamp(archive.now)
    assert {key: row["removed_at"] for key, row in archive.documents("removals").items()} == {STUDY: removed_at}


async def test_the_rest_of_a_study_is_counted_anew(archive: Archive) -> None:
    await handle(archive, delete(archive, STUDY, "1.2.2.2", after_s=10))
    study = archive.documents("studies")[STUDY]
    assert (study["NumberOfStudyRelatedSeries"], study["NumberOfStudyRelatedInstances"]) == (1, 1)
    assert study["ModalitiesInStudy"] == ["CT"]
    assert shown(archive) == {INSTANCE, "1.2.3.3"}


async def test_a_study_has_the_attributes_of_its_earliest_instance_that_is_left(archive: Archive) -> None:
    await archive.index(archive.store(SOPInstanceUID="1.2.3.4", StudyDate="20260202", after_s=3))
    await handle(archive, delete(archive, STUDY, SERIES, INSTANCE, after_s=10))
    await handle(archive, delete(archive, STUDY, "1.2.2.2", after_s=11))
    assert archive.documents("studies")[STUDY]["StudyDate"] == "20260202"
    assert archive.documents("patients")["site\\main\\P1"]["order"] < archive.documents("studies")[STUDY]["order"]


async def test_twice_is_the_same_as_once(archive: Archive) -> None:
    record = delete(archive, STUDY, SERIES, after_s=10)
    await handle(archive, record, record)
    before = names(archive)
    await handle(archive, record)
    assert names(archive) == before


async def test_an_arrival_that_the_log_repeats_does_not_bring_it_back(archive: Archive) -> None:
    event = archive.store()
    await handle(archive, delete(archive, STUDY, after_s=10))
    await archive.index(event)
    assert shown(archive) == {"1.2.3.3"}


async def test_a_deletion_that_is_handled_before_the_arrival_holds(archive: Archive) -> None:
    event = archive.store(SOPInstanceUID="1.2.3.9", after_s=5)
    await handle(archive, delete(archive, STUDY, after_s=10))
    await archive.index(event)
    assert "1.2.3.9" not in shown(archive)
    assert event.blob_key in archive.blobs.contents


async def test_what_arrives_after_the_deletion_is_shown(archive: Archive) -> None:
    record = delete(archive, STUDY, after_s=10)
    await archive.index(archive.store(SOPInstanceUID="1.2.3.9", after_s=11))
    await handle(archive, record)
    assert shown(archive) == {"1.2.3.9", "1.2.3.3"}
    assert archive.documents("studies")[STUDY]["NumberOfStudyRelatedInstances"] == 1


@pytest.mark.parametrize("is_told_first", [True, False])
async def test_the_same_bytes_stored_again_are_shown(archive: Archive, is_told_first: bool) -> None:
    event = archive.store()
    record = delete(archive, STUDY, after_s=10)
    again = store_again(archive, event, after_s=11)
    if is_told_first:
        await archive.index(again)
    await handle(archive, record)
    await archive.index(again, event)
    assert shown(archive) == {INSTANCE, "1.2.3.3"}
    assert archive.documents("instances")[INSTANCE]["stored_at"] == again.occurred_at


async def test_another_version_that_arrived_after_the_deletion_comes_up(archive: Archive) -> None:
    record = delete(archive, STUDY, after_s=10)
    other = archive.store(PatientName="Other^Name", after_s=11)
    await archive.index(other)
    await handle(archive, record)
    assert archive.documents("instances")[INSTANCE]["blob_key"] == other.blob_key
    assert archive.documents("conflicts") == {}


async def test_what_an_instance_of_another_study_hid_comes_up(archive: Archive) -> None:
    hidden = archive.store(StudyInstanceUID="1.2.1.2", PatientName="Other^Name", after_s=5)
    await archive.index(hidden)
    assert list(archive.documents("conflicts")) == [hidden.blob_key]
    await handle(archive, delete(archive, STUDY, after_s=10))
    assert archive.documents("instances")[INSTANCE]["StudyInstanceUID"] == "1.2.1.2"
    assert archive.documents("conflicts") == {}
    assert archive.documents("studies")["1.2.1.2"]["NumberOfStudyRelatedInstances"] == 2


async def test_a_hidden_version_that_is_deleted_is_forgotten(archive: Archive) -> None:
    await archive.index(archive.store(StudyInstanceUID="1.2.1.2", PatientName="Other^Name", after_s=5))
    await handle(archive, delete(archive, "1.2.1.2", after_s=10))
    assert archive.documents("conflicts") == {}
    assert archive.documents("instances")[INSTANCE]["others"] == []
    assert shown(archive) == {INSTANCE, "1.2.3.2"}


async def test_an_arrival_that_another_process_wrote_too_late_is_taken_out(archive: Archive) -> None:
    """It looked for deletions, then the deletion was decided and handled, then it wrote: it looks again."""
    event = archive.store(SOPInstanceUID="1.2.3.9", after_s=5)
    apply = archive.catalog.apply

    async def decide_first(operations: Any) -> None:
        archive.catalog.apply = apply
        await handle(archive, delete(archive, STUDY, after_s=10))
        await apply(operations)

    archive.catalog.apply = decide_first
    archive.indexing.turn = _NoTurn()  # another process has a lock of its own
    await archive.index(event)
    assert shown(archive) == {"1.2.3.3"}
    assert set(archive.documents("studies")) == {"1.2.1.2"}


class _NoTurn:
    async def __aenter__(self) -> None:
        return

    async def __aexit__(self, *_: object) -> None:
        return


async def test_what_ended_half_way_is_ended_by_the_next_attempt(archive: Archive) -> None:
    record = delete(archive, STUDY, after_s=10)
    for fails_after in range(12):
        archive.catalog.fails_after = fails_after
        try:
            await handle(archive, record)
        except Unavailable:
            continue
        break
    archive.catalog.fails_after = None
    assert shown(archive) == {"1.2.3.3"}
    assert set(archive.documents("series")) == {"1.2.1.2/1.2.2.1"}
    assert set(archive.documents("studies")) == {"1.2.1.2"}


@pytest.mark.parametrize("fails_after", range(16))
async def test_what_comes_up_comes_with_all_above_it_whenever_an_attempt_ends(fails_after: int) -> None:
    archive = Archive()
    hidden = archive.store(StudyInstanceUID="1.2.1.2", after_s=5)
    await archive.index(archive.store(), hidden)
    record = delete(archive, STUDY, after_s=10)
    archive.catalog.fails_after = fails_after
    with suppress(Unavailable):
        await handle(archive, record)
    archive.catalog.fails_after = None
    await handle(archive, record)
    assert names(archive) == {
        "patients": {"site\\main\\P1"},
        "studies": {"1.2.1.2"},
        "series": {"1.2.1.2/1.2.2.1"},
        "instances": {INSTANCE},
        "conflicts": set(),
    }
    assert hidden.blob_key in {event.blob_key for event in archive.published("instance-indexed", InstanceIndexed)}


async def test_a_study_that_was_complete_and_lost_something_is_told_of(archive: Archive) -> None:
    archive.now += timedelta(minutes=2)
    await Lifecycle(archive.backends, archive.indexing, 60, lambda: archive.now).round()
    await handle(archive, delete(archive, STUDY, SERIES, after_s=500))
    (event,) = archive.published("study-reopened", StudyReopened)
    assert (event.study_instance_uid, event.number_of_instances) == (STUDY, 1)


async def test_nothing_is_read_or_told_again_of_what_stays(archive: Archive) -> None:
    before = len(archive.published("instance-indexed", InstanceIndexed))
    archive.blobs.reads.clear()
    await handle(archive, delete(archive, STUDY, after_s=10))
    assert archive.blobs.reads == []
    assert len(archive.published("instance-indexed", InstanceIndexed)) == before


async def test_a_record_that_is_no_deletion_is_a_dead_letter(archive: Archive) -> None:
    with pytest.raises(MalformedEvent):
        await handle(archive, Record("study-deleted", 0, 0, STUDY, b"{}", {}, 0))


async def test_the_decisions_of_another_site_are_its_own(archive: Archive) -> None:
    south = archive.store(site="south", SOPInstanceUID="1.2.3.7", after_s=3)
    await archive.index(south)
    await handle(archive, delete(archive, STUDY, after_s=10))
    assert shown(archive) == {"1.2.3.3", "1.2.3.7"}
