from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from radstream.catalog.port import Set
from radstream.web.app import create_app
from services.api import study_list
from tests.index_engines import Archive as Indexed


@pytest.fixture
def lists(qido_archive: Indexed, tmp_path: Path) -> httpx2.AsyncClient:
    app = create_app("test", [study_list.router(qido_archive.backends)], {})
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pacs.test")


async def ask(client: httpx2.AsyncClient, **query: str) -> dict:  # type: ignore[type-arg]
    answer = await client.get("/study-list", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_list_counts_all_and_gives_a_page(lists: httpx2.AsyncClient) -> None:
    everything = await ask(lists)
    assert everything["total"] == len(everything["studies"]) > 2
    page = await ask(lists, skip="1", limit="1")
    assert page["total"] == everything["total"]
    assert page["studies"] == everything["studies"][1:2]


async def test_each_word_is_found_in_any_attribute(lists: httpx2.AsyncClient) -> None:
    for study in (await ask(lists))["studies"]:
        family = study["PatientName"]["Alphabetic"].split("^")[0]
        words = f"{family[1:].swapcase()} {study['PatientID'][1:]}"
        found = await ask(lists, text=words)
        assert study["StudyInstanceUID"] in [each["StudyInstanceUID"] for each in found["studies"]], words
    assert (await ask(lists, text="nobodyiscalledthis"))["total"] == 0


async def test_list_is_sorted_both_ways(lists: httpx2.AsyncClient) -> None:
    for sort in ("date", "arrival", "name", "id", "accession", "description", "instances"):
        up = [study["StudyInstanceUID"] for study in (await ask(lists, sort=sort))["studies"]]
        down = [study["StudyInstanceUID"] for study in (await ask(lists, sort=f"-{sort}"))["studies"]]
        assert sorted(up) == sorted(down)
    dates = [study["StudyDate"] or "" for study in (await ask(lists, sort="-date"))["studies"]]
    assert dates == sorted(dates, reverse=True)


async def test_filters_narrow_the_list(lists: httpx2.AsyncClient) -> None:
    studies = (await ask(lists))["studies"]
    first = studies[0]
    modality = first["ModalitiesInStudy"][0]
    assert (await ask(lists, modality=modality))["total"] == sum(modality in s["ModalitiesInStudy"] for s in studies)
    day = next(study["StudyDate"] for study in studies if study["StudyDate"])
    on_that_day = [study for study in studies if study["StudyDate"] == day]
    assert (await ask(lists, **{"from": day, "to": day}))["total"] == len(on_that_day)
    assert (await ask(lists, uids=first["StudyInstanceUID"]))["studies"] == [first]
    of_patient = await ask(lists, patient=first["patient_key"])
    assert first in of_patient["studies"]
    assert {study["patient_key"] for study in of_patient["studies"]} == {first["patient_key"]}


@pytest.mark.parametrize(
    "query", [{"from": "yesterday"}, {"sort": "hair"}, {"limit": "501"}, {"skip": "-1"}, {"text": "x" * 201}]
)
async def test_what_means_nothing_is_refused(lists: httpx2.AsyncClient, query: dict[str, str]) -> None:
    assert (await lists.get("/study-list", params=query)).status_code == 400


async def test_urgent_studies_are_found_alone(lists: httpx2.AsyncClient, qido_archive: Indexed) -> None:
    assert (await ask(lists, urgent="1"))["total"] == 0
    one = (await ask(lists))["studies"][0]["StudyInstanceUID"]
    await qido_archive.catalog.apply([Set("studies", one, {"is_urgent": 1})])
    [study] = (await ask(lists, urgent="1"))["studies"]
    assert (study["StudyInstanceUID"], study["is_urgent"]) == (one, 1)
