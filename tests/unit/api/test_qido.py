"""QIDO-RS over HTTP, on a catalog that the index has filled."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from services.api import finding

OHIF_FIELDS = "includefield=00081030%2C00080060%2C00080090%2C00100030"
STUDY_DEFAULTS = {
    "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081030", "00081190", "00100010",
    "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208",
}  # fmt: skip


async def ask(client: httpx2.AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom+json"
    assert b'"Value":[]' not in answer.content
    rows: list[dict[str, Any]] = answer.json()
    assert all(list(row) == sorted(row) for row in rows)
    return rows


def first(row: dict[str, Any], tag: str) -> Any:
    return row[tag]["Value"][0]


async def studies(client: httpx2.AsyncClient, query: str) -> list[int]:
    return [int(first(row, "0020000D")[-1]) for row in await ask(client, f"studies?{query}")]


async def test_all_studies_are_found_newest_first(client: httpx2.AsyncClient) -> None:
    assert await studies(client, "") == [2, 3, 1]


async def test_a_study_has_the_attributes_of_the_standard(client: httpx2.AsyncClient) -> None:
    (row,) = await ask(client, "studies?PatientID=P2")
    assert row.keys() >= STUDY_DEFAULTS
    assert row["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert row["00201206"] == {"vr": "IS", "Value": [2]}
    assert row["00201208"] == {"vr": "IS", "Value": [2]}
    assert row["00080056"] == {"vr": "CS", "Value": ["ONLINE"]}
    assert row["00081190"] == {"vr": "UR", "Value": ["http://pacs.test/dicom-web/studies/1.2.1.2"]}
    assert row["00100010"]["Value"] == [{"Alphabetic": "Müller^Anna"}]
    assert "00101010" not in row


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientID=P1", [3, 1]),
        ("00100020=*P*", [2, 3, 1]),
        ("PatientName=*smith*", [3, 1]),
        ("PatientName=muller*", [2]),
        ("PatientName=M%C3%9CLLER%5Eanna", [2]),
        ("PatientName=muller", []),
        ("AccessionNumber=A2", [2]),
        ("StudyDescription=*%C3%BCBERSICHT*", [2]),
        ("StudyDescription=*uber*", [2]),
        ("StudyDate=20260101-20260201", [3, 1]),
        ("StudyDate=20260201-", [2, 3]),
        ("StudyTime=1011", [2, 3, 1]),
        ("StudyTime=1012-", []),
        ("ModalitiesInStudy=CT%2CMR", [2, 3, 1]),
        ("ModalitiesInStudy=SR", [2]),
        ("Modality=MR", [3]),
        ("StudyInstanceUID=1.2.1.1,1.2.1.3", [3, 1]),
        ("StudyInstanceUID=1.2.1.1&StudyInstanceUID=1.2.1.2", [2, 1]),
        ("ReferringPhysicianName=house*&StudyID=S1&AccessionNumber=", [2, 3, 1]),
        ("AccessionNumber=%22%22&emptyvaluematching=true", [3]),
        ("SOPClassesInStudy=1.2.840.10008.5.1.4.1.1.88.11", [2]),
        ("NumberOfStudyRelatedInstances=1", [3]),
        ("PatientID=nobody", []),
        ("limit=1&offset=1", [3]),
        ("limit=0", []),
        ("offset=3", []),
    ],
)
async def test_studies_are_found_by(client: httpx2.AsyncClient, query: str, found: list[int]) -> None:
    assert await studies(client, query) == found


async def test_the_list_that_ohif_asks_for(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, f"studies?limit=101&offset=0&fuzzymatching=false&{OHIF_FIELDS}")
    assert [row["00081030"].get("Value") for row in rows] == [["Thorax Übersicht"], None, ["Kopf"]]
    assert all(first(row, "00100030") == "19700101" for row in rows)


async def test_more_attributes_are_given_if_asked_for(client: httpx2.AsyncClient) -> None:
    (row,) = await ask(client, "studies?PatientID=P2&includefield=PatientAge&includefield=00080062")
    assert first(row, "00101010") == "055Y"
    assert first(row, "00080062") == "1.2.840.10008.5.1.4.1.1.2"
    (row,) = await ask(client, "studies?PatientID=P2&includefield=all")
    assert {"00101010", "00080062", *STUDY_DEFAULTS} <= row.keys()


async def test_series_of_a_study_come_by_their_number(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "studies/1.2.1.2/series")
    assert [first(row, "00200011") for row in rows] == [2, 5]
    assert [first(row, "0020000E") for row in rows] == ["1.2.2.3", "1.2.2.2"]
    assert [first(row, "00201209") for row in rows] == [1, 1]
    assert first(rows[0], "00081190") == "http://pacs.test/dicom-web/studies/1.2.1.2/series/1.2.2.3"
    assert all("00100010" not in row and first(row, "0020000D") == "1.2.1.2" for row in rows)


async def test_series_of_all_studies_come_with_their_study(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "series?PatientID=P2&Modality=SR")
    assert [first(row, "0020000E") for row in rows] == ["1.2.2.3"]
    assert first(rows[0], "00100020") == "P2"
    assert rows[0]["00080061"]["Value"] == ["CT", "SR"]
    assert first(rows[0], "00080060") == "SR"


async def test_attributes_of_the_study_are_given_to_its_series_if_asked_for(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "studies/1.2.1.1/series?includefield=PatientName,Rows")
    assert rows[0]["00100010"]["Value"] == [{"Alphabetic": "Smith^John"}]
    assert "00100020" not in rows[0]


async def test_instances_of_a_series_come_by_their_number(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "studies/1.2.1.1/series/1.2.2.1/instances")
    assert [first(row, "00080018") for row in rows] == ["1.2.3.2", "1.2.3.1"]
    assert (first(rows[0], "00280010"), first(rows[0], "00280011"), first(rows[0], "00280100")) == (512, 256, 16)
    url = "http://pacs.test/dicom-web/studies/1.2.1.1/series/1.2.2.1/instances/1.2.3.2"
    assert first(rows[0], "00081190") == url
    assert "00080060" not in rows[0]


async def test_instances_of_a_study_come_with_their_series(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "studies/1.2.1.2/instances")
    assert {first(row, "00080018"): first(row, "00080060") for row in rows} == {"1.2.3.3": "CT", "1.2.3.4": "SR"}
    assert all("00100020" not in row for row in rows)
    assert len(await ask(client, "studies/1.2.1.2/instances?Modality=SR")) == 1


async def test_instances_are_found_by_attributes_of_all_levels(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "instances?PatientName=smith*&Modality=CT&InstanceNumber=1")
    assert [first(row, "00080018") for row in rows] == ["1.2.3.2"]
    assert first(rows[0], "00100020") == "P1"
    assert first(rows[0], "00201208") == 2
    assert [first(row, "00080018") for row in await ask(client, "instances?SOPInstanceUID=1.2.3.5")] == ["1.2.3.5"]
    assert await ask(client, "instances?PatientID=P2&Modality=MR") == []


async def test_any_attribute_of_an_instance_is_given_if_asked_for(client: httpx2.AsyncClient) -> None:
    rows = await ask(client, "studies/1.2.1.1/series/1.2.2.1/instances?includefield=ImageComments")
    assert [row.get("00204000", {}).get("Value") for row in rows] == [None, ["a"]]
    assert all("00100010" not in row for row in rows)
    rows = await ask(client, "studies/1.2.1.1/series/1.2.2.1/instances?includefield=all")
    assert {"00204000", "00100010", "00101010", "00080060"} <= rows[1].keys()


async def test_what_is_not_there_is_an_empty_list(client: httpx2.AsyncClient) -> None:
    assert await ask(client, "studies/1.9/series") == []
    assert await ask(client, "studies/1.2.1.1/series/1.2.2.3/instances") == []


@pytest.mark.parametrize(
    "path", ["studies?Colour=blue", "studies?StudyDate=now", "studies/x.y/series", "series?limit=-1"]
)
async def test_a_request_that_means_nothing_is_refused(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.json()["detail"]


async def test_other_media_types_are_refused(client: httpx2.AsyncClient) -> None:
    refused = await client.get("studies", headers={"accept": "text/csv"})
    assert refused.status_code == 406
    for accepted in ("application/json", "*/*", "application/dicom+json;q=0.9, text/html"):
        assert (await client.get("studies", headers={"accept": accepted})).status_code == 200


async def test_a_cut_answer_says_how_much_is_left(client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "DEFAULT_LIMIT", 2)
    answer = await client.get("studies")
    assert len(answer.json()) == 2
    assert answer.headers["warning"] == (
        '299 http://pacs.test/dicom-web "There are 1 additional results that can be requested"'
    )
    assert "warning" not in (await client.get("studies?limit=2")).headers
    assert "warning" not in (await client.get("studies?offset=1")).headers


async def test_a_limit_above_the_largest_is_cut_with_a_warning(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LARGEST_LIMIT", 1)
    answer = await client.get("studies?limit=3")
    assert len(answer.json()) == 1
    assert "2 additional" in answer.headers["warning"]


async def test_too_many_parents_are_told(client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST_PARENTS", 1)
    answer = await client.get("series?PatientID=P1")
    assert len(answer.json()) == 1
    assert "Too many" in answer.headers["warning"]


async def test_each_thing_that_is_not_done_has_a_warning_of_its_own(client: httpx2.AsyncClient) -> None:
    answer = await client.get("studies?Rows=512&SeriesNumber=1")
    assert answer.status_code == 200
    warnings = answer.headers.get_list("warning")
    assert len(warnings) == 2
    assert all(text.startswith("299 http://pacs.test/dicom-web ") for text in warnings)


async def test_many_rows_are_one_array(client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "CHUNK", 2)
    monkeypatch.setattr(finding, "METADATA_CHUNK", 2)
    assert len(await ask(client, "instances")) == 5
    assert len(await ask(client, "instances?includefield=all")) == 5


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientName=Mueler&fuzzymatching=true", [2]),
        ("PatientName=ana muller&fuzzymatching=true", [2]),
        ("PatientName=Smyth&fuzzymatching=true", [3, 1]),
        ("PatientName=Smyth", []),
        ("PatientName=Miller Anna&fuzzymatching=true", [2]),
        ("PatientName=Ann*&fuzzymatching=true", [2]),
        ("ReferringPhysicianName=hous&fuzzymatching=true", [2, 3, 1]),
        ("StudyDate=20260101-20260201&StudyTime=1012-1012", [3]),
        ("StudyDate=20260101-20260201&StudyTime=1011-1011", [3, 1]),
        ("StudyDate=20260101-20260301&StudyTime=2300-0100", [3]),
        ("StudyDate=-20260201&StudyTime=-09", [1]),
    ],
)
async def test_sounds_and_moments(client: httpx2.AsyncClient, query: str, found: list[int]) -> None:
    assert await studies(client, query) == found
