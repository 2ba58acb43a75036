"""Studies, series and instances that are deleted while the system runs, is killed, and is made anew from its blobs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from radstream.dicom.part10 import encode_meta
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PERMITTED = {"RADSTREAM_ALLOW_DELETE": "true"}


@pytest.fixture(scope="module")
def deleting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    running = System(tmp_path_factory.mktemp("home") / "radstream", dict(PERMITTED)).start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


def send(system: System, *instances: Instance) -> None:
    heads = [encode_meta(MR_IMAGE_STORAGE, one.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN) for one in instances]
    answer = system.stow(*(head + one.data_set for head, one in zip(heads, instances, strict=True)))
    assert answer.status_code == 200


def delete(system: System, path: str) -> int:
    return httpx2.delete(f"{system.dicom_web}/{path}", timeout=60).status_code


def count_of(system: System, study: int) -> int:
    """Return how many instances QIDO counts in a study; 0 if there is none."""
    uid = make_instance(study, 1).study_instance_uid
    rows = system.get(f"studies?StudyInstanceUID={uid}").json()
    found = len(system.get(f"studies/{uid}/instances").json())
    assert [row["00201208"]["Value"][0] for row in rows] == ([found] if found else [])
    return found


def command(system: System, *arguments: str) -> str:
    line = [sys.executable, "-m", "services.command", *arguments, "--home", str(system.home)]
    environment = {**os.environ, **system.environment}
    return subprocess.run(line, check=True, capture_output=True, timeout=120, env=environment, text=True).stdout


def test_nothing_is_deleted_without_permission(system: System) -> None:
    instance = make_instance(9, 1)
    send(system, instance)
    assert delete(system, f"studies/{instance.study_instance_uid}") == 403
    system.wait_until_indexed()
    assert system.get(instance.url).status_code == 200


def test_what_is_deleted_is_neither_found_nor_given(deleting: System) -> None:
    first, second = make_instance(1, 1), make_instance(1, 2)
    send(deleting, first, second, make_instance(2, 1))
    deleting.wait_until_quiet()
    assert delete(deleting, first.url) == 204
    deleting.wait_until_indexed()
    assert (count_of(deleting, 1), count_of(deleting, 2)) == (1, 1)
    for path in ("", "/metadata", "/frames/1", "/rendered", "/thumbnail"):
        assert deleting.get(f"{first.url}{path}").status_code == 404
        assert deleting.get(f"{second.url}{path}").status_code == 200
    assert delete(deleting, first.url) == 404
    assert delete(deleting, f"studies/{first.study_instance_uid}") == 204
    deleting.wait_until_indexed()
    assert (count_of(deleting, 1), count_of(deleting, 2)) == (0, 1)


def test_an_answer_does_not_wait_for_the_index(deleting: System) -> None:
    """What was just stored can be deleted at once, and what was just deleted is not there for a second time."""
    instance = make_instance(3, 1)
    send(deleting, instance)
    assert [delete(deleting, instance.url), delete(deleting, instance.url)] == [204, 404]
    deleting.wait_until_indexed()
    assert count_of(deleting, 3) == 0


def test_what_is_stored_again_is_found_again_and_a_rebuild_knows_all_of_it(deleting: System) -> None:
    instances = [make_instance(4, number) for number in range(1, 6)]
    send(deleting, *instances)
    assert delete(deleting, f"studies/{instances[0].study_instance_uid}") == 204
    send(deleting, *instances[:2])
    deleting.wait_until_indexed()
    assert count_of(deleting, 4) == 2
    before = deleting.get("instances?limit=1000&includefield=all").content

    assert deleting.stop() == 0
    deleting.delete_catalog()
    command(deleting, "rebuild")
    deleting.start()
    assert deleting.get("instances?limit=1000&includefield=all").content == before


def test_a_purge_removes_the_blobs_of_what_is_deleted_and_no_other(deleting: System) -> None:
    kept, gone = make_instance(5, 1), make_instance(5, 2)
    send(deleting, kept, gone)
    assert delete(deleting, gone.url) == 204
    deleting.wait_until_indexed()
    assert "would be removed" in command(deleting, "purge", "--older-than-days", "0", "--dry-run")
    assert any(gone.sha256 in key for key in deleting.blob_keys())
    command(deleting, "purge", "--older-than-days", "0")
    assert not any(gone.sha256 in key for key in deleting.blob_keys())
    assert deleting.get(kept.url).status_code == 200
    send(deleting, gone)
    deleting.wait_until_indexed()
    assert deleting.get(gone.url).status_code == 200


def test_a_deletion_that_was_answered_survives_any_death(tmp_path: Path) -> None:
    """`kill -9` of everything while studies are deleted: what was answered holds, the rest is whole or gone."""
    system = System(tmp_path / "home", dict(PERMITTED)).start()
    deaths = int(os.environ.get("RADSTREAM_TEST_KILLS", "1"))
    studies = range(1, 10 * deaths + 6)
    try:
        send(system, *(make_instance(study, number) for study in studies for number in (1, 2)))
        system.wait_until_indexed()
        answered = {study for study in studies if is_deleted(system, study, dies=study % 10 == 0)}
        system.wait_until_indexed()
        counts = {study: count_of(system, study) for study in studies}
        assert set(counts.values()) <= {0, 2}
        assert len(answered) >= len(studies) - deaths
        assert answered <= {study for study in studies if counts[study] == 0}
    finally:
        assert system.stop() == 0


def is_deleted(system: System, study: int, *, dies: bool) -> bool:
    """Delete a study and tell whether that was answered; everything is killed meanwhile if it `dies`."""
    path = f"studies/{make_instance(study, 1).study_instance_uid}"
    if not dies:
        return delete(system, path) == 204
    with ThreadPoolExecutor(1) as aside:
        answer = aside.submit(delete, system, path)
        time.sleep(study / 5000)  # in another moment each time
        system.kill_all()
        system.start()
        return answer.exception() is None and answer.result() == 204
