"""STOW-RS with clients and data that we did not make: dicomweb-client, DCMTK's JSON and XML, what WADO-RS gave."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from tests.described import DICOM_JSON, DICOM_XML, JSON_RELATED, read
from tests.samples import Sample, samples
from tests.seen import seen
from tests.stow_door import body_of
from tests.system import System

pytestmark = pytest.mark.e2e

WITH_DCMTK = (
    *("CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm", "reportsi.dcm", "rtplan.dcm", "rtdose.dcm"),
    *(
        "waveform_ecg.dcm",
        "SC_rgb_small_odd.dcm",
        "chrArab.dcm",
        "chrFren.dcm",
        "chrGreek.dcm",
        "chrKoreanMulti.dcm",
    ),
    *("chrRuss.dcm", "chrX1.dcm", "chrX2.dcm"),
)
COMMANDS = {
    DICOM_JSON: ["dcm2json"],
    DICOM_XML: [
        "dcm2xml",
        "--native-format",
        "--use-xml-namespace",
        "--encode-base64",
        "--load-all",
        "--convert-to-utf8",
    ],
}


def stored(system: System, ds: pydicom.Dataset) -> pydicom.FileDataset:
    """Return an instance as the archive holds it."""
    url = f"studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    answer = system.get(url, headers={"Accept": 'application/dicom; transfer-syntax="*"'})
    assert answer.status_code == 200, answer.text
    return read(answer.content)


def test_dicomweb_client_stores_and_is_told_of_each(system: System) -> None:
    names = ("CT_small.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_rle_2frame.dcm")
    instances = [pydicom.dcmread(str(get_testdata_file(name))) for name in names]
    told = DICOMwebClient(system.dicom_web).store_instances(instances)
    assert [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence] == [
        each.SOPInstanceUID for each in instances
    ]
    assert all(item.RetrieveURL.startswith("http") for item in told.ReferencedSOPSequence)
    assert "FailedSOPSequence" not in told


def test_dicomweb_client_is_told_of_what_fails(system: System) -> None:
    ct = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    mr = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    told = DICOMwebClient(system.dicom_web).store_instances([ct, mr], study_instance_uid=ct.StudyInstanceUID)
    assert [item.ReferencedSOPInstanceUID for item in told.FailedSOPSequence] == [mr.SOPInstanceUID]
    assert [item.FailureReason for item in told.FailedSOPSequence] == [0xA900]


@pytest.mark.dcmtk
@pytest.mark.parametrize("media_type", COMMANDS)
@pytest.mark.parametrize("name", WITH_DCMTK)
def test_what_dcmtk_writes_is_stored_as_the_same(system: System, name: str, media_type: str) -> None:
    sample = _sample(name)
    text = subprocess.run([*COMMANDS[media_type], sample.path], capture_output=True, check=True).stdout
    answer = httpx2.post(f"{system.dicom_web}/studies", content=text, headers={"Content-Type": media_type}, timeout=60)
    assert answer.status_code == 200, answer.text
    system.wait_until_indexed()
    original = read(sample.path)
    ours = stored(system, original)
    assert seen(ours) == seen(original)
    if "PixelData" in original:
        assert ours.pixel_array.tolist() == original.pixel_array.tolist()


def _sample(name: str) -> Sample:
    return next(sample for sample in samples() if sample.name == name)


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "waveform_ecg.dcm", "color3d_jpeg_baseline.dcm", "SC_rgb_rle_2frame.dcm"]
)
def test_metadata_and_bulk_data_that_were_retrieved_can_be_stored_again(system: System, name: str) -> None:
    """What an editor does: metadata with other UIDs and the bulk data it refers to, by absolute URLs."""
    path = Path(str(get_testdata_file(name)))
    original = read(path)
    system.stow(path.read_bytes())
    system.wait_until_indexed()
    study = f"studies/{original.StudyInstanceUID}"
    instance = f"{study}/series/{original.SeriesInstanceUID}/instances/{original.SOPInstanceUID}"
    (metadata,) = system.get(f"{instance}/metadata", headers={"Accept": DICOM_JSON}).json()
    uid = generate_uid(entropy_srcs=[name])
    metadata["00080018"]["Value"] = [uid]
    answer = httpx2.post(
        f"{system.dicom_web}/studies",
        content=body_of(({"Content-Type": DICOM_JSON}, orjson.dumps([metadata])), *_bulk(system, metadata)),
        headers={"Content-Type": JSON_RELATED},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    system.wait_until_indexed()
    edited = read(path)
    edited.SOPInstanceUID = uid
    ours = stored(system, edited)
    assert seen(ours) == seen(edited)
    assert ours.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID or not _is_compressed(original)
    if "PixelData" in original and "NumberOfFrames" not in original:
        assert ours.PixelData == original.PixelData


def _is_compressed(ds: pydicom.FileDataset) -> bool:
    return bool(ds.file_meta.TransferSyntaxUID.is_compressed)


def _bulk(system: System, metadata: Any) -> list[tuple[dict[str, str], bytes]]:
    """Return a part for each value that the metadata refers to, as WADO-RS gives it."""
    found: list[tuple[dict[str, str], bytes]] = []
    for entry in metadata.values():
        if "BulkDataURI" in entry:
            path = entry["BulkDataURI"].partition("/dicom-web/")[2]
            answer = system.get(path, headers={"Accept": 'multipart/related; type="*/*"; transfer-syntax=*'})
            assert answer.status_code == 200, answer.text
            found += [
                ({"Content-Type": content_type, "Content-Location": entry["BulkDataURI"]}, content)
                for content_type, content in _parts(answer)
            ]
        for item in entry.get("Value", ()) if entry["vr"] == "SQ" else ():
            found += _bulk(system, item)
    return found


def _parts(answer: httpx2.Response) -> list[tuple[str, bytes]]:
    """Return media type and content of each part of a multipart answer."""
    boundary = answer.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    parts = []
    for part in answer.content.split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type")]
        parts.append((line.partition(b": ")[2].decode(), content))
    return parts
