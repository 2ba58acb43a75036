"""STOW-RS of metadata that is not what it should be: each error where the Standard has a place for it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from radstream.contract.errors import StorageFull
from radstream.dicom.xml import to_xml
from services.ingest import metadata
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
    xml_request,
)
from tests.dicom_bytes import damaged
from tests.instances import MR_IMAGE_STORAGE, uid
from tests.stow_door import Door, body_of, failure_reasons, items, open_door, value

MAKERS = ((json_request, JSON_RELATED), (xml_request, XML_RELATED))
PIXELS = (OCTETS, bytes(512))


@pytest.mark.parametrize(
    ("tag", "broken"),
    [
        ("00100020", {"vr": "LO", "Value": [5]}),
        ("00100020", {"vr": "LO", "Value": "text"}),
        ("00100020", {"vr": "LO", "Value": ["a\\b"]}),
        ("00100020", {"vr": "QQ", "Value": ["a"]}),
        ("00100020", {"vr": ["LO"], "Value": ["a"]}),
        ("00100020", "a"),
        ("00100020", {"vr": "LO", "Value": ["a"], "InlineBinary": "AA=="}),
        ("00100020", {"vr": "LO", "InlineBinary": "AA=="}),
        ("00100020", {"vr": "LO", "BulkDataURI": "bulk/1"}),
        ("00104000", {"vr": "LT", "Value": ["a", "b"]}),
        ("00100010", {"vr": "PN", "Value": [{"Alphabetic": 1}]}),
        ("00100010", {"vr": "PN", "Value": [{"Roman": "x"}]}),
        ("00100010", {"vr": "PN", "Value": [{"Alphabetic": "a=b"}]}),
        ("00280010", {"vr": "US", "Value": [70000]}),
        ("00280010", {"vr": "US", "Value": [-1]}),
        ("00280010", {"vr": "US", "Value": [1.5]}),
        ("00280010", {"vr": "US", "Value": [True]}),
        ("00280010", {"vr": "US", "Value": [None, 1]}),
        ("00280010", {"vr": "US", "Value": ["x"]}),
        ("00200013", {"vr": "IS", "Value": [1.5]}),
        ("00180050", {"vr": "DS", "Value": [{}]}),
        ("00181271", {"vr": "FD", "Value": ["0x1"]}),
        ("00189073", {"vr": "FL", "Value": [1e300]}),
        ("00280009", {"vr": "AT", "Value": ["18106"]}),
        ("00080060", {"vr": "CS", "Value": ["日"]}),
        ("00081140", {"vr": "SQ", "Value": [1]}),
        ("00081140", {"vr": "SQ", "Value": [{"0008": {"vr": "SQ"}}]}),
        ("00081140", {"vr": "SQ", "Value": {}}),
        ("00420011", {"vr": "OB", "InlineBinary": "!!!"}),
        ("00420011", {"vr": "OB", "InlineBinary": 1}),
        ("00420011", {"vr": "OB", "Value": ["x"]}),
        ("FFFEE000", {"vr": "UN", "InlineBinary": "AA=="}),
        ("00000900", {"vr": "US", "Value": [0]}),
        ("PatientID", {"vr": "LO", "Value": ["x"]}),
    ],
)
async def test_an_attribute_that_cannot_be_written_fails_its_instance_alone(door: Door, tag: str, broken: Any) -> None:
    answer = await door.post(json_request(described(1) | {tag: broken}, described(2)), JSON_RELATED)
    assert answer.status_code == 202
    (failed,) = items(answer, "00081198")
    assert (value(failed, "00081155"), value(failed, "00081197")) == (uid(3, 1), 0xC000)
    assert value(failed, "00081150") == MR_IMAGE_STORAGE
    assert [value(item, "00081155") for item in items(answer, "00081199")] == [uid(3, 2)]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (DICOM_JSON, b"[{"),
        (DICOM_JSON, b"5"),
        (DICOM_JSON, b"[" * 2000 + b"]" * 2000),
        (DICOM_JSON, b"[]"),
        (DICOM_JSON, b""),
        (DICOM_XML, b""),
        (DICOM_XML, b"<NativeDicomModel>"),
        (DICOM_XML, b"<html/>"),
        (DICOM_XML, to_xml(described(1)).replace(b"PS3.19", b"PS3.18")),
        (DICOM_XML, b'<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>'),
        (DICOM_XML, b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><NativeDicomModel/>'),
        (DICOM_XML, b'<?xml version="1.0" encoding="no-such"?><NativeDicomModel/>'),
        (DICOM_XML, to_xml(described(1)).replace(b"<Value", b"<Wert", 1)),
    ],
)
async def test_a_text_that_is_not_of_its_media_type_is_400(door: Door, content_type: str, body: bytes) -> None:
    answer = await door.post(body, content_type)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_text_that_breaks_after_something_was_stored_is_one_more_failure(door: Door) -> None:
    body = body_of(
        ({"Content-Type": DICOM_JSON}, json.dumps([described(1)]).encode()),
        ({"Content-Type": DICOM_JSON}, b"[{"),
    )
    answer = await door.post(body, JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer, "0008119A")) == (202, [0xC000])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'tag="00080018"', b'tag="0008,018"'),
        (b'tag="00080018"', b""),
        (b'number="1"', b'number="0"'),
        (b'number="1"', b'number="9999999"'),
        (b'number="1"', b""),
        (b"</DicomAttribute>", b'<Value number="1">x</Value></DicomAttribute>'),
        (b"</DicomAttribute>", b'</DicomAttribute><DicomAttribute tag="00080016" vr="UI"/>'),
    ],
)
async def test_a_broken_attribute_in_xml_fails_its_instance_alone(door: Door, old: bytes, new: bytes) -> None:
    body = body_of(
        ({"Content-Type": DICOM_XML}, to_xml(described(1)).replace(old, new, 1)),
        ({"Content-Type": DICOM_XML}, to_xml(described(2))),
    )
    answer = await door.post(body, XML_RELATED)
    assert answer.status_code == 202, answer.text
    assert failure_reasons(answer) + failure_reasons(answer, "0008119A") == [0xC000]
    assert [value(item, "00081155") for item in items(answer, "00081199")] == [uid(3, 2)]


@pytest.mark.parametrize("tag", ["00080016", "00080018", "0020000D", "0020000E"])
@pytest.mark.parametrize("replaced", [None, entry("UI", "1.2.x"), entry("UI")])
async def test_an_instance_without_its_uids_does_not_match_its_class(
    door: Door, tag: str, replaced: dict[str, Any] | None
) -> None:
    instance = {key: each for key, each in (described(1) | {tag: replaced}).items() if each is not None}
    answer = await door.post(json_request(instance), JSON_RELATED)
    assert answer.status_code == 409
    assert failure_reasons(answer) + failure_reasons(answer, "0008119A") == [0xA900]
    assert len(items(answer, "00081198")) == (1 if tag.startswith("0020") else 0)


async def test_an_instance_of_another_study_than_the_url_fails_alone(door: Door) -> None:
    body = json_request(described(1), described(2, t0020000D=entry("UI", uid(1, 9))))
    answer = await door.post(body, JSON_RELATED, path=f"/studies/{uid(1, 1)}")
    assert (answer.status_code, failure_reasons(answer)) == (202, [0xA900])


async def test_an_instance_without_its_bulk_data_is_not_stored(door: Door) -> None:
    images = [image(16, 16, f"bulk/{number}", number=number) for number in (1, 2)]
    answer = await door.post(json_request(*images, parts={"bulk/2": PIXELS}), JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer)) == (202, [0xC000])
    assert [value(item, "00081155") for item in items(answer, "00081198")] == [uid(3, 1)]
    for alone in (json.dumps(images[0]).encode(), json.dumps(images[:1]).encode()):
        assert (await door.post(alone, DICOM_JSON)).status_code == 409
    assert len(door.stored) == 1


async def test_bulk_data_that_comes_twice_fails_its_instance(door: Door) -> None:
    wave = {"vr": "OW", "BulkDataURI": "wave"}
    metadata = json.dumps([image(16, 16, "pixels") | {"54001010": wave}]).encode()
    part = ({"Content-Type": OCTETS, "Content-Location": "wave"}, b"ab")
    answer = await door.post(body_of(({"Content-Type": DICOM_JSON}, metadata), part, part), JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer)) == (409, [0xC000])
    assert door.stored == []


@pytest.mark.parametrize("name", ["Content-Transfer-Encoding", "Content-Encoding"])
async def test_an_encoded_part_is_never_stored_as_it_stands(door: Door, name: str) -> None:
    metadata = json.dumps([image(16, 16, "pixels")]).encode()
    part = ({"Content-Type": OCTETS, "Content-Location": "pixels", name: "base64"}, bytes(512))
    answer = await door.post(body_of(({"Content-Type": DICOM_JSON}, metadata), part), JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer)) == (409, [0xC000])


async def test_metadata_that_is_too_long_is_413(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    long = json.dumps([described(1, t00104000=entry("LT", "x" * 5000))]).encode()
    for content_type, body in ((DICOM_JSON, long), (JSON_RELATED, body_of(({"Content-Type": DICOM_JSON}, long)))):
        monkeypatch.setattr("services.ingest.composing.METADATA_LIMIT_BYTES", 4096)
        assert (await door.post(body, content_type)).status_code == 413
    body = body_of(
        ({"Content-Type": DICOM_JSON}, json.dumps([described(2)]).encode()), ({"Content-Type": DICOM_JSON}, long)
    )
    answer = await door.post(body, JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer, "0008119A")) == (202, [0xA700])


async def test_metadata_of_absurdly_many_elements_is_413(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "MOST_PARTS", 100)
    assert (await door.post(json.dumps([[]] * 101).encode(), DICOM_JSON)).status_code == 413
    assert (await door.post(to_xml(described(1, t00200032=entry("DS", *range(99)))), DICOM_XML)).status_code == 413


async def test_more_metadata_may_come_in_all_than_waits_at_a_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.composing.METADATA_LIMIT_BYTES", 4096)
    parts: list[tuple[dict[str, str], bytes]] = []
    for number in range(1, 9):
        parts.append(({"Content-Type": DICOM_XML}, to_xml(image(16, 16, f"bulk/{number}", number=number))))
        parts.append(({"Content-Type": OCTETS, "Content-Location": f"bulk/{number}"}, bytes(512)))
    assert sum(len(content) for _, content in parts) > 2 * 4096
    answer = await door.post(body_of(*parts), XML_RELATED)
    assert (answer.status_code, len(door.stored)) == (200, 8)


async def test_sequences_that_are_too_deep_are_refused(door: Door) -> None:
    for depth, status in ((60, 200), (100, 409)):
        item: dict[str, Any] = {}
        for _ in range(depth):
            item = {"00081140": entry("SQ", item)}
        for request, content_type in MAKERS:
            assert (await door.post(request(described(1) | item), content_type)).status_code == status


async def test_a_value_that_is_longer_than_is_stored_here_fails_its_instance(tmp_path: Path) -> None:
    instance = image(16, 16, "pixels") | {"54001010": {"vr": "OW", "BulkDataURI": "long"}}
    parts = {"long": (OCTETS, bytes(200_000)), "pixels": PIXELS}
    async with open_door(tmp_path, max_instance_bytes=100_000) as door:
        answer = await door.post(json_request(instance, described(2), parts=parts), JSON_RELATED)
        assert (answer.status_code, failure_reasons(answer)) == (202, [0xA700])
        assert door.engines.previews.open_writers == 0


@pytest.mark.parametrize(("failure", "status"), [(None, 503), (StorageFull, 507)])
async def test_a_cache_that_takes_nothing_is_told_as_a_store_that_does_not(
    door: Door, failure: type[StorageFull] | None, status: int
) -> None:
    door.engines.previews.fails_at = {"drain"}
    if failure:
        door.engines.previews.failure = failure
    answer = await door.post(json_request(image(100, 1000, "p"), parts={"p": (OCTETS, bytes(200_000))}), JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer)) == (status, [0xA700])
    assert int(answer.headers["retry-after"]) > 0


async def test_group_lengths_are_left_out_with_a_warning_and_meta_elements_without(door: Door) -> None:
    for tag, warning in (("00080000", {"vr": "US", "Value": [0xB006]}), ("00020003", None)):
        answer = await door.post(json_request(described(1) | {tag: entry("UL", 1)}), JSON_RELATED)
        assert [item.get("00081196") for item in items(answer, "00081199")] == [warning]
    assert len(door.stored) == 1


async def test_a_body_that_ends_inside_bulk_data_stores_nothing_of_that_instance(door: Door) -> None:
    body = json_request(described(1), image(16, 16, "p", number=2), parts={"p": PIXELS})[:-200]
    answer = await door.post(body, JSON_RELATED)
    assert answer.status_code == 202
    assert [value(item, "00081155") for item in items(answer, "00081198")] == [uid(3, 2)]
    assert failure_reasons(answer, "0008119A") == [0xC000]
    assert (
        await door.post(json_request(image(16, 16, "p"), parts={"p": PIXELS})[:-200], JSON_RELATED)
    ).status_code == 400


async def test_no_answer_repeats_a_value(door: Door) -> None:
    secret = described(1, t00100020={"vr": "US", "Value": ["Secret"]}, t00100010=entry("LO", "Secret\\Name"))
    for body, content_type in ((json_request(secret), JSON_RELATED), (b"Secret", DICOM_JSON), (b"Secret", DICOM_XML)):
        assert "Secret" not in (await door.post(body, content_type)).text


async def test_a_client_that_goes_away_leaves_nothing_in_the_cache(door: Door) -> None:
    instances = [image(100, 1000, f"bulk/{number}", number=number) for number in (1, 2)]
    body = json_request(*instances, parts={f"bulk/{number}": (OCTETS, bytes(200_000)) for number in (1, 2)})
    assert await door.leave(body[:-1000], JSON_RELATED) == []
    assert (door.engines.previews.contents, door.engines.previews.open_writers) == ({}, 0)
    assert len(door.stored) == 1  # which was whole before


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_comes_is_answered_and_leaves_nothing_behind(door: Door, seed: int) -> None:
    chance = random.Random(seed)
    instances = [image(100, 1000, "long", number=1), image(16, 16, "short", number=2), described(3)]
    parts = {"long": (OCTETS, bytes(200_000)), "short": PIXELS, "other": ("image/jpeg", b"\xff\xd8")}
    whole = {content_type: make(*instances, parts=parts) for make, content_type in MAKERS}
    for _ in range(12):
        content_type, body = chance.choice(list(whole.items()))
        cut = chance.choice((3000, 6000, len(body) - 3000))  # in the metadata, before the long value or behind it
        changed = damaged(body[:cut], chance) + body[cut:] if cut < 9000 else body[:cut] + damaged(body[cut:], chance)
        answer = await door.post(changed, content_type)
        assert answer.status_code in {200, 202, 400, 409, 413}, answer.text
        assert (door.engines.previews.contents, door.engines.previews.open_writers) == ({}, 0)
        assert door.engines.blobs.open_writers == 0
