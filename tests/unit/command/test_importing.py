"""`radstream import`: folders, files, junk; archives, DICOMDIR media and interruptions have files of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from radstream.contract.errors import NotFound
from tests.importing import FILES, Import, make_zip, part10, write
from tests.instances import make_instance


async def test_a_folder_is_taken_in_with_all_below(run: Import, disc: Path) -> None:
    write(disc, FILES)
    summary = await run(disc)
    assert (summary.stored, summary.done, summary.failed) == (7, 7, 0)
    assert run.stored == sorted(FILES)
    assert len(run.engines.bus.messages) == 7


async def test_a_single_file_is_taken_in(run: Import, disc: Path) -> None:
    write(disc, FILES[:1])
    assert (await run(disc / "S0" / "IM0")).stored == 1


async def test_what_is_no_dicom_is_passed_over_with_a_count(run: Import, disc: Path) -> None:
    write(disc, [*FILES[:2], b"", b"short", b"a letter" * 1000, FILES[0][144:]])
    summary = await run(disc)
    assert (summary.stored, summary.not_dicom, summary.failed) == (2, 4, 0)


async def test_what_is_refused_is_counted_by_reason(run: Import, disc: Path) -> None:
    write(disc, [FILES[0], FILES[1][:600], FILES[2][:600], FILES[3][:-8500]])
    summary = await run(disc)
    assert (summary.stored, summary.failed) == (1, 3)
    assert sum(summary.failures.values()) == 3
    assert all(reason in str(summary) for reason in summary.failures)


async def test_progress_reaches_the_total(run: Import, disc: Path) -> None:
    write(disc, FILES)
    make_zip(disc / "more.zip", FILES[:2])
    await run(disc)
    done = [step for step, _ in run.progress]
    assert done == sorted(done)
    assert run.progress[-1] == (9, 9)


async def test_a_path_that_does_not_exist_is_said_before_anything_is_done(run: Import, disc: Path) -> None:
    write(disc, FILES)
    with pytest.raises(NotFound):
        await run(disc, disc / "missing")
    assert run.stored == []


async def test_what_leads_out_of_the_folder_is_not_followed(run: Import, disc: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    write(outside, FILES[:2])
    (disc / "linked-file").symlink_to(outside / "S0" / "IM0")
    (disc / "linked-folder").symlink_to(outside)
    (disc / "loop").symlink_to(disc)
    (disc / "dangling").symlink_to(disc / "nowhere")
    os.mkfifo(disc / "pipe")
    assert (await run(disc)).done == 0


async def test_a_file_that_cannot_be_read_is_a_failure(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(disc, FILES[:2])
    real_open = Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> object:
        if path.name == "IM0":
            raise PermissionError
        return real_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    summary = await run(disc)
    assert (summary.stored, dict(summary.failures)) == (1, {"a file cannot be read": 1})


async def test_more_files_than_jobs_and_batches(run: Import, disc: Path) -> None:
    files = [part10(make_instance(3, number, size=8)) for number in range(200)]
    make_zip(disc / "a.zip", files[:100])
    write(disc, files[100:])
    assert (await run(disc, jobs=2)).stored == 200
