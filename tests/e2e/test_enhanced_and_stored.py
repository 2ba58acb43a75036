"""Enhanced pictures and planes of a running system, stored by whoever asked for them, and found again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx2
import pydicom
import pytest
from pydicom.data import get_testdata_file

from tests.ct_series import ct_series
from tests.render_engines import SERIES, STUDY
from tests.system import System
from tests.volumes import Scan, ellipsoid

pytestmark = pytest.mark.e2e

FILE = {"Accept": "application/dicom"}
SCAN = Scan(rows=48, columns=64, places=tuple(2.0 * number for number in range(16)))


def stored_again(system: System, answer: httpx2.Response) -> pydicom.Dataset:
    """Store what was made, as its answer holds it, and return it as the archive gives it back."""
    assert answer.status_code == 200, answer.text
    headers = {"Content-Type": "application/dicom"}
    stored = httpx2.post(f"{system.dicom_web}/studies", content=answer.content, headers=headers, timeout=60)
    assert stored.status_code == 200, stored.text
    system.wait_until_quiet()
    made = pydicom.dcmread(io.BytesIO(answer.content))
    instance = f"studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}/instances/{made.SOPInstanceUID}"
    kept = system.get(instance, headers={"Accept": 'application/dicom; transfer-syntax="*"'})
    assert kept.status_code == 200, kept.text
    assert system.get(f"{instance}/rendered").status_code == 200
    return pydicom.dcmread(io.BytesIO(kept.content))


def test_an_enhanced_picture_is_stored_beside_its_source_and_once_only(system: System) -> None:
    path = Path(str(get_testdata_file("MR_small.dcm")))
    source = pydicom.dcmread(path)
    assert system.stow(path.read_bytes()).status_code == 200
    system.wait_until_quiet()
    series = f"studies/{source.StudyInstanceUID}/series"
    url = f"{series}/{source.SeriesInstanceUID}/instances/{source.SOPInstanceUID}/rendered?enhance=denoise,clahe"
    kept = stored_again(system, system.get(url, headers=FILE))
    assert kept.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert kept.PatientID == source.PatientID
    stored_again(system, system.get(url, headers=FILE))
    found = {entry["0020000E"]["Value"][0] for entry in system.get(series).json()}
    assert found == {source.SeriesInstanceUID, kept.SeriesInstanceUID}
    assert len(system.get(f"{series}/{kept.SeriesInstanceUID}/instances").json()) == 1


def test_planes_of_a_series_are_shown_and_stored(system: System) -> None:
    assert system.stow(*ct_series(SCAN, ellipsoid(SCAN.center, (9, 7, 8)))).status_code == 200
    system.wait_until_quiet()
    series = f"studies/{STUDY}/series/{SERIES}"
    shown = system.get(f"{series}/rendered?plane=sagittal&thickness=5&projection=max")
    assert shown.status_code == 200, shown.text
    assert json.loads(shown.headers["radstream-reconstructed"])["ImageOrientationPatient"] == [0, 1, 0, 0, 0, -1]
    by_camera = system.get(f"{series}/renderedmpr?orientation=a&mprslab=5&renderingmethod=maximum_ip", headers=FILE)
    kept = stored_again(system, by_camera)
    assert len(kept.SourceImageSequence) == 16
    assert kept.BurnedInAnnotation == "YES"
