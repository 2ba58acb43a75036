"""Peers that die, fall silent or send rubbish, over loopback."""

from __future__ import annotations

import asyncio
import resource
import ssl
from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest

from radstream.contract.errors import Unavailable
from radstream.dimse.associate import encode_request
from radstream.dimse.server import DimseServer, Limits, store_route, verification_route
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.tls import server_context
from tests.certificates import Authority
from tests.dimse_peers import serving, to
from tests.dimse_wire import CT_IMAGE_STORAGE, Store, make_request, store_rq

pytestmark = pytest.mark.e2e


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(6)
    return head + await reader.readexactly(int.from_bytes(head[2:]))


async def raw_association(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(encode_request(make_request()))
    assert (await answer_of(reader))[0] == 2
    return reader, writer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition is another process's, or a sink's
            await asyncio.sleep(0.01)


async def test_a_peer_that_dies_in_the_middle_aborts_its_sink() -> None:
    store = Store()
    async with serving(store) as server:
        _, writer = await raw_association(server.port)
        writer.write(store_rq(bytes(100_000))[:50_000])
        await writer.drain()
        await until(lambda: bool(store.sinks and store.sinks[0].received))
        writer.transport.abort()
        await until(lambda: bool(store.sinks[0].outcome))
    assert [sink.outcome for sink in store.sinks] == ["aborted"]


@pytest.mark.parametrize("part", [b"", encode_request(make_request())[:30]], ids=["nothing", "half a request"])
async def test_a_peer_without_a_request_is_hung_up_on(part: bytes) -> None:
    async with serving(Store(), limits=Limits(artim_s=0.1)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(part)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.close()


async def test_half_a_pdu_is_aborted_in_time() -> None:
    store = Store()
    async with serving(store, limits=Limits(network_s=0.1, artim_s=0.1)) as server:
        reader, writer = await raw_association(server.port)
        writer.write(store_rq(bytes(100_000))[:50_000])
        assert (await asyncio.wait_for(answer_of(reader), 10))[-2:] == b"\2\0"
        await until(lambda: store.sinks[0].outcome == "aborted")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


async def test_an_oversize_pdu_is_aborted_at_once() -> None:
    async with serving(Store()) as server:
        reader, writer = await raw_association(server.port)
        before = peak_bytes()
        writer.write(pack(">BxI", 4, 0xFFFFFFFF) + bytes(1 << 20))
        assert await answer_of(reader) == b"\7\0\0\0\0\4\0\0\2\6"
        assert peak_bytes() - before < 8 << 20
        writer.close()


async def test_the_server_lets_a_message_end_and_aborts_the_idle_when_it_closes() -> None:
    store = Store()
    async with serving(store) as server:
        idle, idle_writer = await raw_association(server.port)
        busy, busy_writer = await raw_association(server.port)
        busy_writer.write(store_rq(bytes(1000)))
        await until(lambda: bool(store.sinks))
        store.sinks[0].may_finish.clear()
        closing = asyncio.ensure_future(server.close(10.0))
        assert await answer_of(idle) == b"\7\0\0\0\0\4\0\0\0\0"
        idle_writer.close()
        with pytest.raises(OSError):  # noqa: PT011 - whichever way the system says no
            await asyncio.open_connection("127.0.0.1", server.port)
        store.sinks[0].may_finish.set()
        assert (await answer_of(busy))[0] == 4
        assert await answer_of(busy) == b"\7\0\0\0\0\4\0\0\0\0"
        busy_writer.close()
        await asyncio.wait_for(closing, 10)


async def test_two_servers_share_a_port() -> None:
    stores = Store(), Store()
    servers = [DimseServer("127.0.0.1", 0, routes=(store_route(stores[0]), verification_route()))]
    await servers[0].start(reuse_port=True)
    port = servers[0].port
    servers.append(DimseServer("127.0.0.1", port, routes=(store_route(stores[1]), verification_route())))
    await servers[1].start(reuse_port=True)
    for _ in range(10):
        async with to(port) as association:
            assert await association.c_echo() == 0
    for server in servers:
        await server.close(1.0)


async def test_tls_works_both_ways_and_a_client_that_never_shakes_hands_stops_nobody(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    shown = authority.issue("localhost", "IP:127.0.0.1")
    ours = server_context(shown.certificate, shown.key)
    store = Store()
    data = bytes(range(256)) * 8000
    async with serving(store, ssl=ours, limits=Limits(tls_handshake_s=0.5)) as server:
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with to(server, ssl=authority.client()) as association:
            stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
            assert await association.c_store(*stored, data) == 0
        with pytest.raises(Unavailable):
            async with to(server, ssl=ssl.create_default_context()):
                raise AssertionError("must not be entered")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(silent.readexactly(1), 10)
        silent_writer.close()
    assert bytes(store.sinks[0].received) == data
