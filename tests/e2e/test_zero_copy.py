"""Files go from the page cache to the socket: all of them, in order, to slow clients, and no further than they stay."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from radstream.blobs.folder import FolderBlobStore
from radstream.contract.errors import NotFound
from radstream.web.server import serve
from radstream.web.streaming import Piece, Streamed, closed_after

DATA = random.Random(1).randbytes(9_000_017)
HEAD, TAIL = b"in front", b"behind"
SIZE_BYTES = len(HEAD) + len(DATA) + len(TAIL)


class App:
    """Answers with a blob between other bytes; of unknown length at ``/chunked``."""

    def __init__(self, store: FolderBlobStore) -> None:
        self.store = store
        self.sent_bytes = 0
        self.has_ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size_bytes = None if scope["path"] == "/chunked" else SIZE_BYTES
        with suppress(ClientDisconnect):
            await Streamed(self.pieces(), "a/b", size_bytes=size_bytes)(scope, receive, send)
        self.has_ended.set()

    async def pieces(self) -> AsyncIterator[Piece]:
        yield HEAD
        async with closed_after(self.store.file_pieces("a/b")) as pieces:
            async for piece in pieces:
                yield piece
                self.sent_bytes += len(piece)
        yield TAIL


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    store = FolderBlobStore(tmp_path)
    await store.put("a/b", DATA)
    yield App(store)
    await store.close()


@asynccontextmanager
async def connected(app: App) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, port.set_result, drain_s=1))
    reader, writer = await asyncio.open_connection("127.0.0.1", await port)
    try:
        yield reader, writer
    finally:
        writer.close()
        stop.set()
        await serving


def blobs_held(folder: Path) -> list[Path]:
    """Return the files of `folder` that this process has open, those in the making apart."""
    held = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
    return [path for path in held if path.is_relative_to(folder) and ".incoming" not in path.parts]


def ask(writer: asyncio.StreamWriter, path: str = "/") -> None:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


async def test_a_file_arrives_whole_between_other_bytes_and_the_connection_is_kept(app: App) -> None:
    async with connected(app) as (reader, writer):
        for _ in range(3):
            ask(writer)
            head = await reader.readuntil(b"\r\n\r\n")
            assert f"content-length: {SIZE_BYTES}".encode() in head
            assert await reader.readexactly(SIZE_BYTES) == HEAD + DATA + TAIL


async def test_a_client_that_reads_slowly_gets_all(app: App) -> None:
    async with connected(app) as (reader, writer):
        ask(writer)
        await reader.readuntil(b"\r\n\r\n")
        body = b""
        while len(body) < SIZE_BYTES:
            body += await reader.read(1_000_000)
            await asyncio.sleep(0.02)
        assert body == HEAD + DATA + TAIL


async def test_in_an_answer_of_unknown_length_it_is_copied(app: App) -> None:
    async with connected(app) as (reader, writer):
        ask(writer, "/chunked")
        assert b"transfer-encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        body = b""
        while length := int(await reader.readline(), 16):
            body += await reader.readexactly(length)
            await reader.readline()
        assert body == HEAD + DATA + TAIL


async def test_sending_ends_with_the_client_and_the_file_is_closed(app: App, tmp_path: Path) -> None:
    async with connected(app) as (reader, writer):
        ask(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await asyncio.wait_for(app.has_ended.wait(), 20)
    assert app.sent_bytes < len(DATA)
    assert not blobs_held(tmp_path)


@pytest.mark.parametrize(("offset", "length"), [(0, None), (0, 1), (17, 2_000_000), (9_000_000, 100), (9_000_017, 5)])
async def test_pieces_of_a_file_are_what_is_read_from_it(app: App, offset: int, length: int | None) -> None:
    pieces = [piece.read() async for piece in app.store.file_pieces("a/b", offset, length)]
    assert b"".join(pieces) == await app.store.read("a/b", offset, length)
    assert max(map(len, pieces), default=0) <= 1 << 20


async def test_a_blob_that_is_not_there_is_missed_before_its_first_piece(app: App) -> None:
    with pytest.raises(NotFound):
        await anext(app.store.file_pieces("a/c"))
