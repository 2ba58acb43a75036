"""OPTIONS and the OpenAPI document: one table, three forms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import jsonschema
import pytest

from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import capabilities
from services.api.description.operations import operations
from services.api.description.wadl import NAMESPACE
from services.api.matching import MATCHINGS

NAMES = {"w": NAMESPACE}


def client_of(tmp_path: Path, **settings: Any) -> httpx2.AsyncClient:
    app = create_app("test", [capabilities.router(Settings(home=tmp_path, **settings))], {})
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs.test")


async def options(client: httpx2.AsyncClient, path: str, accept: str = "*/*") -> httpx2.Response:
    return await client.options(f"/dicom-web{path}", headers={"accept": accept})


def methods_in(resource: ET.Element) -> set[tuple[str, str]]:
    """Return the methods and paths of a resource and all below it."""
    found = set()
    for method in resource.findall("w:method", NAMES):
        found.add((method.attrib["name"], ""))
    for child in resource.findall("w:resource", NAMES):
        found |= {(name, f"/{child.attrib['path']}{path}") for name, path in methods_in(child)}
    return found


@pytest.mark.parametrize("path", ["", "/"])
async def test_the_root_describes_every_transaction_as_wadl(tmp_path: Path, path: str) -> None:
    answer = await options(client_of(tmp_path, allow_delete=True), path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.sun.wadl+xml"
    (resources,) = ET.fromstring(answer.content)
    assert resources.attrib["base"] == "http://pacs.test/dicom-web"
    (root,) = resources
    described = {(each.method, each.path.removeprefix("/dicom-web").rstrip("/")) for each in operations()}
    assert methods_in(root) == {(method, path) for method, path in described if method != "OPTIONS" and path != "/wado"}


async def test_a_resource_is_described_with_all_below_it(tmp_path: Path) -> None:
    answer = await options(client_of(tmp_path), "/studies/1.2/series/1.3")
    ((resource,),) = ET.fromstring(answer.content)
    assert resource.attrib["path"] == "studies/{study}/series/{series}"
    assert {one.attrib["name"] for one in resource.findall("w:param", NAMES)} == {"study", "series"}
    assert ("GET", "/instances/{instance}/frames/{frames}/rendered") in methods_in(resource)
    assert ("GET", "/metadata") in methods_in(resource)


async def test_json_is_the_same_tree(tmp_path: Path) -> None:
    answer = await options(client_of(tmp_path), "/studies", "application/json")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["base"] == "http://pacs.test/dicom-web"
    search, store = found["resource"]["methods"]
    assert (search["id"], store["id"]) == ("SearchForStudies", "StoreInstances")
    assert {"name": "PatientID", "style": "query", "required": False} in search["parameters"]
    assert "application/dicom" in store["accepts"]


async def test_accept_is_heeded(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    assert (await options(client, "/", "text/html")).status_code == 406
    weighed = await options(client, "/", "application/json;q=0.5, application/vnd.sun.wadl+xml;q=0.9")
    assert weighed.headers["content-type"] == "application/vnd.sun.wadl+xml"


async def test_what_is_not_permitted_is_not_offered(tmp_path: Path) -> None:
    for permitted in (True, False):
        answer = await options(client_of(tmp_path, allow_delete=permitted), "/studies/1.2")
        assert ("DELETE" in answer.headers["allow"].split(", ")) is permitted
        assert (b'name="DELETE"' in answer.content) is permitted
        assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(answer.headers["allow"].split(", "))


async def test_what_is_no_resource_has_no_capabilities(tmp_path: Path) -> None:
    assert (await options(client_of(tmp_path), "/nonsense")).status_code == 404


async def test_the_description_is_openapi_3_1(tmp_path: Path) -> None:
    answer = await client_of(tmp_path).get("/dicom-web/openapi.json")
    found = answer.json()
    assert (answer.status_code, found["openapi"]) == (200, "3.1.0")
    assert found["servers"] == [{"url": "http://pacs.test"}]
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, methods in found["paths"].items():
        for operation in methods.values():
            names = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            for parameter in operation["parameters"]:
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])


@pytest.mark.parametrize("path", ["/dicom-web", "/dicom-web/"])
async def test_people_read_the_same_as_a_page_that_runs_nothing(tmp_path: Path, path: str) -> None:
    client = client_of(tmp_path, searchable_attributes=("StationName",))
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<[^>]+\s(?:on\w+|style|src)\s*=|url\(", answer.text)
    page = ET.fromstring(answer.text.removeprefix("<!doctype html>"))
    said = {details.attrib["id"]: "".join(details.itertext()) for details in page.iter("details")}
    described = (await client.get("/dicom-web/openapi.json")).json()["paths"]
    for resource, methods in described.items():
        for method, operation in methods.items():
            text = said.pop(operation["operationId"])
            assert f"{method.upper()} {resource} " in text
            assert all(one["name"] in text for one in operation["parameters"] if one["in"] == "query")
            assert all(status in text for status in operation["responses"] if status not in {"405", "415", "500"})
    assert said == {}
    assert {one.attrib["href"] for one in page.iter("a")} == {"http://pacs.test/dicom-web/openapi.json"}


async def test_what_the_operator_made_searchable_is_described(tmp_path: Path) -> None:
    client = client_of(tmp_path, searchable_attributes=("StationName",))
    search = (await client.get("/dicom-web/openapi.json")).json()["paths"]["/dicom-web/series"]["get"]
    names = {one["name"] for one in search["parameters"]}
    assert "StationName" in names
    assert len(names) > len(MATCHINGS) // 2
