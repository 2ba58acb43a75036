"""A small CT series whose slices differ, so that scrolling shows."""

from __future__ import annotations

import io

import pydicom

from tests.part10_files import in_own_study, pydicom_file, uids

NUMBER = 9000
SLICES = 4
STUDY = uids(NUMBER)["StudyInstanceUID"]
PATIENT = "Scroll^Through"


def ct_series() -> list[bytes]:
    """Return the files of the series, 5 mm apart, each turned by a quarter against the one before."""
    return [_slice(number) for number in range(SLICES)]


def _slice(number: int) -> bytes:
    found = pydicom.dcmread(io.BytesIO(in_own_study(pydicom_file("CT_small.dcm"), NUMBER)))
    found.SOPInstanceUID = f"{found.SOPInstanceUID}.{number}"
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.PatientName, found.PatientID, found.InstanceNumber = PATIENT, "SCROLL-1", number + 1
    found.ImagePositionPatient = [-158.135803, -179.035797, -75.699997 + 5 * number]
    pixels = found.pixel_array
    for _ in range(number):
        pixels = pixels.transpose()[::-1]
    found.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    found.save_as(buffer)
    return buffer.getvalue()
