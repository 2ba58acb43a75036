"""Every attribute that the conformance statement names is matched at its level, and those that it says are returned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.dicom.levels import DEFAULT_ATTRIBUTES, Level
from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import qido
from services.api.matching import MATCHINGS
from services.api.rows import COMPUTED_FIELDS
from tests.index_engines import CT_IMAGE_STORAGE, EXPLICIT, Archive
from tests.memory_catalog import MemoryCatalog

RESOURCES = {Level.STUDY: "studies", Level.SERIES: "series", Level.INSTANCE: "instances"}
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"

STORED: list[dict[str, Any]] = [
    {
        "StudyInstanceUID": "1.1", "SeriesInstanceUID": "1.1.1", "SOPInstanceUID": "1.1.1.1",
        "SOPClassUID": CT_IMAGE_STORAGE, "Modality": "CT", "StudyDate": "20260101", "StudyTime": "1011",
        "AccessionNumber": "A1", "ReferringPhysicianName": "House^Gregory", "PatientName": "Smith^John",
        "PatientID": "P1", "IssuerOfPatientID": "Ward", "PatientBirthDate": "19700101", "PatientSex": "F",
        "StudyID": "S1", "StudyDescription": "Head", "BodyPartExamined": "HEAD", "SeriesDescription": "axial",
        "SeriesNumber": 1, "SeriesDate": "20260101", "SeriesTime": "1012",
        "PerformedProcedureStepStartDate": "20260101", "PerformedProcedureStepStartTime": "1013",
        "InstanceNumber": 1, "Rows": 512, "Columns": 256, "NumberOfFrames": 3, "BitsAllocated": 16,
        "TimezoneOffsetFromUTC": "+0100", "SpecificCharacterSet": "ISO_IR 192",
    },
    {
        "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1.2.1.1",
        "SOPClassUID": MR_IMAGE_STORAGE, "Modality": "MR", "StudyDate": "20260202", "StudyTime": "2022",
        "AccessionNumber": "A2", "ReferringPhysicianName": "Wilson^James", "PatientName": "Jones^Mary",
        "PatientID": "P2", "IssuerOfPatientID": "Clinic", "PatientBirthDate": "19800202", "PatientSex": "M",
        "StudyID": "S2", "StudyDescription": "Knee", "BodyPartExamined": "KNEE", "SeriesDescription": "sagittal",
        "SeriesNumber": 2, "PerformedProcedureStepStartDate": "20260202", "PerformedProcedureStepStartTime": "2023",
        "InstanceNumber": 2, "Rows": 128, "Columns": 64, "NumberOfFrames": 5, "BitsAllocated": 16,
    },
]  # fmt: skip

COMPUTED = {
    "ModalitiesInStudy": ("CT", "MR"),
    "SOPClassesInStudy": (CT_IMAGE_STORAGE, MR_IMAGE_STORAGE),
    "NumberOfStudyRelatedSeries": ("1", "2"),
    "NumberOfStudyRelatedInstances": ("1", "4"),
    "NumberOfSeriesRelatedInstances": ("1", "2"),
    "AvailableTransferSyntaxUID": (EXPLICIT, None),
    "RequestAttributesSequence.ScheduledProcedureStepID": ("Q1", "Q2"),
    "RequestAttributesSequence.RequestedProcedureID": ("R1", "R2"),
}
"""What finds the first study, and what the second one; None: nothing does."""

RETURNED_INSTEAD = {(Level.STUDY, "00080060"): "00080061"}
"""Modalities in Study for the Modality of a study."""


def request_of(number: int) -> Dataset:
    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = f"Q{number}", f"R{number}"
    return item


@pytest.fixture(params=["memory", "sqlite"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The first study has one instance, the second one two series of two instances each."""
    catalog: Catalog = MemoryCatalog() if request.param == "memory" else SqliteCatalog(tmp_path)
    await catalog.create_collections()
    archive = Archive(catalog=catalog)
    first, second = (
        each | {"RequestAttributesSequence": [request_of(number)]} for number, each in enumerate(STORED, 1)
    )
    in_another = {"SeriesInstanceUID": "1.2.2"}
    others = [{"SOPInstanceUID": "1.2.1.2"}, *(in_another | {"SOPInstanceUID": f"1.2.2.{each}"} for each in (1, 2))]
    await archive.index(*(archive.store(**each) for each in (first, second, *(second | other for other in others))))
    app = create_app("test", [qido.router(archive.backends, Settings(home=tmp_path))], {})
    yield httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pacs.test/dicom-web/")
    await catalog.close()


