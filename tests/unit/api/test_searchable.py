"""Attributes that an operator makes searchable: kept by the index, found by a query, on every level."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.contract.errors import UnsafeConfiguration
from radstream.dicom.levels import Level
from radstream.dicom.searchable import Searchable, searchable
from radstream.settings import load_settings
from radstream.web.app import create_app
from services.api import qido
from tests.index_engines import Archive
from tests.memory_catalog import MemoryCatalog

NAMES = (
    "StationName,00080022,AcquisitionTime,SeriesDate,OperatorsName,PatientAge,ProcedureCodeSequence.CodeValue,"
    "ImageType,AcquisitionNumber,FrameOfReferenceUID,AdmissionID"
)


@pytest.fixture(params=["memory", "sqlite"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    settings = load_settings(home=tmp_path, searchable_attributes=NAMES)
    catalog: Catalog = MemoryCatalog() if request.param == "memory" else SqliteCatalog(tmp_path)
    await catalog.create_collections()
    archive = Archive(catalog=catalog, searchable=settings.searchable)
    await archive.index(
        archive.store(
            StudyInstanceUID="1.1", SeriesInstanceUID="1.1.1", SOPInstanceUID="1.1.1.1", StationName="Raum 4",
            AcquisitionDate="20260101", AcquisitionTime="0930", SeriesDate="20260105", OperatorsName="Müller^Eva\\Li",
            PatientAge="055Y", ImageType=["ORIGINAL", "PRIMARY"], AcquisitionNumber=7, FrameOfReferenceUID="1.2.3",
        ),
        archive.store(
            StudyInstanceUID="1.2", SeriesInstanceUID="1.2.1", SOPInstanceUID="1.2.1.1", StationName="Raum 5",
            AcquisitionDate="20260201", SeriesDate="20260205", OperatorsName="House^Gregory", ImageType=["DERIVED"],
            AdmissionID="A~1",
        ),
    )  # fmt: skip
    app = create_app("test", [qido.router(archive.backends, settings)], {})
    yield httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pacs.test/dicom-web/")
    await catalog.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("series?StationName=raum 4", ["1.1"]),
        ("series?StationName=*5", ["1.2"]),
        ("series?StationName=R?um*&00080060=CT", ["1.1", "1.2"]),
        ("instances?AcquisitionDate=20260101", ["1.1"]),
        ("instances?AcquisitionDate=20260115-", ["1.2"]),
        ("instances?AcquisitionDate=-20260131", ["1.1"]),
        ("instances?AcquisitionTime=09", ["1.1"]),
        ("instances?AcquisitionTime=10-", []),
        ("series?SeriesDate=20260101-20260131", ["1.1"]),
        ("series?OperatorsName=muller^*", ["1.1"]),
        ("series?OperatorsName=li", ["1.1"]),
        ("studies?PatientAge=055Y", ["1.1"]),
        ("instances?ImageType=PRIMARY", ["1.1"]),
        ("instances?ImageType=PRIMARY,DERIVED", ["1.1", "1.2"]),
        ("instances?AcquisitionNumber=7", ["1.1"]),
        ("instances?AcquisitionNumber=71", []),
        ("series?FrameOfReferenceUID=1.2.3", ["1.1"]),
        ("studies?AdmissionID=a~1", ["1.2"]),
        ("studies?AdmissionID=", ["1.1", "1.2"]),
        ('studies?AdmissionID=""&emptyvaluematching=true', ["1.1"]),
    ],
)
async def test_what_an_operator_names_is_found(client: httpx2.AsyncClient, query: str, found: list[str]) -> None:
    answer = await client.get(query)
    assert answer.status_code == 200, answer.text
    assert "warning" not in answer.headers
    assert sorted({row["0020000D"]["Value"][0] for row in answer.json()}) == found


async def test_what_is_found_is_returned(client: httpx2.AsyncClient) -> None:
    (row,) = (await client.get("instances?AcquisitionNumber=7")).json()
    assert row["00200012"] == {"vr": "IS", "Value": [7]}


async def test_other_attributes_are_ignored_with_a_warning(client: httpx2.AsyncClient) -> None:
    answer = await client.get("series?InstitutionName=x")
    assert "InstitutionName is not supported" in answer.headers["warning"]


def test_an_item_of_a_sequence_is_named_with_points() -> None:
    assert searchable("ProcedureCodeSequence.00080100") == Searchable("00081032.00080100", "folded", Level.STUDY)


@pytest.mark.parametrize(
    "name", ["Colour", "PixelData", "SliceThickness", "PatientID.CodeValue", "ProcedureCodeSequence"]
)
def test_what_cannot_be_searched_is_refused_at_the_start(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeConfiguration, match=name):
        load_settings(home=tmp_path, searchable_attributes=name)
