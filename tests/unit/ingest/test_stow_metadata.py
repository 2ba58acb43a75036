"""STOW-RS of metadata and bulk data in parts of their own (PS3.18 10.5.1.4): how they find each other."""

from __future__ import annotations

import base64
import json

import pytest

from radstream.dicom.xml import to_xml
from tests.described import (
    DICOM_JSON,
    DICOM_XML,
    JSON_RELATED,
    OCTETS,
    XML_RELATED,
    described,
    entry,
    image,
    json_request,
    read,
    xml_request,
)
from tests.instances import uid
from tests.stow_door import BASE, Door, body_of, failure_reasons, items, value

PIXELS = bytes(range(256)) * 2
NAME = entry("PN", {"Alphabetic": "Müller^Jörg", "Ideographic": "山田^太郎"})


@pytest.mark.parametrize("is_xml", [False, True])
async def test_metadata_and_pixels_become_an_instance(door: Door, is_xml: bool) -> None:
    described_image = image(16, 16, "bulk/1") | {"00100010": NAME}
    make, content_type = (xml_request, XML_RELATED) if is_xml else (json_request, JSON_RELATED)
    answer = await door.post(make(described_image, parts={"bulk/1": (OCTETS, PIXELS)}), content_type)
    assert answer.status_code == 200, answer.text
    assert value(items(answer, "00081199")[0], "00081155") == uid(3, 1)
    ds = read(door.stored[0])
    assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (ds.PixelData, ds.Rows, ds.NumberOfFrames) == (PIXELS, 16, 1)
    assert (ds.SpecificCharacterSet, str(ds.PatientName)) == ("ISO_IR 192", "Müller^Jörg=山田^太郎")


async def test_several_instances_come_in_one_array_or_one_part_each(door: Door) -> None:
    parts = {f"bulk/{number}": (OCTETS, bytes([number]) * 512) for number in (1, 2)}
    images = [image(16, 16, f"bulk/{number}", number=number) for number in (1, 2)]
    for request, content_type in ((json_request, JSON_RELATED), (xml_request, XML_RELATED)):
        answer = await door.post(request(*images, parts=parts), content_type)
        assert answer.status_code == 200
        assert len(items(answer, "00081199")) == 2
    assert [read(blob).PixelData[0] for blob in door.stored] == [1, 2]


async def test_equal_requests_give_equal_bytes_in_json_and_xml(door: Door) -> None:
    one = image(16, 16, "a") | {"00100010": NAME, "00200013": entry("IS", 5), "00180050": entry("DS", 2.5)}
    other = dict(reversed(image(16, 16, "b").items())) | {
        "00180050": entry("DS", "2.5"),
        "00200013": entry("IS", "5"),
        "00100010": NAME,
    }
    await door.post(json_request(one, parts={"a": (OCTETS, PIXELS)}), JSON_RELATED)
    await door.post(json_request(other, parts={"b": (OCTETS, PIXELS)}), JSON_RELATED)
    await door.post(xml_request(other, parts={"b": (OCTETS, PIXELS)}), XML_RELATED)
    assert len(door.stored) == 1


@pytest.mark.parametrize(
    ("uri", "headers"),
    [
        ("bulk/1", {"Content-Location": "bulk/1"}),
        ("bulk/1", {"Content-Location": f"{BASE}/bulk/1"}),
        (f"{BASE}/bulk/1", {"Content-Location": "bulk/1"}),
        ("/dicom-web/bulk/1", {"Content-Location": "./bulk/1"}),
        ("https://elsewhere.test/x?y=1", {"Content-Location": "https://elsewhere.test/x?y=1"}),
        ("cid:pixels@sender", {"Content-ID": "<pixels@sender>"}),
        ("cid:a%20b@sender", {"Content-ID": "<a b@sender>", "Content-Location": "bulk/9"}),
        ("urn:uuid:1", {"Content-Location": "urn:uuid:1"}),
        ("http://[", {"Content-Location": "http://["}),
    ],
)
async def test_uri_and_location_find_each_other(door: Door, uri: str, headers: dict[str, str]) -> None:
    metadata = json.dumps([image(16, 16, uri)]).encode()
    body = body_of(({"Content-Type": DICOM_JSON}, metadata), ({"Content-Type": OCTETS} | headers, PIXELS))
    answer = await door.post(body, JSON_RELATED)
    assert answer.status_code == 200, answer.text
    assert read(door.stored[0]).PixelData == PIXELS


async def test_bulk_data_of_several_instances_may_come_in_any_order(door: Door) -> None:
    images = [image(16, 16, f"bulk/{number}", number=number) for number in range(1, 6)]
    parts = {f"bulk/{number}": (OCTETS, bytes([number]) * 512) for number in (3, 1, 5, 4, 2)}
    assert (await door.post(json_request(*images, parts=parts), JSON_RELATED)).status_code == 200
    assert sorted(read(blob).PixelData[0] for blob in door.stored) == [1, 2, 3, 4, 5]


