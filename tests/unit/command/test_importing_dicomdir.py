"""`radstream import`: media with a DICOMDIR."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.fileset import FileSet
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from tests.importing import FILES, Import, write


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
