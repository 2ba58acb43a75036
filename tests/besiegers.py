"""Peers that want to keep others out: they connect, say nothing or hardly anything, and come back when they are cut.

When the siege is over they come back no more, and stay until they are cut for the last time.

A program of its own, so that its work is not measured with the modality's:
``python -m tests.besiegers PORT TLS_PORT DURATION_S IDLE STALLED DRIPPING``. At the end it prints, for each kind, how
long their connections lived.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from radstream.dimse.associate import encode_request
from tests.dimse_wire import make_request

REST_S = 5.0
"""From being cut to coming back."""

PATIENCE_S = 60.0
"""Who has not been cut by then never will."""

CLIENT_HELLO = bytes.fromhex("16030102000100") + bytes(20)
"""The beginning of a TLS record that promises 512 bytes."""

Speech = Callable[[], AsyncIterator[bytes]]


async def say_nothing() -> AsyncIterator[bytes]:
    return
    yield


async def stall_a_handshake() -> AsyncIterator[bytes]:
    yield CLIENT_HELLO


async def drip() -> AsyncIterator[bytes]:
    for byte in encode_request(make_request()):
        yield bytes((byte,))
        await asyncio.sleep(10)


async def besiege(port: int, speech: Speech, end: float, lives: list[float]) -> None:
    """Hold a connection until it is cut, and come again until `end`; note how long each one lived."""
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(REST_S)
            continue
        born_at = loop.time()
        talking = asyncio.create_task(_talk(writer, speech))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await _until_cut(reader)
        except TimeoutError:
            pass
        lives.append(loop.time() - born_at)
        talking.cancel()
        writer.transport.abort()
        await asyncio.sleep(REST_S)


async def _talk(writer: asyncio.StreamWriter, speech: Speech) -> None:
    try:
        async for words in speech():
            writer.write(words)
            await writer.drain()
    except OSError:
        pass  # cut


async def _until_cut(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(4096):
            pass
    except OSError:
        pass


async def siege(port: int, tls_port: int, duration_s: float, counts: tuple[int, int, int]) -> dict[str, list[float]]:
    """Return, by kind, how long each connection lived, in seconds."""
    kinds = [("idle", port, say_nothing), ("stalled", tls_port, stall_a_handshake), ("dripping", port, drip)]
    end = asyncio.get_running_loop().time() + duration_s
    lives: dict[str, list[float]] = defaultdict(list)
    async with asyncio.TaskGroup() as group:
        for (kind, where, speech), count in zip(kinds, counts, strict=True):
            for _ in range(count):
                group.create_task(besiege(where, speech, end, lives[kind]))
    return lives


if __name__ == "__main__":
    ours, tls, duration, *numbers = sys.argv[1:]
    idle, stalled, dripping = map(int, numbers)
    print(json.dumps(asyncio.run(siege(int(ours), int(tls), float(duration), (idle, stalled, dripping)))))