async def test_two_instances_may_share_bulk_data(door: Door) -> None:
    images = [image(16, 16, "bulk/1", number=number) for number in (1, 2)]
    answer = await door.post(json_request(*images, parts={"bulk/1": (OCTETS, PIXELS)}), JSON_RELATED)
    assert answer.status_code == 200
    assert [read(blob).PixelData for blob in door.stored] == [PIXELS, PIXELS]


async def test_values_in_items_may_be_bulk_data_too(door: Door) -> None:
    wave = {"54001010": {"vr": "OW", "BulkDataURI": "wave"}, "003A0005": entry("US", 3)}
    text = {"vr": "UT", "BulkDataURI": "text"}
    instance = described(t54000100=entry("SQ", wave, {}), t0040A160=text)
    parts = {"text": (OCTETS, b"odd"), "wave": (OCTETS, bytes(range(7)))}
    assert (await door.post(json_request(instance, parts=parts), JSON_RELATED)).status_code == 200
    ds = read(door.stored[0])
    waveform, empty = ds.WaveformSequence
    assert (waveform.NumberOfWaveformChannels, waveform.WaveformData) == (3, bytes(range(7)) + b"\0")
    assert len(empty) == 0
    assert ds.TextValue == "odd"


async def test_an_encapsulated_document_keeps_its_own_media_type(door: Door) -> None:
    instance = described(t00420011={"vr": "OB", "BulkDataURI": "pdf"}, t00420012=entry("LO", "application/pdf"))
    answer = await door.post(json_request(instance, parts={"pdf": ("application/pdf", b"%PDF-1.7")}), JSON_RELATED)
    assert answer.status_code == 200
    assert read(door.stored[0]).EncapsulatedDocument == b"%PDF-1.7"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (DICOM_JSON, json.dumps([described(1), described(2)]).encode()),
        (DICOM_JSON, json.dumps(described(1)).encode()),
        (DICOM_XML, to_xml(described(1))),
    ],
)
async def test_metadata_alone_is_an_instance_without_bulk_data(door: Door, content_type: str, body: bytes) -> None:
    answer = await door.post(body, content_type)
    assert answer.status_code == 200, answer.text
    assert len(door.stored) == len(items(answer, "00081199"))


async def test_files_and_metadata_may_come_in_one_request(door: Door) -> None:
    await door.post(json_request(described(1)), JSON_RELATED)
    file = door.stored[0]
    body = body_of(
        ({"Content-Type": "application/dicom"}, file),
        ({"Content-Type": DICOM_JSON}, json.dumps([described(2)]).encode()),
        ({"Content-Type": DICOM_XML}, to_xml(described(3))),
    )
    answer = await door.post(body)
    assert answer.status_code == 200
    assert [value(item, "00081155") for item in items(answer, "00081199")] == [uid(3, number) for number in (1, 2, 3)]


async def test_a_part_that_does_not_say_what_it_is_is_of_the_type_of_the_whole(door: Door) -> None:
    body = body_of(({}, json.dumps([described(1)]).encode()))
    assert (await door.post(body, JSON_RELATED)).status_code == 200


async def test_what_waits_in_the_cache_is_gone_at_the_end(door: Door) -> None:
    long = bytes(200_000)
    images = [image(100, 1000, f"bulk/{number}", number=number) for number in (1, 2)]
    parts = {"bulk/2": (OCTETS, long), "bulk/9": (OCTETS, long)}
    answer = await door.post(json_request(*images, parts=parts), JSON_RELATED)
    assert answer.status_code == 202
    assert read(door.stored[0]).PixelData == long
    assert (failure_reasons(answer), failure_reasons(answer, "0008119A")) == ([0xC000], [0xC000])
    assert door.engines.previews.contents == {}
    assert door.engines.previews.open_writers == 0


@pytest.mark.parametrize(("size_bytes", "status"), [(512, 200), (511, 200), (500, 202), (600, 202)])
async def test_pixels_in_the_metadata_are_held_to_their_length_too(door: Door, size_bytes: int, status: int) -> None:
    inline = {"vr": "OW", "InlineBinary": base64.b64encode(bytes(size_bytes)).decode()}
    answer = await door.post(json_request(image(16, 16, "") | {"7FE00010": inline}), JSON_RELATED)
    assert answer.status_code == status
    assert len(read(door.stored[0]).PixelData) == size_bytes + size_bytes % 2


async def test_a_byte_order_mark_before_json_means_nothing(door: Door) -> None:
    assert (await door.post(b"\xef\xbb\xbf" + json.dumps(described(1)).encode(), DICOM_JSON)).status_code == 200


async def test_other_metadata_under_a_known_uid_is_kept_beside_it(door: Door) -> None:
    for name in ("one", "other", "one"):
        answer = await door.post(json_request(described(1, t00100020=entry("LO", name))), JSON_RELATED)
        assert answer.status_code == 200
    assert [read(blob).PatientID for blob in door.stored] == ["one", "other"]
