from __future__ import annotations

import pytest

from tests.api_engines import Archive, parts_of

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_LS = "1.2.840.10008.1.2.4.80"
VIDEO = "1.2.840.10008.1.2.4.102"

STUDY = "/dicom-web/studies/1.1"
SERIES = f"{STUDY}/series/1.2"
INSTANCE = f"{SERIES}/instances/1.2.3"


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/dicom"',
        "multipart/related; type=application/dicom",
        'multipart/related; type="application/dicom"; transfer-syntax=*',
        f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_LS}',
        f"multipart/related; type=application/dicom; transfer-syntax={EXPLICIT}, "
        f"multipart/related; type=application/dicom; transfer-syntax={JPEG_LS}",
        "multipart/related;type=application/dicom;",
        "*/*",
        "",
    ],
)
async def test_instance_comes_back_as_it_is_stored(archive: Archive, accept: str) -> None:
    blob = archive.add(syntax=JPEG_LS)
    answer = await archive.client.get(INSTANCE, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(answer.content))
    [(headers, content)] = await parts_of(answer)
    assert content == blob
    assert headers["content-type"] == f"application/dicom; transfer-syntax={JPEG_LS}"
    assert headers["content-location"] == f"http://pacs:8042{INSTANCE}"


@pytest.mark.parametrize("accept", ["application/dicom", "application/dicom; transfer-syntax=*"])
async def test_instance_alone_is_the_file(archive: Archive, accept: str) -> None:
    blob = archive.add()
    answer = await archive.client.get(INSTANCE, headers={"Accept": accept})
    assert answer.content == blob
    assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert answer.headers["content-length"] == str(len(blob))
    document = archive.catalog.collections["instances"]["1.2.3"]
    assert answer.headers["etag"] == f'"{document["sha256"]}"'


async def test_part_of_a_file_is_sent_alone(archive: Archive) -> None:
    blob = archive.add()
    answer = await archive.client.get(INSTANCE, headers={"Accept": "application/dicom", "Range": "bytes=100-149"})
    assert answer.status_code == 206
    assert answer.content == blob[100:150]
    assert archive.blobs.reads == [(100, 50)]


@pytest.mark.parametrize(
    "accept",
    [
        f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}',
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
        "image/jpeg",
        'multipart/related; type="application/octet-stream"',
        "application/dicom+json",
    ],
)
async def test_form_that_cannot_be_made_is_not_acceptable(archive: Archive, accept: str) -> None:
    archive.add(syntax=JPEG_LS)
    assert (await archive.client.get(INSTANCE, headers={"Accept": accept})).status_code == 406


async def test_study_and_series_hold_their_instances_in_order(archive: Archive) -> None:
    second = archive.add("1.2.4", b"second", number=10)
    first = archive.add("1.2.3", b"first", number=9)
    other = archive.add("1.3.1", b"other series", series="1.3")
    archive.add("9.9", b"other study", study="1.9", series="1.2")
    series, study = await archive.client.get(SERIES), await archive.client.get(STUDY)
    assert [content for _, content in await parts_of(series)] == [first, second]
    assert [content for _, content in await parts_of(study)] == [first, second, other]
    assert study.headers["content-length"] == str(len(study.content))


async def test_study_of_which_a_part_is_acceptable_is_sent_in_part(archive: Archive) -> None:
    archive.add("1.2.3", b"plain")
    video = archive.add("1.2.4", b"compressed", syntax=VIDEO)
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={VIDEO}'
    answer = await archive.client.get(STUDY, headers={"Accept": accept})
    assert answer.status_code == 206
    assert [content for _, content in await parts_of(answer)] == [video]


@pytest.mark.parametrize(
    "path",
    [
        "/dicom-web/studies/1.9",
        f"{STUDY}/series/1.9",
        f"{SERIES}/instances/1.2.9",
        "/dicom-web/studies/1.1/series/1.3/instances/1.2.3",
        "/dicom-web/studies/1.3/series/1.2/instances/1.2.3",
    ],
)
async def test_what_is_not_stored_at_that_address_is_not_found(archive: Archive, path: str) -> None:
    archive.add()
    for resource in ("", "/metadata"):
        assert (await archive.client.get(path + resource)).status_code == 404


@pytest.mark.parametrize(
    "uid", ["abc", "1..2", "1." * 40 + "1", "..%2f..%2fetc", "1.1%00.2", "1.1%20", "1.1%00", "%2e%2e", "1.1'--", "*"]
)
async def test_what_is_no_uid_is_a_bad_request(archive: Archive, uid: str) -> None:
    for path in (f"/dicom-web/studies/{uid}", f"{STUDY}/series/{uid}", f"{SERIES}/instances/{uid}/metadata"):
        answer = await archive.client.get(path)
        assert answer.status_code in {400, 404}


async def test_known_instance_is_not_sent_again(archive: Archive) -> None:
    archive.add()
    for accept in ("application/dicom", "*/*"):
        etag = (await archive.client.get(INSTANCE, headers={"Accept": accept})).headers["etag"]
        again = await archive.client.get(INSTANCE, headers={"Accept": accept, "If-None-Match": etag})
        assert again.status_code == 304
        assert again.content == b""


async def test_missing_blob_is_told_before_the_body_begins(archive: Archive) -> None:
    archive.add()
    archive.blobs.blobs.clear()
    for accept in ("application/dicom", "*/*"):
        assert (await archive.client.get(INSTANCE, headers={"Accept": accept})).status_code == 404


async def test_head_tells_the_size_without_the_body(archive: Archive) -> None:
    blob = archive.add()
    answer = await archive.client.head(INSTANCE, headers={"Accept": "application/dicom"})
    assert answer.headers["content-length"] == str(len(blob))
    assert answer.content == b""
