"""A client that we did not write, dicomweb-client, reads back what it stored."""

from __future__ import annotations

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from tests.system import System

pytestmark = pytest.mark.e2e

MEDIA_TYPES = {
    "CT_small.dcm": "application/octet-stream",
    "MR_small_jpeg_ls_lossless.dcm": "image/jls",
    "emri_small_jpeg_2k_lossless.dcm": "image/jp2",
}


@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_instance_metadata_frames_and_bulk_data_come_back(system: System, name: str) -> None:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    dataset = pydicom.dcmread(path)
    client = DICOMwebClient(system.dicom_web)
    client.store_instances([dataset])
    system.wait_until_indexed()
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)

    assert client.retrieve_instance(*uids).PixelData == dataset.PixelData
    [stored] = [each for each in client.retrieve_series(*uids[:2]) if each.SOPInstanceUID == uids[2]]
    assert stored.PatientName == dataset.PatientName
    metadata = client.retrieve_instance_metadata(*uids)
    assert metadata["00080018"]["Value"] == [dataset.SOPInstanceUID]

    count = int(dataset.get("NumberOfFrames", 1))
    is_compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    expected = (
        list(generate_frames(dataset.PixelData, number_of_frames=count)) if is_compressed else [dataset.PixelData]
    )
    media_types = ((MEDIA_TYPES[name], dataset.file_meta.TransferSyntaxUID),) if is_compressed else None
    assert client.retrieve_instance_frames(*uids, [1, count], media_types) == [expected[0], expected[-1]]
    path = metadata["7FE00010"]["BulkDataURI"].partition("/dicom-web")[2]
    # This client's Host header has no port, and links say what the Host header says.
    assert client.retrieve_bulkdata(f"{system.dicom_web}{path}", media_types) == expected
