"""Queries that want to be more than values: each finds what a plain filter finds or is refused, on every catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from radstream.catalog.filters import EVERYTHING
from radstream.catalog.port import Catalog
from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import qido
from tests.hostile_queries import HOSTILE_PARAMETERS, VALUES, hostile_values, is_folded, is_text
from tests.index_engines import Archive

FIELDS = {
    "PatientID": ("PatientID", is_text),
    "AccessionNumber": ("AccessionNumber", is_text),
    "StudyID": ("StudyID", is_text),
    "StudyDescription": ("StudyDescription_folded", is_folded),
}
"""By what is asked for, where it is kept, and what it means."""

Documents = list[dict[str, Any]]


@pytest.fixture
async def stored(catalog: Catalog) -> Documents:
    """A study for each hostile value, and one in which everything is empty."""
    archive = Archive(catalog=catalog)
    events = []
    for number, value in enumerate([*VALUES, ""]):
        uids = {"StudyInstanceUID": f"1.2.1.{number}", "SOPInstanceUID": f"1.2.3.{number}"}
        texts = dict.fromkeys(("PatientID", "AccessionNumber", "StudyID", "StudyDescription"), value)
        events.append(archive.store(**uids, **texts, after_s=number))
    await archive.index(*events)
    fields = [field for field, _ in FIELDS.values()]
    return await catalog.find("studies", EVERYTHING, fields=fields)


@pytest.fixture
async def client(catalog: Catalog, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    backends = Archive(catalog=catalog).backends
    app = create_app("test", [qido.router(backends, Settings(home=tmp_path))], {})
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://pacs.test/dicom-web/"
    ) as opened:
        yield opened


async def found(client: httpx2.AsyncClient, parameters: Any) -> set[str] | int:
    """Return the studies that a query finds, or the status with which it is refused."""
    answer = await client.get("studies", params=parameters)
    assert answer.status_code in {200, 400}, (answer.status_code, parameters)
    if answer.status_code == 400:
        assert answer.headers["content-type"] == "application/problem+json"
        return 400
    uids = [row["0020000D"]["Value"][0] for row in answer.json()]
    assert len(uids) == len(set(uids))
    return set(uids)


def expected(stored: Documents, field: str, holds: Callable[[str, Any], bool], value: str) -> set[str]:
    return {document["_id"] for document in stored if holds(value, document[field])}


@pytest.mark.parametrize("name", FIELDS)
async def test_every_value_finds_what_a_plain_filter_finds(
    client: httpx2.AsyncClient, stored: Documents, name: str
) -> None:
    field, holds = FIELDS[name]
    wrong = []
    for value in hostile_values(100):
        rows = await found(client, [(name, value), ("limit", "1000")])
        if rows != expected(stored, field, holds, value):
            wrong.append((value, rows))
    assert wrong == []


async def test_several_conditions_narrow_and_never_widen(client: httpx2.AsyncClient, stored: Documents) -> None:
    for value in VALUES:
        both = [("PatientID", value), ("StudyID", f"*{value}*"), ("limit", "1000")]
        rows = expected(stored, "PatientID", is_text, value) & expected(stored, "StudyID", is_text, f"*{value}*")
        assert await found(client, both) == rows


async def test_a_repeated_parameter_is_a_list(client: httpx2.AsyncClient, stored: Documents) -> None:
    for first, second in pairwise(VALUES):
        rows = expected(stored, "PatientID", is_text, first) | expected(stored, "PatientID", is_text, second)
        assert await found(client, [("PatientID", first), ("00100020", second), ("limit", "1000")]) == rows


@pytest.mark.parametrize(
    "raw", ["PatientID=%FF", "PatientID=%ED%A0%80", "PatientID=%C0%AF", "PatientID=P1%", "PatientID=%u0041"]
)
async def test_bytes_that_are_no_text_find_nothing(client: httpx2.AsyncClient, stored: Documents, raw: str) -> None:
    answer = await client.get(f"studies?{raw}")
    assert (answer.status_code, answer.json()) == (200, [])
    assert stored


async def test_what_means_nothing_is_refused(client: httpx2.AsyncClient, stored: Documents) -> None:
    accepted = []
    for name, value in HOSTILE_PARAMETERS:
        pairs = [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
        if await found(client, pairs) != 400:
            accepted.append((name, value))
    assert accepted == []
    assert stored


async def test_huge_pages_are_empty_or_end_at_the_last_result(client: httpx2.AsyncClient, stored: Documents) -> None:
    everything = {document["_id"] for document in stored}
    assert await found(client, {"limit": "999999999"}) == everything
    assert await found(client, {"offset": "999999999", "limit": "999999999"}) == set()
    assert await found(client, {"offset": str(len(stored) - 1)}) != set()
    assert await found(client, {"limit": "0"}) == set()
