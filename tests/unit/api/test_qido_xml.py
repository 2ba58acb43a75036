"""QIDO-RS in the Native DICOM Model: a part for each resource."""

from __future__ import annotations

from collections.abc import AsyncIterator
from xml.etree import ElementTree

import httpx2

from radstream.web.multipart import boundary_of, parts
from tests.qido_studies import instances

ACCEPT = {"accept": 'multipart/related; type="application/dicom+xml"'}


async def test_every_resource_is_a_part_of_xml(client: httpx2.AsyncClient) -> None:
    answer = await client.get("studies?PatientID=P2&includefield=PatientAge", headers=ACCEPT)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"; boundary=')
    (part,) = [part async for part in read_parts(answer)]
    root = ElementTree.fromstring(part)
    names = {element.get("keyword"): element for element in root}
    assert {"PatientAge", "RetrieveURL", "NumberOfStudyRelatedInstances"} <= names.keys()
    family = names["PatientName"].find(".//{*}FamilyName")
    assert family is not None
    assert family.text == "Müller"


async def test_nothing_as_xml_has_no_body(client: httpx2.AsyncClient) -> None:
    answer = await client.get("studies?PatientID=nobody", headers=ACCEPT)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_xml_of_many_instances_has_all_of_them(client: httpx2.AsyncClient) -> None:
    found = [part async for part in read_parts(await client.get("instances?includefield=all", headers=ACCEPT))]
    assert len(found) == len(instances())
    assert sum(b"ImageComments" in part for part in found) == 1


async def read_parts(answer: httpx2.Response) -> AsyncIterator[bytes]:
    async def body() -> AsyncIterator[bytes]:
        yield answer.content

    async for part in parts(body(), boundary_of(answer.headers["content-type"])):
        yield b"".join([chunk async for chunk in part.stream()])
