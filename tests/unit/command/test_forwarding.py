"""What a client says of itself never reaches a service; what a gateway in front of ours says does, if it is trusted."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from radstream.contract.errors import UnsafeConfiguration
from radstream.settings import Settings
from services.command import edge
from services.command.forwarding import ForwardedHeaders

LIES = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-For": "10.9.9.9",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=10.9.9.9",
}


async def seen_by_the_service(*, is_trusted: bool, headers: dict[str, str]) -> dict[str, str]:
    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(dict(Request(scope).headers))(scope, receive, send)

    app = ForwardedHeaders(service, Settings(trust_forwarded=is_trusted))
    transport = httpx2.ASGITransport(app, client=("192.0.2.7", 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://pacs.example:8042") as client:
        seen: dict[str, str] = (await client.get("/", headers=headers)).json()
    return {name: value for name, value in seen.items() if "forwarded" in name}


async def test_what_a_client_says_of_itself_is_thrown_away() -> None:
    assert await seen_by_the_service(is_trusted=False, headers=LIES) == {
        "x-forwarded-proto": "http",
        "x-forwarded-host": "pacs.example:8042",
        "x-forwarded-for": "192.0.2.7",
    }


async def test_what_a_trusted_gateway_says_is_kept() -> None:
    seen = await seen_by_the_service(is_trusted=True, headers=LIES)
    assert seen == {name.lower(): value for name, value in LIES.items()}


async def test_what_a_trusted_gateway_does_not_say_is_what_we_see() -> None:
    seen = await seen_by_the_service(is_trusted=True, headers={"X-Forwarded-Proto": "https"})
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-for"] == "192.0.2.7"


@pytest.mark.parametrize("urls", [(), ("ingest:8042",), ("http://",), ("http://ingest:8042/path",), ("http://h:x",)])
async def test_a_gateway_that_does_not_know_its_services_refuses_to_start(urls: tuple[str, ...]) -> None:
    settings = Settings(ingest_urls=urls, render_urls=("http://render:8042",), api_urls=("http://api:8042",))
    with pytest.raises(UnsafeConfiguration, match="RADSTREAM_INGEST_URLS"):
        await edge.run(settings, asyncio.Event())
