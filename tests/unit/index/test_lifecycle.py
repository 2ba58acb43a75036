from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from radstream.bus.port import Message
from radstream.contract.errors import NotFound, Unavailable
from radstream.contract.events import StudyCompleted, StudyReopened
from services.index.lifecycle import Lifecycle
from tests.index_engines import Archive

QUIET_S = 60.0


@pytest.fixture
def archive() -> Archive:
    return Archive()


def lifecycle_of(archive: Archive) -> Lifecycle:
    return Lifecycle(archive.backends, archive.indexing, QUIET_S, lambda: archive.now)


async def test_a_study_is_complete_after_its_quiet_time_and_announced_once(archive: Archive) -> None:
    await archive.index(archive.store(), archive.store(SOPInstanceUID="1.2.3.2", SeriesInstanceUID="1.2.2.2"))
    assert await lifecycle_of(archive).round() == 0
    archive.now += timedelta(seconds=QUIET_S)
    assert await lifecycle_of(archive).round() == 1
    assert await lifecycle_of(archive).round() == 0
    (event,) = archive.published("study-completed", StudyCompleted)
    assert (event.study_instance_uid, event.number_of_series, event.number_of_instances) == ("1.2.1.1", 2, 2)
    assert archive.documents("studies")["1.2.1.1"]["is_complete"] == 1


async def test_another_instance_begins_the_quiet_time_anew(archive: Archive) -> None:
    await archive.index(archive.store())
    archive.now += timedelta(seconds=QUIET_S - 1)
    await archive.index(archive.store(SOPInstanceUID="1.2.3.2"))
    archive.now += timedelta(seconds=QUIET_S - 1)
    assert await lifecycle_of(archive).round() == 0
    archive.now += timedelta(seconds=1)
    assert await lifecycle_of(archive).round() == 1


async def test_the_same_instance_again_does_not_begin_the_quiet_time_anew(archive: Archive) -> None:
    event = archive.store()
    await archive.index(event)
    archive.now += timedelta(seconds=QUIET_S)
    await archive.index(event)
    assert await lifecycle_of(archive).round() == 1


async def test_a_reopened_study_is_completed_again(archive: Archive) -> None:
    await archive.index(archive.store())
    archive.now += timedelta(seconds=QUIET_S)
    await lifecycle_of(archive).round()
    await archive.index(archive.store(SOPInstanceUID="1.2.3.2"))
    archive.now += timedelta(seconds=QUIET_S)
    assert await lifecycle_of(archive).round() == 1
    assert len(archive.published("study-reopened", StudyReopened)) == 1
    assert [e.number_of_instances for e in archive.published("study-completed", StudyCompleted)] == [1, 2]


async def test_a_wrong_count_is_mended_before_the_study_is_called_complete(archive: Archive) -> None:
    await archive.index(archive.store(), archive.store(SOPInstanceUID="1.2.3.2"))
    archive.documents("studies")["1.2.1.1"]["NumberOfStudyRelatedInstances"] = 1
    archive.documents("series")["1.2.1.1/1.2.2.1"]["NumberOfSeriesRelatedInstances"] = 1
    archive.now += timedelta(seconds=QUIET_S)
    await lifecycle_of(archive).round()
    assert archive.documents("series")["1.2.1.1/1.2.2.1"]["NumberOfSeriesRelatedInstances"] == 2
    assert archive.published("study-completed", StudyCompleted) == []  # it was not at rest, as it turned out
    archive.now += timedelta(seconds=QUIET_S)
    await lifecycle_of(archive).round()
    assert [e.number_of_instances for e in archive.published("study-completed", StudyCompleted)] == [2]


async def test_a_study_is_announced_later_if_the_log_is_away(archive: Archive) -> None:
    await archive.index(archive.store())
    archive.now += timedelta(seconds=QUIET_S)
    archive.bus.state = "fails"
    with pytest.raises(Unavailable):
        await lifecycle_of(archive).round()
    assert archive.documents("studies")["1.2.1.1"]["is_complete"] == 0
    archive.bus.state = "works"
    assert await lifecycle_of(archive).round() == 1


@pytest.mark.parametrize("error", [Unavailable, NotFound])
async def test_no_answer_of_the_log_ends_the_watch(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    await archive.index(archive.store())
    archive.now += timedelta(seconds=QUIET_S)
    publish = archive.bus.publish
    attempts = 0

    async def fail_once(messages: Sequence[Message]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise error("no such topic yet")
        await publish(messages)

    monkeypatch.setattr(archive.bus, "publish", fail_once)
    stop = asyncio.Event()
    watch = asyncio.create_task(Lifecycle(archive.backends, archive.indexing, 0.004, lambda: archive.now).run(stop))
    while not archive.published("study-completed", StudyCompleted):  # noqa: ASYNC110 - the watch sets no event
        await asyncio.sleep(0.001)
    stop.set()
    await watch
    assert attempts == 2


async def test_many_studies_are_completed_in_one_round(archive: Archive) -> None:
    events = [archive.store(StudyInstanceUID=f"1.2.1.{n}", SOPInstanceUID=f"1.2.3.{n}") for n in range(130)]
    await archive.index(*events)
    archive.now += timedelta(seconds=QUIET_S)
    assert await lifecycle_of(archive).round() == 130
    assert len(archive.published("study-completed", StudyCompleted)) == 130
