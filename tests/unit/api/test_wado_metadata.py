from __future__ import annotations

import zlib

import orjson
import pytest
import zstandard

from radstream.settings import Settings
from tests.api_engines import Archive, parts_of

STUDY = "/dicom-web/studies/1.1"
SERIES = f"{STUDY}/series/1.2"
INSTANCE = f"{SERIES}/instances/1.2.3"
BULK = {
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": 'Doe^"BulkDataURI":"x'}]},
    "00281201": {"vr": "OW", "BulkDataURI": "00281201"},
    "00400555": {"vr": "SQ", "Value": [{"00081199": {"vr": "UN", "BulkDataURI": "00400555/0/00081199"}}]},
    "7FE00010": {"vr": "OW", "BulkDataURI": "7FE00010"},
}


@pytest.mark.parametrize("accept", ["application/dicom+json", "application/json", "*/*", "", "application/*"])
async def test_metadata_is_a_json_array(archive: Archive, accept: str) -> None:
    archive.add()
    answer = await archive.client.get(f"{INSTANCE}/metadata", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/dicom+json"
    assert answer.json() == [{"00080018": {"vr": "UI", "Value": ["1.2.3"]}}]


async def test_metadata_come_as_xml_in_a_part_for_each_instance(archive: Archive) -> None:
    bulk_data = {"00281201": {"vr": "OW", "BulkDataURI": "00281201"}}
    archive.add("1.2.3", number=1, attributes=bulk_data)
    archive.add("1.2.4", b"another", number=2)
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    answer = await archive.client.get(f"{SERIES}/metadata", headers=accept)
    assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"; boundary=')
    parts = await parts_of(answer, has_length=False)
    assert [headers["content-type"] for headers, _ in parts] == ["application/dicom+xml"] * 2
    assert b'<Value number="1">1.2.4</Value>' in parts[1][1]
    assert f'<BulkData uri="http://pacs:8042{INSTANCE}/bulkdata/00281201"/>'.encode() in parts[0][1]
    again = await archive.client.get(f"{SERIES}/metadata", headers={**accept, "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    as_json = await archive.client.get(f"{SERIES}/metadata")
    assert as_json.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize("accept", ["application/dicom+xml", "application/dicom", "text/html"])
async def test_other_forms_of_metadata_are_not_acceptable(archive: Archive, accept: str) -> None:
    archive.add()
    assert (await archive.client.get(f"{INSTANCE}/metadata", headers={"Accept": accept})).status_code == 406


async def test_metadata_of_a_series_and_study_are_those_of_their_instances_in_order(archive: Archive) -> None:
    for number in range(200):
        archive.add(f"1.2.{number}", str(number).encode(), number=200 - number)
    archive.add("1.3.1", b"other", series="1.3")
    series = (await archive.client.get(f"{SERIES}/metadata")).json()
    study = (await archive.client.get(f"{STUDY}/metadata")).json()
    uids = [instance["00080018"]["Value"][0] for instance in study]
    assert uids == [f"1.2.{number}" for number in reversed(range(200))] + ["1.3.1"]
    assert series == study[:-1]


async def test_large_metadata_are_sent_in_pieces(archive: Archive) -> None:
    comment = {"00204000": {"vr": "LT", "Value": ["x" * 100_000]}}
    for number in range(70):
        archive.add(f"1.2.{number}", str(number).encode(), number=number, attributes=comment)
    found = (await archive.client.get(f"{STUDY}/metadata")).json()
    assert [len(instance["00204000"]["Value"][0]) for instance in found] == [100_000] * 70


async def test_bulk_data_is_linked_to_us_and_text_is_left_alone(archive: Archive) -> None:
    archive.add(attributes=BULK)
    [instance] = (await archive.client.get(f"{INSTANCE}/metadata")).json()
    base = f"http://pacs:8042{INSTANCE}/bulkdata"
    assert instance["7FE00010"]["BulkDataURI"] == f"{base}/7FE00010"
    assert instance["00281201"]["BulkDataURI"] == f"{base}/00281201"
    assert instance["00400555"]["Value"][0]["00081199"]["BulkDataURI"] == f"{base}/00400555/0/00081199"
    assert instance["00100010"] == BULK["00100010"]


async def test_links_name_the_address_that_a_trusted_gateway_tells(archive: Archive) -> None:
    archive.add(attributes=BULK)
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hospital.example", "X-Forwarded-Prefix": "/pacs"}
    [instance] = (await archive.client.get(f"{INSTANCE}/metadata", headers=told)).json()
    assert instance["7FE00010"]["BulkDataURI"].startswith("http://pacs:8042/dicom-web/")
    archive.settings = Settings(trust_forwarded=True)
    [instance] = (await archive.client.get(f"{INSTANCE}/metadata", headers=told)).json()
    assert instance["7FE00010"]["BulkDataURI"].startswith("https://hospital.example/pacs/dicom-web/studies/1.1/")


@pytest.mark.parametrize("accepted", ["gzip, deflate, br, zstd", "zstd;q=0, gzip", "gzip;q=0.5", "identity", "br", ""])
async def test_metadata_are_compressed_as_the_client_likes(archive: Archive, accepted: str) -> None:
    archive.add(attributes=BULK)
    url = f"{INSTANCE}/metadata"
    plain = await archive.client.get(url, headers={"Accept-Encoding": "identity"})
    async with archive.client.stream("GET", url, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    encoding = answer.headers.get("content-encoding")
    assert encoding == ("zstd" if accepted.endswith("zstd") else "gzip" if "gzip" in accepted else None)
    if encoding == "zstd":
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    elif encoding == "gzip":
        raw = zlib.decompress(raw, wbits=31)
    assert orjson.loads(raw) == plain.json()


async def test_known_metadata_are_not_sent_again_until_something_changes(archive: Archive) -> None:
    archive.add()
    url = f"{STUDY}/metadata"
    etag = (await archive.client.get(url)).headers["etag"]
    assert (await archive.client.get(url, headers={"If-None-Match": etag})).status_code == 304
    other_host = {"If-None-Match": etag, "Host": "other"}
    assert (await archive.client.get(url, headers=other_host)).status_code == 200
    archive.add("1.2.4", b"another")
    assert (await archive.client.get(url, headers={"If-None-Match": etag})).status_code == 200