def keyword_of(path: str) -> str:
    return ".".join(keyword_for_tag(int(tag, 16)) for tag in path.split("."))


def matched() -> Iterator[tuple[Level, str]]:
    """Yield each attribute with each level at which it is matched: its own and those below."""
    yield from ((level, path) for path, matching in MATCHINGS.items() for level in Level if matching.field_at(level))


def values_of(keyword: str) -> tuple[str, str | None]:
    return COMPUTED.get(keyword) or tuple(str(each[keyword]) for each in STORED)  # type: ignore[return-value]


async def studies(client: httpx2.AsyncClient, level: Level, name: str, value: str) -> set[str]:
    answer = await client.get(RESOURCES[level], params={name: value})
    assert answer.status_code == 200, answer.text
    assert "warning" not in answer.headers
    return {row["0020000D"]["Value"][0] for row in answer.json()}


async def test_every_attribute_finds_what_has_its_value_at_its_level_and_below(client: httpx2.AsyncClient) -> None:
    for level, path in matched():
        keyword = keyword_of(path)
        first, second = values_of(keyword)
        for name in (keyword, path):
            assert await studies(client, level, name, str(first)) >= {"1.1"}, (level, name)
        if second is None:
            assert await studies(client, level, keyword, "1.2.3") == set()
        else:
            assert await studies(client, level, keyword, str(first)) == {"1.1"}, (level, keyword)
            assert await studies(client, level, keyword, second) == {"1.2"}, (level, keyword)


async def test_what_was_matched_is_returned(client: httpx2.AsyncClient) -> None:
    for level, path in matched():
        tag = RETURNED_INSTEAD.get((level, path), path.partition(".")[0])
        for row in (await client.get(RESOURCES[level], params={path: values_of(keyword_of(path))[0]})).json():
            assert tag in row, (level, keyword_of(path))


@pytest.mark.parametrize(
    "query",
    ["AvailableTransferSyntaxUID=", "includefield=00083002", "includefield=all", "00083002=1.2.840.10008.1.2.1"],
)
async def test_the_transfer_syntax_is_told_to_who_asks_for_it(client: httpx2.AsyncClient, query: str) -> None:
    rows = (await client.get(f"instances?{query}")).json()
    assert [row["00083002"] for row in rows] == [{"vr": "UI", "Value": [EXPLICIT]}] * 5
    assert all("00083002" not in row for row in (await client.get("instances")).json())


@pytest.mark.parametrize("level", Level)
async def test_every_attribute_of_a_level_is_returned_without_being_asked_for(
    client: httpx2.AsyncClient, level: Level
) -> None:
    (row,) = (await client.get(RESOURCES[level], params={"StudyInstanceUID": "1.1"})).json()
    on_request = {"00080062", "00083002"}  # SOP Classes in Study, Available Transfer Syntax UID
    assert row.keys() >= (DEFAULT_ATTRIBUTES[level] | COMPUTED_FIELDS[level].keys()) - on_request
    assert row.keys() >= {"00081190", "00080056"}
    assert row["00080056"]["Value"] == ["ONLINE"]


async def test_the_attributes_of_the_levels_above_are_returned_unless_the_path_names_them(
    client: httpx2.AsyncClient,
) -> None:
    name, modality = "00100010", "00080060"
    (instance,) = (await client.get("instances?StudyInstanceUID=1.1")).json()
    assert {name, modality} <= instance.keys()
    (of_study,) = (await client.get("studies/1.1/instances")).json()
    assert modality in of_study
    assert name not in of_study
    (of_series,) = (await client.get("studies/1.1/series/1.1.1/instances")).json()
    assert of_series.keys().isdisjoint({name, modality})


async def test_a_study_whose_instances_say_no_modality_has_no_modalities(tmp_path: Path) -> None:
    archive = Archive()
    await archive.index(archive.store(**STORED[0] | {"Modality": ""}))
    app = create_app("test", [qido.router(archive.backends, Settings(home=tmp_path))], {})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pacs.test") as client:
        (row,) = (await client.get("/dicom-web/studies")).json()
    assert "00080061" not in row
