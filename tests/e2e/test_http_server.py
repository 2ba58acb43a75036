"""The HTTP server over real sockets: ports, draining, and clients that mean no good."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fastapi import APIRouter
from starlette.responses import Response

from radstream.contract.errors import UnsafeConfiguration
from radstream.web import protocol
from radstream.web.app import create_app
from radstream.web.server import serve
from radstream.web.streaming import Streamed

taken = 0
released = asyncio.Event()


def door() -> APIRouter:
    routes = APIRouter()

    @routes.get("/slow")
    async def slow() -> Response:
        await asyncio.sleep(0.3)
        return Response("finished")

    @routes.get("/endless")
    async def endless() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            global taken  # noqa: PLW0603 the test looks at it
            try:
                while True:
                    taken += 1
                    yield b"x" * 65536
            finally:
                released.set()

        return Streamed(pieces(), "application/octet-stream")

    return routes


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[tuple[int, Callable[[], Awaitable[None]]]]:
    stop = asyncio.Event()
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(create_app("test", [door()], {}), "127.0.0.1", 0, stop, ready.set_result))

    async def end() -> None:
        stop.set()
        await running

    async with asyncio.timeout(30):
        try:
            yield await ready, end
        finally:
            await end()


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read(-1)
    writer.close()
    return answer


async def test_server_takes_a_free_port_and_says_which() -> None:
    async with server() as (port, _):
        answer = await ask(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"server:" not in answer.lower()


async def test_port_in_use_is_told_in_a_sentence() -> None:
    async with server() as (port, _):
        with pytest.raises(UnsafeConfiguration, match="RADSTREAM_HTTP_PORT"):
            await serve(create_app("test", [], {}), "127.0.0.1", port, asyncio.Event())


async def test_request_that_has_begun_is_finished_before_the_server_stops() -> None:
    async with server() as (port, end):
        asked = asyncio.create_task(ask(port, b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"))
        await asyncio.sleep(0.1)
        await end()
        assert (await asked).endswith(b"finished")


async def test_body_is_made_no_faster_than_it_is_read_and_not_beyond_the_clients_stay() -> None:
    global taken  # noqa: PLW0603
    taken = 0
    released.clear()
    async with server() as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readexactly(100_000)
        await asyncio.sleep(0.3)
        held, before = taken, taken
        await asyncio.sleep(0.3)
        assert taken == before, "the body grows although nobody reads it"
        assert held * 65536 < 64 << 20
        writer.transport.abort()
        await asyncio.wait_for(released.wait(), 5)


async def test_head_without_end_is_refused() -> None:
    async with server() as (port, _):
        for bomb in (b"GET / HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n"):
            filler = b"X: y\r\n" if bomb.endswith(b"\n") else b"x" * 6
            answer = await ask(port, bomb + filler * 100_000)
            assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        assert b"alive" in await ask(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"\r\n"])
async def test_client_that_says_nothing_is_let_go(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    async with server() as (port, _):
        assert await ask(port, said) == b""


async def test_slow_request_is_not_let_go_once_its_head_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.1)
    async with server() as (port, _):
        answer = await ask(port, b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"finished")
