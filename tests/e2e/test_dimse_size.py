"""Memory does not grow with the data set, at either end, on both event loops, with and without TLS."""

from __future__ import annotations

import resource
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.dimse.server import Request
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.tls import server_context
from tests.certificates import Authority
from tests.dimse_peers import serving, to
from tests.dimse_wire import CT_IMAGE_STORAGE, MemorySink

pytestmark = pytest.mark.e2e


class Discarding(MemorySink):
    size = 0

    def write(self, fragment: memoryview) -> None:
        self.size += len(fragment)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


async def zeros(size: int) -> AsyncIterator[bytes]:
    chunk = bytes(1 << 18)
    for _ in range(size >> 18):
        yield chunk


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_memory_does_not_grow_with_the_data_set(loop: str, is_secure: bool, tmp_path: Path) -> None:
    paths = (str(tmp_path),) if is_secure else ()
    script = (
        f"import asyncio, {loop}\n"
        "from tests.e2e.test_dimse_size import pass_64_mb\n"
        f"with asyncio.Runner(loop_factory={loop}.new_event_loop) as runner:\n"
        f"    runner.run(pass_64_mb(*{paths}))\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def pass_64_mb(*folder: str) -> None:
    """Store 64 MB through both ends, in this process."""
    sinks: list[Discarding] = []

    def store(_request: Request) -> Discarding:
        sinks.append(Discarding())
        return sinks[-1]

    ours, theirs = contexts_in(Path(*folder)) if folder else (None, None)
    async with serving(store, ssl=ours) as server, to(server, ssl=theirs) as association:
        stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
        assert await association.c_store(*stored, zeros(2 << 20)) == 0
        before = peak_bytes()
        assert await association.c_store(*stored, zeros(64 << 20)) == 0
        assert sinks[1].size == 64 << 20
        assert peak_bytes() - before < 8 << 20


def contexts_in(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS contexts of a server and of a client that trusts it."""
    authority = Authority(folder)
    shown = authority.issue("localhost", "IP:127.0.0.1")
    return server_context(shown.certificate, shown.key), authority.client()
