"""What each kind of attribute finds, as the conformance statement says it, and what the options of a query change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from pydicom.dataset import Dataset

from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import qido
from tests.index_engines import Archive
from tests.memory_catalog import MemoryCatalog


def requests_of(*ids: tuple[str, str]) -> list[Dataset]:
    items = []
    for requested, scheduled in ids:
        item = Dataset()
        item.RequestedProcedureID, item.ScheduledProcedureStepID = requested, scheduled
        items.append(item)
    return items


@pytest.fixture(params=["memory", "sqlite"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Four studies, 1.1 to 1.4, the last one the newest; 1.1 has two series of two instances each."""
    catalog: Catalog = MemoryCatalog() if request.param == "memory" else SqliteCatalog(tmp_path)
    await catalog.create_collections()
    archive = Archive(catalog=catalog)
    studies = [
        {"Modality": "CT", "PatientID": "P1", "StudyDate": "20260101", "StudyTime": "0930", "PatientName": "Smith",
         "BodyPartExamined": "CHEST",
         "StudyDescription": "Thorax  Übersicht", "RequestAttributesSequence": requests_of(("R1", "S1"), ("R2", "S2"))},
        {"Modality": "MR", "PatientID": "P22", "StudyDate": "20260102", "StudyTime": "101530.5",
         "PatientName": "Yamada^Tarou=山田^太郎", "RequestAttributesSequence": requests_of(("R1", "S2"))},
        {"Modality": "CR", "PatientID": "p1", "StudyDate": "20260103", "StudyTime": "1830",
         "PatientName": "Smithers^Jo"},
        {"Modality": "CT", "PatientID": "", "StudyDate": "20260203", "PatientName": "Иванов^Пётр", "StudyID": "4"},
    ]  # fmt: skip
    events = []
    for number, attributes in enumerate(studies, 1):
        uids = {"StudyInstanceUID": f"1.{number}", "SeriesInstanceUID": f"1.{number}.1"}
        events.append(archive.store(**attributes, **uids, SOPInstanceUID=f"1.{number}.1.1", SeriesNumber=2))
    for series, number in ((1, 2), (2, 1), (2, 2)):
        uids = {"StudyInstanceUID": "1.1", "SeriesInstanceUID": f"1.1.{series}"}
        numbers = {"SOPInstanceUID": f"1.1.{series}.{number}", "SeriesNumber": 3 - series, "InstanceNumber": number}
        events.append(archive.store(**studies[0] | uids | numbers))
    await archive.index(*events)
    app = create_app("test", [qido.router(archive.backends, Settings(home=tmp_path))], {})
    yield httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pacs.test/dicom-web/")
    await catalog.close()


async def studies(client: httpx2.AsyncClient, query: str, resource: str = "studies") -> list[int]:
    """Return the numbers of the studies that are found."""
    answer = await client.get(f"{resource}?{query}")
    assert answer.status_code == 200, answer.text
    assert "warning" not in answer.headers
    return sorted({int(row["0020000D"]["Value"][0].split(".")[1]) for row in answer.json()})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("StudyInstanceUID=1.2", [2]),
        ("StudyInstanceUID=1", []),
        ("StudyInstanceUID=1.2,1.3", [2, 3]),
        ("StudyInstanceUID=1.2%5C1.3&0020000D=1.4", [2, 3, 4]),
    ],
)
async def test_uids_are_matched_exactly_and_in_lists(client: httpx2.AsyncClient, query: str, found: list[int]) -> None:
    assert await studies(client, query) == found
    assert (await client.get("studies?StudyInstanceUID=1.*")).status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ModalitiesInStudy=CT", [1, 4]),
        ("ModalitiesInStudy=ct", []),
        ("ModalitiesInStudy=MR,CR", [2, 3]),
        ("ModalitiesInStudy=MR%5CCR", [2, 3]),
        ("Modality=C%3F", [1, 3, 4]),
        ("Modality=*R", [2, 3]),
    ],
)
async def test_codes_are_matched_with_case_in_lists_or_with_wildcards(
    client: httpx2.AsyncClient, query: str, found: list[int]
) -> None:
    assert await studies(client, query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientID=P1", [1]),
        ("PatientID=p1", [3]),
        ("PatientID=P%3F", [1]),
        ("PatientID=P*", [1, 2]),
        ("PatientID=P", []),
        ("PatientID=P1,P22", []),
        ("PatientID=P1%5CP22", [1, 2]),
    ],
)
async def test_texts_are_matched_with_case_or_with_wildcards(
    client: httpx2.AsyncClient, query: str, found: list[int]
) -> None:
    assert await studies(client, query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("StudyDescription=thorax ubersicht", [1]),
        ("StudyDescription=THORAX   ÜBERSICHT", [1]),
        ("StudyDescription=*BERS*", [1]),
        ("StudyDescription=thorax", []),
    ],
)
async def test_descriptions_are_matched_without_case_accents_and_white_space(
    client: httpx2.AsyncClient, query: str, found: list[int]
) -> None:
    assert await studies(client, query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientName=SMITH", [1]),
        ("PatientName=smith^^^", [1]),
        ("PatientName=smith^*", [1]),
        ("PatientName=smith*", [1, 3]),
        ("PatientName=yamada^tarou", [2]),
        ("PatientName=山田^太郎", [2]),
        ("PatientName=Yamada^Tarou=山田^太郎", [2]),
        ("PatientName=Yamada^Tarou=山田^花子", []),
        ("PatientName=иванов^*", [4]),
        ("PatientName=yamada", []),
    ],
)
async def test_names_are_matched_by_their_component_groups(
    client: httpx2.AsyncClient, query: str, found: list[int]
) -> None:
    assert await studies(client, query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("StudyDate=20260102", [2]),
        ("StudyDate=20260102-20260103", [2, 3]),
        ("StudyDate=20260103-", [3, 4]),
        ("StudyDate=-20260101", [1]),
    ],
)
async def test_dates_are_days_or_ranges(client: httpx2.AsyncClient, query: str, found: list[int]) -> None:
    assert await studies(client, query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("StudyTime=10", [2]),
        ("StudyTime=101530.5", [2]),
        ("StudyTime=1016", []),
        ("StudyTime=0930-1015", [1, 2]),
        ("StudyTime=18-", [3]),
        ("StudyDate=20260101-20260103&StudyTime=1000-1100", [2]),
        ("StudyDate=20260102-20260103&StudyTime=12-09", []),
        ("StudyDate=20260101-20260103&StudyTime=0930-1830", [1, 2, 3]),
        ("StudyDate=20260102&StudyTime=10-", [2]),
    ],
)
async def test_times_are_periods_or_ranges_and_with_their_date_moments(
    client: httpx2.AsyncClient, query: str, found: list[int]
) -> None:
    assert await studies(client, query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("NumberOfStudyRelatedInstances=4", [1]),
        ("NumberOfStudyRelatedInstances=1,4", [1, 2, 3, 4]),
        ("NumberOfStudyRelatedInstances=%2B4", [1]),
        ("NumberOfStudyRelatedInstances=40", []),
    ],
)
async def test_integers_are_matched_alone_or_in_lists(client: httpx2.AsyncClient, query: str, found: list[int]) -> None:
    assert await studies(client, query) == found
    assert (await client.get("studies?NumberOfStudyRelatedInstances=1-4")).status_code == 400


