"""What queries are tried on: three studies of two patients."""

from __future__ import annotations

from typing import Any


def uid_of(level: int, number: int) -> str:
    return f"1.2.{level}.{number}"


def instances() -> list[dict[str, Any]]:
    """Three studies of two patients; the second study has a CT and an SR series."""
    study = {
        "StudyTime": "101112",
        "AccessionNumber": "A1",
        "StudyID": "S1",
        "ReferringPhysicianName": "House^Gregory",
        "PatientBirthDate": "19700101",
        "PatientSex": "F",
        "PatientAge": "055Y",
        "SeriesNumber": 1,
        "BitsAllocated": 16,
        "Rows": 512,
        "Columns": 256,
    }
    rows = [
        (1, 1, 1, {"StudyDate": "20260101", "StudyDescription": "Kopf", "InstanceNumber": 2, "ImageComments": "a"}),
        (1, 1, 2, {"StudyDate": "20260101", "StudyDescription": "Kopf", "InstanceNumber": 1}),
        (2, 2, 3, {"StudyDate": "20260301", "StudyDescription": "Thorax Übersicht", "PatientID": "P2",
                   "PatientName": "Müller^Anna", "AccessionNumber": "A2", "SeriesNumber": 5}),
        (2, 3, 4, {"StudyDate": "20260301", "StudyDescription": "Thorax Übersicht", "PatientID": "P2",
                   "PatientName": "Müller^Anna", "AccessionNumber": "A2", "Modality": "SR", "SeriesNumber": 2,
                   "SeriesDescription": "Report", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}),
        (3, 4, 5, {"StudyDate": "20260201", "StudyDescription": "", "AccessionNumber": "", "Modality": "MR"}),
    ]  # fmt: skip
    return [
        study
        | {"StudyInstanceUID": uid_of(1, s), "SeriesInstanceUID": uid_of(2, e), "SOPInstanceUID": uid_of(3, i)}
        | own
        for s, e, i, own in rows
    ]
