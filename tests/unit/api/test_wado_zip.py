"""Studies and series as ZIP archives, unpacked by Python and read by pydicom."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet

from tests.index_engines import data_set
from tests.wado_engines import EXPLICIT, Door, door_of

VIDEO = "1.2.840.10008.1.2.4.102"


async def door_of_study() -> Door:
    """Return a study of two series."""
    door = await door_of(data_set(SOPInstanceUID="1.2.3.1", InstanceNumber=1), EXPLICIT)
    more = [
        (EXPLICIT, data_set(SOPInstanceUID="1.2.3.2", InstanceNumber=2, PatientName="Müller^Jörg")),
        (EXPLICIT, data_set(SOPInstanceUID="1.2.3.3", SeriesInstanceUID="1.2.2.2", Modality="SR")),
    ]
    for syntax, content in more:
        await door.archive.index(await door.archive.ingest(content, syntax))
    return door


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("names", "count"), [(6, 2), (4, 3)])
async def test_archive_has_every_file_and_a_directory_of_them(names: int, count: int, tmp_path: Path) -> None:
    door = await door_of_study()
    url = "/".join(door.url.split("/")[:names])
    answer = await door.client.get(url, headers={"Accept": "application/zip"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="1.2.1.1.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    found = FileSet(tmp_path / "DICOMDIR")
    loaded = {str(entry.load().SOPInstanceUID): entry for entry in found}
    assert loaded.keys() == {f"1.2.3.{number}" for number in range(1, count + 1)}
    assert all("Smith" not in name and "P1" not in name for name in archive.namelist())
    found._stage["t"].cleanup()  # which pydicom leaves to the collector
    again = await door.client.get(url, headers={"Accept": "application/zip", "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_files_are_in_the_transfer_syntax_that_is_asked_for() -> None:
    door = await door_of_study()
    url = door.url.rsplit("/series", 1)[0]
    for accept in ("application/zip; transfer-syntax=*", f"application/zip; transfer-syntax={EXPLICIT}"):
        answer = await door.client.get(url, headers={"Accept": accept})
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            file = pydicom.dcmread(io.BytesIO(archive.read("DICOM/SE000001/IM000001")))
        assert file.file_meta.TransferSyntaxUID == EXPLICIT
    assert (
        await door.client.get(url, headers={"Accept": f"application/zip; transfer-syntax={VIDEO}"})
    ).status_code == 406
