"""Each URL has one owner: the gateway's rule is that of the data path. What dies below it is never a wrong answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from services.command.gateway import Gateway, owner_of

UPSTREAMS = {name: [f"http://{name}-0", f"http://{name}-1"] for name in ("ingest", "render", "api")}


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("POST", "/dicom-web/studies", "ingest"),
        ("POST", "/dicom-web/studies/1.2.3", "ingest"),
        ("POST", "/dicom-web/studies/1.2.3/series", "api"),
        ("DELETE", "/dicom-web/studies/1.2", "ingest"),
        ("DELETE", "/dicom-web/studies/1.2/series/1.3", "ingest"),
        ("DELETE", "/dicom-web/studies/1.2/series/1.3/instances/1.4", "ingest"),
        ("DELETE", "/dicom-web/studies", "api"),
        ("OPTIONS", "/dicom-web/", "api"),
        ("OPTIONS", "/dicom-web/studies/1.2/rendered", "api"),
        ("GET", "/dicom-web/studies", "api"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1", "api"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1/rendered", "render"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/renderedmpr", "render"),
        ("GET", "/dicom-web/studies/1.2/thumbnail", "render"),
        ("GET", "/wado", "render"),
        ("GET", "/", "api"),
        ("GET", "/readyz", "api"),
    ],
)
def test_a_url_goes_to_the_service_that_owns_it(method: str, path: str, owner: str) -> None:
    assert owner_of(method, path) == owner


@dataclass
class Copies(httpx2.AsyncBaseTransport):
    """The copies of every service, of which the first fails, or both do: before they read the request, if at all."""

    failure: type[httpx2.TransportError]
    both: bool

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.both or request.url.host.endswith("-0"):
            raise self.failure("dies", request=request)
        await request.aread()
        return httpx2.Response(200, stream=httpx2.ByteStream(b"answer"))


async def ask(method: str, path: str, failure: type[httpx2.TransportError], *, both: bool) -> httpx2.Response:
    gateway = Gateway(UPSTREAMS, Copies(failure, both))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app()), base_url="http://pacs.test") as client:
        return await client.request(method, path, content=b"body" if method == "POST" else None)


@pytest.mark.parametrize("failure", [httpx2.ConnectError, httpx2.ConnectTimeout])
@pytest.mark.parametrize(("method", "path"), [("GET", "/dicom-web/studies"), ("POST", "/dicom-web/studies")])
async def test_a_copy_that_does_not_listen_is_passed_over(
    method: str, path: str, failure: type[httpx2.TransportError]
) -> None:
    assert (await ask(method, path, failure, both=False)).status_code == 200
    answer = await ask(method, path, failure, both=True)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("failure", [httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.ReadTimeout])
async def test_a_copy_that_dies_with_a_question_is_asked_no_more_and_its_twin_answers(
    failure: type[httpx2.TransportError],
) -> None:
    assert (await ask("GET", "/dicom-web/studies", failure, both=False)).content == b"answer"


@pytest.mark.parametrize("failure", [httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError])
async def test_a_copy_that_dies_with_a_store_is_unavailable_so_that_the_sender_repeats_it(
    failure: type[httpx2.TransportError],
) -> None:
    answer = await ask("POST", "/dicom-web/studies", failure, both=False)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


class Echo(httpx2.AsyncBaseTransport):
    """Answers with the headers that it was asked with."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        lines = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        return httpx2.Response(200, stream=httpx2.ByteStream(lines.encode()))


async def test_nothing_is_asked_for_in_the_name_of_the_client() -> None:
    gateway = Gateway(UPSTREAMS, Echo())
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway.app()), base_url="http://pacs.test") as client:
        client.headers.clear()
        assert (await client.get("/", headers={"Accept": "image/jpeg"})).text == "host: pacs.test\naccept: image/jpeg"
    await gateway.close()


class Targets(httpx2.AsyncBaseTransport):
    """Answers with the target that it was asked for."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=httpx2.ByteStream(request.url.raw_path))


@pytest.mark.parametrize(
    ("target", "forwarded"),
    [
        (b"/dicom-web/studies/1.2", b"/dicom-web/studies/1.2"),
        (b"/dicom-web/studies/m%0D%85%00%F0", b"/dicom-web/studies/m%0D%85%00%F0"),
        (b"/dicom-web/studies/1.2%2Fseries%3Fx", b"/dicom-web/studies/1.2%2Fseries%3Fx"),
        (b"/dicom-web/studies?PatientName=a%26b+c%ZZ", b"/dicom-web/studies?PatientName=a%26b+c%ZZ"),
        (b"/dicom-web/\xff\xc3\xbc?x=\x01 #", b"/dicom-web/%FF%C3%BC?x=%01%20%23"),
        (b"//elsewhere/x", b"//elsewhere/x"),
    ],
)
async def test_a_target_is_handed_on_as_it_came(target: bytes, forwarded: bytes) -> None:
    path, _, query = target.partition(b"?")
    gateway = Gateway(UPSTREAMS, Targets())
    headers = [(b"host", b"pacs.test")]
    scope = {"type": "http", "method": "GET", "path": unquote(path.decode("latin-1")), "raw_path": path}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(3600)  # there is no body, and the client stays
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await gateway.app()(scope | {"query_string": query, "headers": headers, "scheme": "http"}, receive, send)
    await gateway.close()
    assert (sent[0]["status"], b"".join(each.get("body", b"") for each in sent)) == (200, forwarded)
