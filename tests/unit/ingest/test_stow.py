"""STOW-RS: framing, statuses, and the response module (PS3.18 10.5 and I.2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from radstream.contract.errors import StorageFull
from radstream.dicom.from_xml import from_xml
from radstream.dicom.part10 import encode_meta
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, make_instance, uid
from tests.stow_door import BASE, RELATED, Door, body_of, failure_reasons, items, part10, related, value

FIRST, SECOND = make_instance(1, 1), make_instance(1, 2)
OTHER_STUDY = make_instance(2, 1)


@pytest.mark.parametrize(
    "content_type",
    [
        RELATED,
        'multipart/related; type="application/dicom"; boundary="stow-boundary"',
        "multipart/related; boundary=stow-boundary; type=application/dicom",
        'Multipart/Related;boundary="stow-boundary";type="application/dicom";transfer-syntax=1.2.840.10008.1.2.1',
        "multipart/related; boundary=stow-boundary",
    ],
)
async def test_every_spelling_of_the_content_type_is_read(door: Door, content_type: str) -> None:
    answer = await door.post(related(part10(FIRST)), content_type)
    assert answer.status_code == 200, answer.text


async def test_all_stored_is_200_with_a_url_for_each_and_no_failures(door: Door) -> None:
    answer = await door.post(related(part10(FIRST), part10(SECOND)))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    assert answer.headers["location"] == f"{BASE}/studies/{FIRST.study_instance_uid}"
    assert answer.json() == {
        "00081190": {"vr": "UR", "Value": [f"{BASE}/studies/{FIRST.study_instance_uid}"]},
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [MR_IMAGE_STORAGE]},
                    "00081155": {"vr": "UI", "Value": [instance.sop_instance_uid]},
                    "00081190": {"vr": "UR", "Value": [f"{BASE}/{instance.url}"]},
                }
                for instance in (FIRST, SECOND)
            ],
        },
    }


async def test_what_is_acknowledged_is_stored_byte_for_byte(door: Door) -> None:
    await door.post(related(part10(FIRST), part10(SECOND)))
    assert door.stored == [part10(FIRST), part10(SECOND)]


async def test_two_studies_have_no_common_url(door: Door) -> None:
    answer = await door.post(related(part10(FIRST), part10(OTHER_STUDY)))
    assert answer.status_code == 200
    assert "00081190" not in answer.json()
    assert "location" not in answer.headers
    assert len(items(answer, "00081199")) == 2


async def test_a_single_instance_may_come_without_multipart(door: Door) -> None:
    answer = await door.post(part10(FIRST), "application/dicom")
    assert answer.status_code == 200
    assert value(items(answer, "00081199")[0], "00081155") == FIRST.sop_instance_uid


async def test_a_body_that_comes_in_small_pieces_is_the_same(door: Door) -> None:
    body = related(part10(FIRST), part10(SECOND))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 61):
            yield body[start : start + 61]

    assert (await door.post(pieces())).status_code == 200
    assert len(door.engines.blobs.keys("instances")) == 2


async def test_the_study_of_the_url_is_the_one_of_the_instance(door: Door) -> None:
    answer = await door.post(related(part10(FIRST)), path=f"/studies/{FIRST.study_instance_uid}")
    assert answer.status_code == 200


async def test_an_instance_of_another_study_fails_alone(door: Door) -> None:
    body = related(part10(OTHER_STUDY), part10(FIRST))
    answer = await door.post(body, path=f"/studies/{FIRST.study_instance_uid}")
    assert answer.status_code == 202
    (failed,) = items(answer, "00081198")
    assert (value(failed, "00081155"), value(failed, "00081197")) == (OTHER_STUDY.sop_instance_uid, 0xA900)
    assert value(failed, "00081150") == MR_IMAGE_STORAGE
    assert [value(item, "00081155") for item in items(answer, "00081199")] == [FIRST.sop_instance_uid]
    assert answer.json()["00081190"]["Value"] == [f"{BASE}/studies/{FIRST.study_instance_uid}"]


async def test_nothing_stored_is_409(door: Door) -> None:
    answer = await door.post(related(part10(FIRST)), path=f"/studies/{OTHER_STUDY.study_instance_uid}")
    assert answer.status_code == 409
    assert "00081199" not in answer.json()
    assert "00081190" not in answer.json()
    assert door.engines.effects == []


async def test_a_study_in_the_url_that_is_no_uid_is_400(door: Door) -> None:
    assert (await door.post(related(part10(FIRST)), path="/studies/1.2.x")).status_code == 400


async def test_a_part_that_is_not_dicom_is_counted_and_the_rest_goes_on(door: Door) -> None:
    answer = await door.post(related(b"this is a letter" * 20, part10(FIRST)))
    assert answer.status_code == 202
    assert failure_reasons(answer, "0008119A") == [0xC000]
    assert "00081198" not in answer.json()
    assert len(items(answer, "00081199")) == 1


async def test_a_part_of_another_media_type_is_counted(door: Door) -> None:
    for media_type in ("text/plain", "nonsense"):
        answer = await door.post(related(b"[]", media_type=media_type))
        assert answer.status_code == 409
        assert failure_reasons(answer, "0008119A") == [0xC000]


async def test_a_file_that_does_not_say_its_transfer_syntax_is_not_guessed_at(door: Door) -> None:
    silent = encode_meta(MR_IMAGE_STORAGE, FIRST.sop_instance_uid, "") + FIRST.data_set
    answer = await door.post(related(silent))
    assert answer.status_code == 409
    assert failure_reasons(answer, "0008119A") == [0xC000]


async def test_where_meta_group_and_data_set_disagree_the_data_set_is_right(door: Door) -> None:
    file = encode_meta("1.2.3", "1.2.4", EXPLICIT_VR_LITTLE_ENDIAN) + FIRST.data_set
    answer = await door.post(related(file))
    assert value(items(answer, "00081199")[0], "00081155") == FIRST.sop_instance_uid
    assert door.stored == [part10(FIRST)]


async def test_an_instance_that_ends_in_its_header_fails_alone(door: Door) -> None:
    answer = await door.post(related(part10(FIRST)[:-8500], part10(SECOND)))
    assert answer.status_code == 202
    assert failure_reasons(answer) + failure_reasons(answer, "0008119A") == [0xC000]


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=stow-boundary", "", "x"])
async def test_another_content_type_is_415(door: Door, content_type: str) -> None:
    assert (await door.post(related(part10(FIRST)), content_type)).status_code == 415


async def test_an_encoded_body_is_415(door: Door) -> None:
    assert (await door.post(related(part10(FIRST)), **{"Content-Encoding": "gzip"})).status_code == 415


@pytest.mark.parametrize("content_type", [RELATED, "application/dicom"])
async def test_an_empty_request_is_400(door: Door, content_type: str) -> None:
    assert (await door.post(b"", content_type)).status_code == 400


async def test_a_multipart_without_parts_is_400(door: Door) -> None:
    assert (await door.post(b"--stow-boundary--\r\n")).status_code == 400


async def test_a_multipart_without_boundary_is_400(door: Door) -> None:
    answer = await door.post(related(part10(FIRST)), 'multipart/related; type="application/dicom"')
    assert answer.status_code == 400


@pytest.mark.parametrize("cut", [1, 5000])
async def test_a_body_that_ends_early_stores_nothing_of_its_last_part(door: Door, cut: int) -> None:
    body = related(part10(FIRST)).removesuffix(b"\r\n--stow-boundary--\r\n")
    assert (await door.post(body[:-cut])).status_code == 400
    assert door.engines.effects == []
    assert door.engines.blobs.open_writers == 0


async def test_a_body_that_ends_early_says_what_was_stored_before(door: Door) -> None:
    answer = await door.post(related(part10(FIRST), part10(SECOND))[:-5000])
    assert answer.status_code == 202
    assert [value(item, "00081155") for item in items(answer, "00081199")] == [FIRST.sop_instance_uid]
    assert failure_reasons(answer, "0008119A") == [0xC000]


async def test_a_blob_store_that_is_away_is_503_and_says_when_to_come_again(door: Door) -> None:
    door.engines.blobs.fails_at = {"commit"}
    answer = await door.post(related(part10(FIRST), b"no DICOM" * 20))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert failure_reasons(answer) == [0xA700]


async def test_a_full_blob_store_is_507_and_says_when_to_come_again(door: Door) -> None:
    door.engines.blobs.fails_at, door.engines.blobs.failure = {"commit"}, StorageFull
    answer = await door.post(related(part10(FIRST), b"no DICOM" * 20))
    assert answer.status_code == 507
    assert int(answer.headers["retry-after"]) > 0
    assert failure_reasons(answer) == [0xA700]


async def test_a_blob_store_that_goes_away_fails_the_rest(door: Door) -> None:
    files = [part10(FIRST), part10(SECOND)]

    async def body() -> AsyncIterator[bytes]:
        whole = related(*files)
        middle = whole.index(part10(SECOND)) - 20
        yield whole[:middle]
        door.engines.blobs.fails_at = {"commit"}
        yield whole[middle:]

    answer = await door.post(body())
    assert answer.status_code == 202
    (failed,) = items(answer, "00081198")
    assert (value(failed, "00081155"), value(failed, "00081197")) == (SECOND.sop_instance_uid, 0xA700)


async def test_a_log_that_is_away_is_no_reason_to_refuse(door: Door) -> None:
    door.engines.bus.state = "fails"
    assert (await door.post(related(part10(FIRST)))).status_code == 200
    assert door.engines.blobs.keys("pending")


async def test_our_own_bug_is_500_and_names_no_success(door: Door) -> None:
    door.engines.bus.state = "breaks"
    answer = await door.post(related(part10(FIRST)))
    assert answer.status_code == 500
    assert failure_reasons(answer, "0008119A") == [0x0110]
    assert "00081199" not in answer.json()


async def test_a_known_instance_is_success_again(door: Door) -> None:
    answers = [await door.post(related(part10(FIRST))) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert len(door.engines.blobs.keys("instances")) == 1


async def test_a_client_that_goes_away_leaves_nothing_half_way(door: Door) -> None:
    assert await door.leave(related(part10(FIRST), part10(SECOND))[:-5000]) == []
    assert len(door.engines.blobs.keys("instances")) == 1  # nobody is told anything; the first one was complete
    assert door.engines.blobs.open_writers == 0


async def test_no_text_of_an_answer_holds_patient_data(door: Door) -> None:
    answer = await door.post(related(part10(FIRST)[:-8500], b"Test^Fault" * 20))
    assert "Test" not in json.dumps(answer.json())
    assert uid(1, 1) not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/json", "application/dicom+json"),
        ("text/html, image/png", "application/dicom+json"),
        ("this is no media type", "application/dicom+json"),
        ("application/dicom+xml;q=0.5, application/dicom+json", "application/dicom+json"),
        ("application/dicom+xml", "application/dicom+xml"),
        ("application/dicom+json;q=0.5, application/dicom+xml", "application/dicom+xml"),
        ('multipart/related; type="application/dicom+xml"', 'multipart/related; type="application/dicom+xml"'),
    ],
)
async def test_the_answer_is_what_the_client_accepts_or_else_json(door: Door, accept: str, content_type: str) -> None:
    answer = await door.post(related(part10(FIRST)), Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(content_type)


@pytest.mark.parametrize("is_multipart", [False, True])
async def test_the_answer_in_xml_says_the_same(door: Door, is_multipart: bool) -> None:
    body = related(part10(OTHER_STUDY), part10(FIRST), b"no DICOM" * 20)
    path = f"/studies/{FIRST.study_instance_uid}"
    expected = (await door.post(body, path=path)).json()
    accept = 'multipart/related; type="application/dicom+xml"' if is_multipart else "application/dicom+xml"
    answer = await door.post(body, path=path, Accept=accept)
    assert answer.status_code == 202
    document = answer.content.split(b"\r\n\r\n")[1].rpartition(b"\r\n--")[0] if is_multipart else answer.content
    assert from_xml(document) == json.loads(json.dumps(expected), parse_int=str)


async def test_lines_of_a_request_may_end_with_a_line_feed_alone(door: Door) -> None:
    body = body_of(({"Content-Type": "application/dicom"}, part10(FIRST)), eol=b"\n")
    assert (await door.post(body)).status_code == 200
    assert door.stored == [part10(FIRST)]
