from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from radstream.contract.errors import (
    MalformedEvent,
    MalformedRequest,
    NotFound,
    RejectedInstance,
    Unavailable,
    UnsupportedInstance,
)
from radstream.telemetry import Check
from radstream.web.app import create_app
from radstream.web.streaming import Streamed

closed: list[str] = []


async def endless() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"x" * 1024
    finally:
        closed.append("endless")


async def breaks(after: int) -> AsyncIterator[bytes]:
    for _ in range(after):
        yield b"x"
    raise Unavailable("blob store")


def door() -> APIRouter:
    routes = APIRouter()
    errors = {
        "rejected": RejectedInstance("no UID"),
        "unsupported": UnsupportedInstance("no such form"),
        "malformed": MalformedRequest("what?"),
        "missing": NotFound("no such study"),
        "unavailable": Unavailable("the catalog does not answer"),
        "event": MalformedEvent("unreadable"),
        "bug": ValueError("DOE^JOHN is not a number"),
    }

    @routes.get("/fails/{kind}")
    async def fails(kind: str) -> Response:
        raise errors[kind]

    @routes.get("/page")
    async def page() -> Response:
        return HTMLResponse("<p>hello")

    @routes.get("/numbers/{number}")
    async def numbers(number: int) -> Response:
        return Response(str(number))

    @routes.get("/endless")
    async def stream() -> Response:
        return Streamed(endless(), "application/octet-stream", size_bytes=1 << 40)

    @routes.get("/breaks/{after}")
    async def break_off(after: int) -> Response:
        return Streamed(breaks(after), "application/octet-stream", size_bytes=100)

    @routes.post("/upload")
    async def upload(request: Request) -> Response:
        return Response(str(sum([len(chunk) async for chunk in request.stream()])))

    return routes


def client(**checks: Check) -> httpx2.AsyncClient:
    app = create_app("test", [door()], checks)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize(
    ("kind", "status", "detail"),
    [
        ("rejected", 409, "no UID"),
        ("unsupported", 406, "no such form"),
        ("malformed", 400, "what?"),
        ("missing", 404, "no such study"),
        ("unavailable", 503, "the catalog does not answer"),
        ("event", 500, "unreadable"),
    ],
)
async def test_each_error_has_its_answer(kind: str, status: int, detail: str) -> None:
    answer = await client().get(f"/fails/{kind}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"] == detail
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_bug_is_answered_and_logged_without_data() -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await client().get("/fails/bug")
    assert answer.status_code == 500
    assert "DOE" not in answer.text
    assert "DOE" not in str(logs)
    assert logs[0]["error_type"] == "ValueError"
    assert logs[0]["path"] == "/fails/{kind}"
    assert "fails:" in logs[0]["reason"]


async def test_every_method_of_a_resource_is_named_to_who_uses_another() -> None:
    routes = APIRouter()

    async def answer(_request: Request) -> Response:
        return Response("thing")

    for method in ("GET", "POST"):
        routes.add_api_route("/things/{name}", answer, methods=[method])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app("test", [routes], {}))) as asking:
        refused = await asking.put("http://pacs.test/things/1")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/page", 405)])
async def test_what_routing_refuses_is_a_problem_too(method: str, path: str, status: int) -> None:
    answer = await client().request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status


async def test_bad_parameter_is_named_but_not_repeated() -> None:
    answer = await client().get("/numbers/DOE")
    assert answer.status_code == 400
    assert "number" in answer.json()["detail"]
    assert "DOE" not in answer.text


async def test_page_has_the_security_headers() -> None:
    headers = (await client().get("/page")).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_head_is_answered_wherever_get_is() -> None:
    answer = await client().head("/page")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == "8"
    assert answer.content == b""


async def test_head_of_an_endless_body_ends_and_closes_it() -> None:
    closed.clear()
    answer = await client().head("/endless")
    assert answer.headers["content-length"] == str(1 << 40)
    assert closed == ["endless"]


async def test_error_before_the_first_piece_has_its_status() -> None:
    assert (await client().get("/breaks/0")).status_code == 503


async def test_body_that_breaks_off_is_not_completed() -> None:
    sent = []

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    app = create_app("test", [door()], {})
    scope = {"type": "http", "method": "GET", "path": "/breaks/3", "headers": [], "query_string": b""}
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert [message.get("more_body") for message in sent] == [None, True, True, True]


async def test_body_is_not_read_on_when_the_client_has_gone() -> None:
    closed.clear()
    sent = 0

    async def receive() -> dict[str, object]:
        if sent > 3:
            return {"type": "http.disconnect"}
        await asyncio.sleep(0)
        return {"type": "http.request"}

    async def send(message: dict[str, object]) -> None:
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)

    app = create_app("test", [door()], {})
    scope = {"type": "http", "method": "GET", "path": "/endless", "headers": [], "query_string": b""}
    async with asyncio.timeout(5):
        await app(scope, receive, send)  # type: ignore[arg-type]
    assert closed == ["endless"]


async def test_body_is_streamed_and_encoded_ones_are_refused() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    assert (await client().post("/upload", content=body())).text == "100000"
    assert (await client().post("/upload", content=b"", headers={"content-encoding": "gzip"})).status_code == 415
    assert (await client().post("/upload", content=b"", headers={"content-encoding": "identity"})).status_code == 200


async def test_process_is_alive_whatever_it_depends_on() -> None:
    async def fails() -> None:
        raise Unavailable("the catalog does not answer")

    assert (await client(catalog=fails).get("/healthz")).status_code == 200


async def test_readiness_names_what_fails() -> None:
    async def works() -> None:
        return

    async def fails() -> None:
        raise Unavailable("disk full")

    assert (await client(log=works).get("/readyz")).json() == {"status": "ready", "checks": {"log": "ok"}}
    answer = await client(log=works, catalog=fails).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"log": "ok", "catalog": "disk full"}


async def test_readiness_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radstream.web.health.CHECK_TIMEOUT_S", 0.01)

    async def hangs() -> None:
        await asyncio.Event().wait()

    answer = await client(log=hangs).get("/readyz")
    assert answer.status_code == 503
    assert "no answer" in answer.json()["checks"]["log"]


async def test_requests_are_measured_by_template_not_by_path() -> None:
    one = client()
    await one.get("/numbers/12345")
    await one.get("/no/such/99999")
    metrics = (await one.get("/metrics")).text
    assert 'radstream_http_seconds_count{route="/numbers/{number}",status="200"}' in metrics
    assert 'radstream_http_seconds_count{route="none",status="404"}' in metrics
    assert "numbers/12345" not in metrics
    assert "such/99999" not in metrics
