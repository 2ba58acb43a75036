"""One instance in many forms from the running system: real workers, real stores, clients of others."""

from __future__ import annotations

import io
import zipfile

import httpx2
import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.data import get_testdata_file

from tests.system import System

pytestmark = pytest.mark.e2e

HTJ2K, JPEG_LS, EXPLICIT = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1"


@pytest.fixture(scope="module")
def dataset(system: System) -> pydicom.FileDataset:
    path = get_testdata_file("MR_small_jpeg_ls_lossless.dcm")
    assert isinstance(path, str)
    found = pydicom.dcmread(path)
    found.StudyInstanceUID, found.SOPInstanceUID = "2.25.77.1", "2.25.77.3"
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    DICOMwebClient(system.dicom_web).store_instances([found])
    system.wait_until_indexed()
    return found


def url_of(system: System, dataset: pydicom.FileDataset) -> str:
    series = f"studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
    return f"{system.dicom_web}/{series}/instances/{dataset.SOPInstanceUID}"


@pytest.mark.parametrize(
    ("accept", "syntax"),
    [
        ("application/dicom", EXPLICIT),
        ("application/dicom; transfer-syntax=*", JPEG_LS),
        (f"application/dicom; transfer-syntax={HTJ2K}", HTJ2K),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.5", "1.2.840.10008.1.2.5"),
    ],
)
def test_instance_comes_in_the_transfer_syntax_that_is_asked_for(
    system: System, dataset: pydicom.FileDataset, accept: str, syntax: str
) -> None:
    for _ in range(2):  # made, and known
        answer = httpx2.get(url_of(system, dataset), headers={"accept": accept})
        assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={syntax}"
        found = pydicom.dcmread(io.BytesIO(answer.content))
        np.testing.assert_array_equal(found.pixel_array, dataset.pixel_array)


def test_client_that_names_no_media_type_gets_decoded_frames(system: System, dataset: pydicom.FileDataset) -> None:
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    answer = httpx2.get(f"{url_of(system, dataset)}/frames/1", headers={"accept": "application/octet-stream"})
    assert answer.content == dataset.pixel_array.tobytes()
    client = DICOMwebClient(system.dicom_web)
    [compressed] = client.retrieve_instance_frames(*uids, [1], (("image/jls", JPEG_LS),))
    assert compressed == next(pydicom.encaps.generate_frames(dataset.PixelData))


def test_study_comes_as_zip(system: System, dataset: pydicom.FileDataset) -> None:
    study = f"{system.dicom_web}/studies/{dataset.StudyInstanceUID}"
    answer = httpx2.get(study, headers={"accept": "application/zip"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["DICOM/SE000001/IM000001", "DICOMDIR"]
        found = pydicom.dcmread(io.BytesIO(archive.read("DICOM/SE000001/IM000001")))
    assert found.file_meta.TransferSyntaxUID == EXPLICIT


def test_older_service_gives_file_and_picture(system: System, dataset: pydicom.FileDataset) -> None:
    query = {"requestType": "WADO", "studyUID": dataset.StudyInstanceUID, "seriesUID": dataset.SeriesInstanceUID}
    query["objectUID"] = dataset.SOPInstanceUID
    picture = httpx2.get(f"{system.base}/wado", params={**query, "rows": "32"})
    assert (picture.headers["content-type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")
    file = httpx2.get(f"{system.base}/wado", params={**query, "contentType": "application/dicom"})
    assert pydicom.dcmread(io.BytesIO(file.content)).file_meta.TransferSyntaxUID == EXPLICIT
