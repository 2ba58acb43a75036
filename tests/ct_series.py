"""CT series of known geometry as files, for what puts series together."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tests.render_engines import SERIES, STUDY, to_bytes
from tests.volumes import Phantom, Scan, scanned


def ct_series(scan: Scan, phantom: Phantom, **changes: Any) -> list[bytes]:
    """Return the Part 10 files of a scan; stored values are those of the phantom plus 1024.

    Parameters
    ----------
    **changes
        Attributes that all of them have.
    """
    planes = scan.planes()
    return [
        to_bytes(_slice(number, plane, values, changes))
        for number, (plane, values) in enumerate(zip(planes, scanned(planes, phantom), strict=True))
    ]


def _slice(number: int, plane: Any, values: Any, changes: dict[str, Any]) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"1.2.9.{number + 1}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, SERIES, "1.2.8"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Doe^Jane", "4711", "19700101", "F"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260102", "101500", "1", "A1"
    ds.ReferringPhysicianName, ds.Modality, ds.InstanceNumber = None, "CT", number + 1
    ds.ImagePositionPatient = [f"{component:.8g}" for component in plane.position]
    ds.ImageOrientationPatient = [f"{component:.10g}" for component in (*plane.row_direction, *plane.column_direction)]
    ds.PixelSpacing = [plane.row_spacing, plane.column_spacing]
    ds.Rows, ds.Columns, ds.SamplesPerPixel = plane.rows, plane.columns, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1024, "HU"
    ds.WindowCenter, ds.WindowWidth = 500, 1001
    ds.PixelData = np.clip(np.rint(values) + 1024, 0, 65535).astype("<u2").tobytes()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds
