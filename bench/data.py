"""Synthetic instances of a usual size: CT slices of 512 x 512 x 16 bit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def ct_slice(
    study: str, series: str, number: int, *, patient: str = "BENCH-1", size: int = 512, sop_instance_uid: str = ""
) -> bytes:
    """Return a CT slice as Part 10 file; noise on a disc, so that it compresses as a real one does."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    hounsfield = np.where(x**2 + y**2 < 0.6, 40, -1000) + rng.normal(0, 12, (size, size))
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, sop_instance_uid or generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = patient, f"Bench^{patient}", "19700101", "O"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260101", "120000", f"A{patient[-8:]}", "1"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, number
    ds.StudyDescription, ds.SeriesDescription = "CT of the bench", "axial"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, float(number)], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness, ds.FrameOfReferenceUID = [0.7, 0.7], 1, study + ".9"
    ds.Rows = ds.Columns = size
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 1, -1024, 40, 400
    ds.PixelData = (hounsfield + 1024).clip(0, 4095).astype("<u2").tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def write_series(folder: Path, count: int, size: int = 512) -> tuple[str, str]:
    """Write one series of `count` slices into `folder`; return its Study and Series Instance UID."""
    folder.mkdir(parents=True)
    study, series = generate_uid(), generate_uid()
    for number in range(1, count + 1):
        (folder / f"{number:04}.dcm").write_bytes(ct_slice(study, series, number, size=size))
    return study, series


def small_studies(count: int) -> list[bytes]:
    """Return `count` studies of one tiny slice each, of patients of their own."""
    return [
        ct_slice(generate_uid(), generate_uid(), 1, patient=f"P{number:06}", size=16) for number in range(1, count + 1)
    ]