async def test_ids_of_a_request_have_to_stand_in_one_item(client: httpx2.AsyncClient) -> None:
    requested, scheduled = "RequestAttributesSequence.RequestedProcedureID", "00400275.00400009"
    assert await studies(client, f"{requested}=R1", "series") == [1, 2]
    assert await studies(client, f"{requested}=R1&{scheduled}=S2", "series") == [2]
    assert await studies(client, f"{requested}=R2&{scheduled}=S*", "series") == [1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientName=tarou yamada", [2]),
        ("PatientName=ivanof", [4]),
        ("PatientName=山田", [2]),
        ("PatientName=smit", [1]),
        ("PatientName=smit*", [1, 3]),
    ],
)
async def test_names_are_found_by_their_sound_if_that_is_asked_for(
    client: httpx2.AsyncClient, query: str, found: list[int]
) -> None:
    assert await studies(client, f"{query}&fuzzymatching=true") == found


@pytest.mark.parametrize("value", ["", "*"])
async def test_an_empty_value_finds_everything_and_asks_for_the_attribute(
    client: httpx2.AsyncClient, value: str
) -> None:
    rows = (await client.get(f"series?BodyPartExamined={value}")).json()
    assert len(rows) == 5
    assert [row.get("00180015") for row in rows] == [{"vr": "CS", "Value": ["CHEST"]}] * 2 + [None] * 3
    assert not any("00180015" in row for row in (await client.get("series")).json())


async def test_two_quotation_marks_find_what_has_no_value_if_that_is_asked_for(client: httpx2.AsyncClient) -> None:
    assert await studies(client, "PatientID=%22%22&emptyvaluematching=true") == [4]
    assert await studies(client, "PatientID=%22%22") == []


@pytest.mark.parametrize("flag", ["", "&multiplevaluematching=true", "&multiplevaluematching=false"])
async def test_lists_are_understood_whatever_is_said_of_them(client: httpx2.AsyncClient, flag: str) -> None:
    assert await studies(client, f"PatientID=P1&PatientID=p1{flag}") == [1, 3]


async def test_fields_are_named_in_any_way_and_unknown_ones_ignored(client: httpx2.AsyncClient) -> None:
    fields = "includefield=RequestAttributesSequence.RequestedProcedureID,Nonsense&includefield=00201209"
    (row,) = (await client.get(f"studies/1.2/series?{fields}")).json()
    assert row["00400275"]["Value"][0].keys() == {"00400009", "00401001"}, "all of the sequence"
    assert row["00201209"]["Value"] == [1]


@pytest.mark.parametrize(
    ("resource", "tag", "ordered"),
    [
        ("studies", "0020000D", ["1.4", "1.3", "1.2", "1.1"]),
        ("studies/1.1/series", "0020000E", ["1.1.2", "1.1.1"]),
        ("studies/1.1/series/1.1.2/instances", "00080018", ["1.1.2.1", "1.1.2.2"]),
        ("instances", "00080018", ["1.1.1.1", "1.1.1.2", "1.1.2.1", "1.1.2.2", "1.2.1.1", "1.3.1.1", "1.4.1.1"]),
    ],
)
async def test_pages_are_cut_out_of_one_order(
    client: httpx2.AsyncClient, resource: str, tag: str, ordered: list[str]
) -> None:
    whole = [row[tag]["Value"][0] for row in (await client.get(resource)).json()]
    assert whole == ordered
    pages = [(await client.get(f"{resource}?limit=1&offset={start}")).json() for start in range(len(whole) + 1)]
    assert [row[tag]["Value"][0] for page in pages for row in page] == whole
    assert pages[-1] == []
