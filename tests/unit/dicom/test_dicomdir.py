"""DICOMDIRs, read by pydicom's file sets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.fileset import FileSet

from radstream.dicom.dicomdir import File, dicomdir, listed

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"


def file(study: str, series: str, number: int, sop_class: str = CT, **more: Any) -> File:
    values = {
        "00100010": ("PN", [{"Alphabetic": "Müller^Jörg", "Ideographic": "山田^太郎"}]),
        "00100020": ("LO", ["P1"]),
        "00080020": ("DA", ["20260102"]),
        "0020000D": ("UI", [study]),
        "00080060": ("CS", ["CT"]),
        "0020000E": ("UI", [series]),
        "00200013": ("IS", [number]),
        "00280010": ("US", [512]),
        **more,
    }
    attributes = {tag: {"vr": vr, "Value": value} for tag, (vr, value) in values.items()}
    path = ("DICOM", "SE000001", f"IM{number:06d}")
    return File(path, sop_class, f"1.9.{number}", "1.2.840.10008.1.2.1", listed(attributes))


@pytest.mark.filterwarnings("ignore")
def test_every_file_is_found_under_its_patient_study_and_series(tmp_path: Path) -> None:
    files = [file("1.1", "1.2", 1), file("1.1", "1.2", 2), file("1.1", "1.3", 3, SR), file("1.4", "1.5", 4)]
    for each in files:
        target = tmp_path.joinpath(*each.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    (tmp_path / "DICOMDIR").write_bytes(dicomdir([*files[2:], *files[:2]]))
    found = FileSet(tmp_path / "DICOMDIR")
    said = {
        (str(entry.StudyInstanceUID), str(entry.SeriesInstanceUID), str(entry.ReferencedSOPInstanceUIDInFile))
        for entry in found
    }
    assert said == {("1.1", "1.2", "1.9.1"), ("1.1", "1.2", "1.9.2"), ("1.1", "1.3", "1.9.3"), ("1.4", "1.5", "1.9.4")}
    kinds = {str(entry.ReferencedSOPInstanceUIDInFile): entry.DirectoryRecordType for entry in found}
    assert kinds == {"1.9.1": "IMAGE", "1.9.2": "IMAGE", "1.9.3": "SR DOCUMENT", "1.9.4": "IMAGE"}
    assert [list(entry.ReferencedFileID) for entry in found if entry.InstanceNumber == 2] == [
        ["DICOM", "SE000001", "IM000002"]
    ]
    assert str(next(iter(found)).PatientName) == "Müller^Jörg=山田^太郎"

    found._stage["t"].cleanup()  # which pydicom leaves to the collector


def test_equal_files_make_equal_directories() -> None:
    assert dicomdir([file("1.1", "1.2", 1)]) == dicomdir([file("1.1", "1.2", 1)])
    assert dicomdir([file("1.1", "1.2", 1)]) != dicomdir([file("1.1", "1.2", 2)])


def test_directory_without_files_is_one_too() -> None:
    assert pydicom.dcmread(io.BytesIO(dicomdir([]))).OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity == 0
