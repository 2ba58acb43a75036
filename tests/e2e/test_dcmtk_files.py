"""Files that DCMTK makes and changes, stored by STOW-RS and given back: bytes, frames, pictures, documents."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from tests.samples import data_set_of
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.dcmtk]

DUMP = """
(0008,0016) UI =SecondaryCaptureImageStorage
(0008,0018) UI [2.25.777.3]
(0008,0060) CS [OT]
(0010,0010) PN [Dumped^Text]
(0010,0020) LO [DUMP]
(0020,000d) UI [2.25.777.1]
(0020,000e) UI [2.25.777.2]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0010) US 2
(0028,0011) US 4
(0028,0100) US 8
(0028,0101) US 8
(0028,0102) US 7
(0028,0103) US 0
(7fe0,0010) OB 00\\20\\40\\60\\80\\a0\\c0\\ff
"""

COMMANDS = {
    "img2dcm": "img2dcm {jpeg} {out}",
    "img2dcm of a bitmap": "img2dcm -i BMP {bmp} {out}",
    "pdf2dcm": "pdf2dcm {pdf} {out}",
    "dump2dcm": "dump2dcm {dump} {out}",
    "dcmcjpeg lossless": "dcmcjpeg +e1 +ua {ct} {out}",
    "dcmcjpeg baseline": "dcmcjpeg +eb +ua {rgb} {out}",
    "dcmcjpeg extended": "dcmcjpeg +ee +ua {ct} {out}",
    "dcmcjpls lossless": "dcmcjpls +ua {ct} {out}",
    "dcmcjpls near lossless": "dcmcjpls +en +ua {color} {out}",
    "dcmcrle": "dcmcrle +ua {ct} {out}",
    "dcmconv big endian": "dcmconv +tb {ct} {out}",
    "dcmconv implicit": "dcmconv +ti -e {ct} {out}",
    "dcmconv deflated": "dcmconv +td {ct} {out}",
    "dcmscale": "dcmscale +Sxf 2 {ct} {out}",
    "dcmquant": "dcmquant {rgb} {out}",
}
"""What makes a file of what is there; each gives it UIDs of its own, or keeps those that are there."""

LOSSY = {"img2dcm", "dcmcjpeg baseline", "dcmcjpeg extended"}
"""What two decoders of JPEG may see a little differently."""

DECODERS = {"img2dcm": "dcmdjpeg", "dcmcjpeg": "dcmdjpeg", "dcmcjpls": "dcmdjpls", "dcmcrle": "dcmdrle"}

DOCUMENT = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass(frozen=True)
class Made:
    """A file that was stored."""

    content: bytes
    dataset: pydicom.FileDataset

    @property
    def url(self) -> str:
        uids = (self.dataset.StudyInstanceUID, self.dataset.SeriesInstanceUID, self.dataset.SOPInstanceUID)
        return "studies/{}/series/{}/instances/{}".format(*uids)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    picture = Image.fromarray(np.linspace(0, 255, 40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3))
    picture.save(folder / "picture.jpg")
    picture.save(folder / "picture.bmp")
    (folder / "report.pdf").write_bytes(DOCUMENT)
    (folder / "dump.txt").write_text(DUMP)
    named = {"jpeg": "picture.jpg", "bmp": "picture.bmp", "pdf": "report.pdf", "dump": "dump.txt"}
    found = {name: folder / file for name, file in named.items()}
    return found | {name: Path(str(get_testdata_file(f"{file}.dcm"))) for name, file in FILES.items()}


FILES = {"ct": "CT_small", "rgb": "SC_rgb_small_odd", "color": "SC_rgb_jpeg_dcmd"}


@pytest.fixture(params=list(COMMANDS))
def made(request: pytest.FixtureRequest, system: System, sources: dict[str, Path], tmp_path: Path) -> tuple[str, Made]:
    """A file in a study of its own, by dcmodify, and what made it."""
    out = tmp_path / "made.dcm"
    run(COMMANDS[request.param].format(out=out, **sources))
    run(f"dcmodify -nb -gst -gse -gin -m PatientName=Made^By^{request.param.split()[0]} {out}")
    content = out.read_bytes()
    assert system.stow(content).status_code == 200
    system.wait_until_indexed()
    return request.param, Made(content, pydicom.dcmread(io.BytesIO(content)))


def decoded(content: bytes, name: str, folder: Path) -> pydicom.FileDataset:
    """Return what DCMTK itself makes of a file without compression."""
    (folder / "compressed.dcm").write_bytes(content)
    run(f"{DECODERS.get(name.split(maxsplit=1)[0], 'dcmconv +te')} {folder}/compressed.dcm {folder}/plain.dcm")
    return pydicom.dcmread(folder / "plain.dcm")


def run(command: str) -> None:
    outcome = subprocess.run(command.split(), capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 0, (command, outcome.stderr)


def test_file_is_stored_found_and_given_back(system: System, made: tuple[str, Made], tmp_path: Path) -> None:
    name, file = made
    stored = system.get(file.url, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert data_set_of(stored.content) == data_set_of(file.content), name
    conditions = {"PatientName": f"Made^By^{name.split()[0]}", "StudyInstanceUID": file.dataset.StudyInstanceUID}
    [found] = system.get("studies", params=conditions).json()
    assert found["00201208"]["Value"] == [1]
    if name == "pdf2dcm":
        document = system.get(f"{file.url}/rendered")
        assert (document.headers["content-type"], document.content.rstrip(b"\0")) == ("application/pdf", DOCUMENT)
        return
    frame = system.get(f"{file.url}/frames/1", headers={"Accept": "application/octet-stream"})
    expected = decoded(file.content, name, tmp_path).pixel_array
    pixels = np.frombuffer(frame.content, expected.dtype)[: expected.size]
    difference = pixels.astype(int) - expected.ravel().astype(int)
    assert np.abs(difference).max() <= (2 if name in LOSSY else 0), name
    picture = Image.open(io.BytesIO(system.get(f"{file.url}/rendered").content))
    assert picture.size == (file.dataset.Columns, file.dataset.Rows)
