from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from radstream.contract.errors import MalformedRequest, NotFound
from radstream.settings import Settings
from radstream.web.conditional import cache_headers, ranged, unchanged
from radstream.web.links import base_url
from radstream.web.media_types import MediaType
from radstream.web.multipart import boundary_of, parts
from radstream.web.related import Content, Later, related

DATA = bytes(range(100))
ETAG = '"abc"'


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    server = ("10.0.0.7", 8042)
    return Request({"type": "http", "method": "GET", "scheme": "http", "path": "/", "server": server, "headers": raw})


async def stream(offset: int = 0, length: int = 100) -> AsyncIterator[bytes]:
    for at in range(offset, offset + length, 7):
        yield DATA[at : min(at + 7, offset + length)]


async def missing() -> AsyncIterator[bytes]:
    raise NotFound("no such blob")
    yield b""


async def body_of(response: Response) -> bytes:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"} if not sent else await _never()

    async def send(message: Message) -> None:
        sent.append(message)

    await response({"type": "http"}, receive, send)
    return b"".join(message.get("body", b"") for message in sent)


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_related_is_read_back_by_our_own_reader_and_has_the_promised_length() -> None:
    media_type = MediaType("application/dicom", {"transfer-syntax": "1.2.840.10008.1.2.1"})
    contents = [Content(media_type, 100, stream, f"http://pacs/instances/{n}") for n in range(3)]
    response = related(contents, media_type, status_code=206, headers={"etag": ETAG})
    body = await body_of(response)
    assert response.status_code == 206
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["content-type"].startswith('multipart/related; type="application/dicom"; transfer-syntax=')

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    found = [
        (part.headers, b"".join([piece async for piece in part.stream()]))
        async for part in parts(chunks(), boundary_of(response.headers["content-type"]))
    ]
    assert found == [
        (
            {
                "content-type": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
                "content-length": "100",
                "content-location": f"http://pacs/instances/{n}",
            },
            DATA,
        )
        for n in range(3)
    ]


async def test_related_of_unknown_size_has_no_length() -> None:
    assert "content-length" not in related([Content(MediaType("a/b"), None, stream)], MediaType("a/b")).headers


async def test_missing_blob_is_known_before_the_answer_begins() -> None:
    with pytest.raises(NotFound):
        await body_of(related([Content(MediaType("a/b"), 100, missing)], MediaType("a/b")))


async def test_part_whose_content_is_made_later_is_made_when_its_turn_has_come() -> None:
    made: list[int] = []

    async def make() -> Content:
        made.append(len(made))
        return Content(MediaType("a/b"), 100, stream)

    response = related([Later(make), Later(make)], MediaType("a/b"))
    assert (made, "content-length" in response.headers) == ([], False)
    assert (await body_of(response)).count(DATA) == 2
    assert made == [0, 1]


def test_related_without_content_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        related([], MediaType("a/b"))


@pytest.mark.parametrize(
    ("header", "expected", "content_range"),
    [
        ("bytes=0-9", DATA[:10], "bytes 0-9/100"),
        ("bytes=10-", DATA[10:], "bytes 10-99/100"),
        ("bytes=-5", DATA[-5:], "bytes 95-99/100"),
        ("bytes=-500", DATA, "bytes 0-99/100"),
        ("bytes=90-1000", DATA[90:], "bytes 90-99/100"),
    ],
)
async def test_range_is_answered_in_part(header: str, expected: bytes, content_range: str) -> None:
    response = ranged(request(range=header), ETAG, "a/b", 100, stream)
    assert response.status_code == 206
    assert response.headers["content-range"] == content_range
    assert response.headers["content-length"] == str(len(expected))
    assert await body_of(response) == expected


@pytest.mark.parametrize(
    "header",
    ["", "bytes=9-3", "bytes=0-1,2-3", "bytes=" + "0-1," * 2000, "lines=1-2", "bytes=-", "bytes=" + "9" * 30 + "-"],
)
async def test_range_that_means_nothing_or_too_much_is_ignored(header: str) -> None:
    response = ranged(request(range=header), ETAG, "a/b", 100, stream)
    assert response.status_code == 200
    assert await body_of(response) == DATA


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=1000-2000"])
def test_range_outside_is_not_satisfiable(header: str) -> None:
    response = ranged(request(range=header), ETAG, "a/b", 100, stream)
    assert response.status_code == 416
    assert response.headers["content-range"] == "bytes */100"


def test_range_of_another_version_is_ignored() -> None:
    assert ranged(request(range="bytes=0-9", if_range='"old"'), ETAG, "a/b", 100, stream).status_code == 200
    assert ranged(request(range="bytes=0-9", if_range=ETAG), ETAG, "a/b", 100, stream).status_code == 206


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"x", {ETAG}', "*"])
def test_known_version_is_not_sent_again(known: str) -> None:
    response = unchanged(request(if_none_match=known), ETAG)
    assert response is not None
    assert response.status_code == 304
    assert response.headers["etag"] == ETAG


@pytest.mark.parametrize("known", ["", '"other"', "abc"])
def test_unknown_version_is_sent(known: str) -> None:
    assert unchanged(request(if_none_match=known), ETAG) is None


def test_patient_data_stays_in_the_clients_own_cache() -> None:
    assert cache_headers(ETAG)["cache-control"] == "private, no-cache"


def test_links_use_the_host_that_the_client_used() -> None:
    assert base_url(request(host="pacs.example:8042"), Settings()) == "http://pacs.example:8042"
    assert base_url(request(host="[::1]:80"), Settings()) == "http://[::1]:80"
    assert base_url(request(), Settings()) == "http://10.0.0.7:8042"


def test_forwarded_headers_are_believed_only_if_settings_say_so() -> None:
    asked = request(
        host="inner", x_forwarded_host="pacs.example, x", x_forwarded_proto="https", x_forwarded_prefix="/a/b/"
    )
    assert base_url(asked, Settings()) == "http://inner"
    assert base_url(asked, Settings(trust_forwarded=True)) == "https://pacs.example/a/b"


@pytest.mark.parametrize("host", ['a"b', "a b", "a/b", "a\\b", "x" * 300, "a:b", "[x]", "a\r\nb"])
def test_host_that_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(MalformedRequest):
        base_url(request(host=host), Settings())


@pytest.mark.parametrize("forwarded", [{"x_forwarded_proto": "javascript"}, {"x_forwarded_prefix": '/"><script>'}])
def test_forwarded_nonsense_is_refused(forwarded: dict[str, str]) -> None:
    with pytest.raises(MalformedRequest):
        base_url(request(host="a", **forwarded), Settings(trust_forwarded=True))
