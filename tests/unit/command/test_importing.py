"""`radstream import`: folders, archives, DICOMDIR media, junk, and going on after an interruption."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from radstream.contract.errors import NotFound, Unavailable
from radstream.dicom.part10 import encode_meta
from radstream.settings import Settings
from services.command import importing
from services.command.importing import ImportSummary, import_paths
from services.command.sources import archive
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance


def part10(instance: Instance) -> bytes:
    return encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN) + instance.data_set


FILES = [part10(make_instance(1, number)) for number in range(1, 8)]


class Import:
    """Runs imports into one archive."""

    def __init__(self, home: Path) -> None:
        self.engines = Engines()
        self.home = home
        self.progress: list[tuple[int, int | None]] = []
        self.on_done: Callable[[int], None] = lambda _done: None

    async def __call__(self, *paths: Path, jobs: int = 3) -> ImportSummary:
        settings = Settings(home=self.home, publish_deadline_s=5)
        return await import_paths(
            self.engines.backends,
            settings,
            paths,
            on_progress=self.note,
            jobs=jobs,
        )

    def note(self, done: int, total: int | None) -> None:
        self.progress.append((done, total))
        self.on_done(done)

    @property
    def stored(self) -> list[bytes]:
        return sorted(self.engines.blobs.contents[key][0] for key in self.engines.blobs.keys("instances"))


@pytest.fixture
def run(tmp_path: Path) -> Import:
    return Import(tmp_path / "home")


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    folder = tmp_path / "disc"
    folder.mkdir()
    return folder


def write(folder: Path, files: Sequence[bytes]) -> None:
    for number, content in enumerate(files):
        place = folder / f"S{number % 2}"
        place.mkdir(exist_ok=True)
        (place / f"IM{number}").write_bytes(content)


def make_zip(path: Path, files: Sequence[bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for number, content in enumerate(files):
            zipped.writestr(f"../../etc/DOE^JOHN/IM{number}", content)
        zipped.mkdir("empty")
    return path


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


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "home" not in path.parts}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_an_archive_is_read_where_it_lies(run: Import, disc: Path, tmp_path: Path, compression: int) -> None:
    path = make_zip(disc / "export.bin", [*FILES, b"a letter"], compression)
    before = files_below(tmp_path)
    summary = await run(path)
    assert (summary.stored, summary.not_dicom, summary.failed) == (7, 1, 0)
    assert run.stored == sorted(FILES)
    assert files_below(tmp_path) == before


async def test_an_archive_in_a_folder_is_found(run: Import, disc: Path) -> None:
    write(disc, FILES[:2])
    make_zip(disc / "more.zip", FILES[2:])
    assert (await run(disc)).stored == 7


async def test_a_dicom_file_that_begins_as_an_archive_is_a_dicom_file(run: Import, disc: Path) -> None:
    (disc / "polyglot").write_bytes(b"PK\x03\x04" + FILES[0][4:])
    assert (await run(disc)).stored == 1
    assert run.stored == [FILES[0]]


async def test_a_damaged_member_fails_alone(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:2], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(FILES[0]) + 5000] ^= 0xFF  # in the pixels: only the CRC-32 tells
    path.write_bytes(content)
    summary = await run(path)
    assert (summary.stored, dict(summary.failures)) == (1, {"a file cannot be read": 1})
    assert run.engines.blobs.open_writers == 0


async def test_a_damaged_archive_is_a_failure(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES)
    path.write_bytes(path.read_bytes()[:-30])
    assert (await run(path)).failed == 1


async def test_an_encrypted_member_is_a_failure(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:1])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert (await run(path)).failures == {"a member of an archive is encrypted": 1}


async def test_a_method_that_may_inflate_without_bound_is_not_read(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:1], zipfile.ZIP_LZMA)
    assert (await run(path)).failures == {"a member of an archive is compressed by another method than deflate": 1}


async def test_an_archive_that_expands_beyond_measure_is_left_alone(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    path = make_zip(disc / "bomb.zip", [FILES[0], FILES[1] + bytes(64 << 20), FILES[2]])
    summary = await run(path)
    assert (summary.stored, dict(summary.failures)) == (1, {"an archive expands beyond measure": 2})


async def test_an_archive_with_an_endless_table_of_contents_is_left_alone(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "CONTENTS_LIMIT_BYTES", 500)
    path = make_zip(disc / "bomb.zip", FILES)
    assert (await run(path)).failures == {"an archive cannot be read, or has far too many members": 1}


def test_the_table_of_contents_of_a_large_archive_is_measured_too(disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:1])
    content = path.read_bytes()
    end = content.index(b"PK\x05\x06")
    size, offset = struct.unpack_from("<LL", content, end + 12)
    zip64 = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, 1 << 40, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(content[:end] + zip64 + locator + content[end:])
    assert size < 1000
    assert archive._contents_bytes(path) == 1 << 40


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


def make_dicomdir(path: Path, file_ids: Sequence[object]) -> None:
    ds = Dataset()
    ds.FileSetID = "TEST"
    ds.DirectoryRecordSequence = []
    for file_id in file_ids:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        with warnings.catch_warnings(action="ignore"):  # of values that the Standard does not allow
            record.ReferencedFileID = file_id
        ds.DirectoryRecordSequence.append(record)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)


def with_study_id(content: bytes) -> FileDataset:
    """Return the instance with what pydicom needs for its directory records."""
    ds = pydicom.dcmread(io.BytesIO(content))
    ds.StudyID = "1"
    return ds


async def test_a_dicomdir_stands_for_the_files_it_refers_to(run: Import, disc: Path) -> None:
    write(disc, FILES)
    make_dicomdir(disc / "DICOMDIR", [["S0", "IM0"], ["S1", "IM1"]])
    summary = await run(disc / "DICOMDIR")
    assert (summary.stored, summary.done) == (2, 2)


async def test_a_folder_with_a_dicomdir_is_taken_whole_and_missing_files_are_told(run: Import, disc: Path) -> None:
    write(disc, FILES)
    make_dicomdir(disc / "DICOMDIR", [["S0", "IM0"], ["S0", "IM99"]])
    summary = await run(disc)
    assert (summary.stored, summary.dicomdirs) == (7, 1)
    assert summary.failures == {"a file that a DICOMDIR refers to is missing": 1}


@pytest.mark.parametrize(
    "file_id", [["..", "secret", "S0", "IM0"], ["S0", "..", "..", "secret"], "/etc/passwd", ["link", "IM0"]]
)
async def test_a_dicomdir_does_not_lead_out_of_its_folder(
    run: Import, disc: Path, tmp_path: Path, file_id: object
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    write(secret, FILES[:1])
    (disc / "link").symlink_to(secret / "S0")
    make_dicomdir(disc / "DICOMDIR", [file_id])
    summary = await run(disc / "DICOMDIR")
    assert (summary.stored, summary.done) == (0, 1)
    assert "outside of its folder" in next(iter(summary.failures))


@pytest.mark.parametrize("component", ["A" * 300, "LOOP"])
async def test_a_reference_that_no_file_system_takes_is_a_missing_file(run: Import, disc: Path, component: str) -> None:
    (disc / "LOOP").symlink_to(disc / "LOOP")
    make_dicomdir(disc / "DICOMDIR", [[component]])
    assert (await run(disc / "DICOMDIR")).failures == {"a file that a DICOMDIR refers to is missing": 1}


async def test_a_medium_mounted_with_small_letters_is_read(run: Import, disc: Path) -> None:
    (disc / "s0").mkdir()
    (disc / "s0" / "im0;1").write_bytes(FILES[0])
    make_dicomdir(disc / "DICOMDIR", [["S0", "IM0"]])
    assert (await run(disc / "DICOMDIR")).stored == 1


async def test_a_dicomdir_written_by_pydicom_is_read(run: Import, disc: Path) -> None:
    file_set = FileSet()
    for content in FILES:
        file_set.add(with_study_id(content))
    file_set.write(disc)
    file_set._stage["t"].cleanup()  # it leaves that to the garbage collector
    assert (await run(disc / "DICOMDIR")).stored == 7


async def test_a_damaged_dicomdir_is_a_failure(run: Import, disc: Path) -> None:
    make_dicomdir(disc / "DICOMDIR", [["S0", "IM0"]])
    content = (disc / "DICOMDIR").read_bytes()
    (disc / "DICOMDIR").write_bytes(content[:-9])
    assert (await run(disc / "DICOMDIR")).failed == 1


async def test_again_everything_is_known_without_being_read(run: Import, disc: Path) -> None:
    write(disc, FILES[:3])
    make_zip(disc / "more.zip", FILES[3:])
    await run(disc)
    writers = run.engines.blobs.effects.copy()
    opened = run.engines.bus.calls
    summary = await run(disc)
    assert (summary.stored, summary.known) == (0, 7)
    assert (run.engines.blobs.effects, run.engines.bus.calls) == (writers, opened)


async def test_without_its_journal_everything_is_known_by_its_bytes(run: Import, disc: Path) -> None:
    write(disc, FILES)
    await run(disc)
    for entry in (run.home / "imports").iterdir():
        entry.unlink()
    summary = await run(disc)
    assert (summary.stored, summary.known) == (0, 7)


async def test_the_blob_store_has_the_last_word_over_the_journal(run: Import, disc: Path) -> None:
    write(disc, FILES)
    await run(disc)
    lost = run.engines.blobs.keys("instances")[0]
    del run.engines.blobs.contents[lost]
    summary = await run(disc)
    assert (summary.stored, summary.known) == (1, 6)


async def test_a_journal_that_was_cut_or_spoilt_costs_only_time(run: Import, disc: Path) -> None:
    write(disc, FILES)
    await run(disc)
    for entry in (run.home / "imports").iterdir():
        entry.write_bytes(b"\xff\xfe nonsense\n" + entry.read_bytes()[:-20])
    summary = await run(disc)
    assert (summary.stored, summary.known) == (0, 7)
    assert (await run(disc)).known == 7


async def test_a_file_that_changed_is_read_again(run: Import, disc: Path) -> None:
    write(disc, FILES[:1])
    await run(disc)
    path = disc / "S0" / "IM0"
    path.write_bytes(FILES[1])
    os.utime(path, ns=(1, 1))
    assert (await run(disc)).stored == 1


async def test_the_journal_holds_no_names(run: Import, disc: Path) -> None:
    path = make_zip(disc / "DOE^JOHN.zip", FILES[:1])
    await run(path)
    (entry,) = (run.home / "imports").iterdir()
    assert b"DOE" not in entry.read_bytes() + entry.name.encode()


async def test_an_interrupted_import_goes_on_where_it_stopped(run: Import, disc: Path) -> None:
    write(disc, FILES)
    bus = run.engines.bus

    def hang_at_three(done: int) -> None:
        if done == 3:
            bus.state = "hangs"
            bus.asked.clear()

    run.on_done = hang_at_three
    running = asyncio.ensure_future(run(disc, jobs=1))
    await bus.took.wait()
    while bus.state != "hangs" or not bus.asked.is_set():  # noqa: ASYNC110 - `asked` is cleared on the way
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert run.engines.blobs.open_writers == 0
    assert len(run.stored) == 4  # the fourth is durable, but nobody was told
    bus.state = "works"
    summary = await run(disc)
    assert (summary.stored, summary.known, summary.failed) == (3, 4, 0)
    assert run.stored == sorted(FILES)


async def test_a_store_that_is_away_for_a_moment_is_waited_for(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RETRY_DELAYS_S", (0.01,) * 20)
    write(disc, FILES)
    run.engines.blobs.fails_at = {"commit"}
    asyncio.get_running_loop().call_later(0.03, run.engines.blobs.fails_at.clear)
    assert (await run(disc)).stored == 7


async def test_a_store_that_stays_away_stops_the_import(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RETRY_DELAYS_S", (0.001, 0.001))
    write(disc, FILES)
    run.engines.blobs.fails_at = {"commit"}
    with pytest.raises(Unavailable):
        await run(disc)


async def test_a_log_that_is_away_is_told(run: Import, disc: Path) -> None:
    write(disc, FILES)
    run.engines.bus.state = "fails"
    summary = await run(disc)
    assert (summary.stored, summary.marked) == (7, 7)
    assert "7 will be catalogued" in str(summary)


async def test_more_files_than_jobs_and_batches(run: Import, disc: Path) -> None:
    files = [part10(make_instance(3, number, size=8)) for number in range(200)]
    make_zip(disc / "a.zip", files[:100])
    write(disc, files[100:])
    assert (await run(disc, jobs=2)).stored == 200
