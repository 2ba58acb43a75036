"""A siege of the DIMSE doors: 700 peers that say nothing, and a modality that must not notice.

They come from the modality's own address, which is the worst case: nothing tells them from it until it says its name.
RADSTREAM_TEST_SIEGE_S is how long they come back when they are cut; what was measured is printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from radstream.dimse.client import Association
from tests.certificates import Authority
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, make_instance
from tests.system import System, free_port

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

SIEGE_S = float(os.environ.get("RADSTREAM_TEST_SIEGE_S", "10"))
IDLE, STALLED, DRIPPING = 500, 100, 100
PACE_S = 0.2
GONE_S = 30.0
"""By then every besieger is cut."""


@pytest.fixture
def walled(tmp_path: Path) -> Iterator[tuple[System, int, ssl.SSLContext]]:
    """A system that knows one modality, its TLS port, and the modality's context."""
    authority = Authority(tmp_path / "ca")
    ours = authority.issue("radstream", "IP:127.0.0.1")
    (tmp_path / "ae.toml").write_text('[[ae]]\nae_title = "CT1"\n')
    tls_port = free_port()
    environment = {
        "RADSTREAM_DIMSE_TLS_PORT": str(tls_port),
        "RADSTREAM_TLS_CERTIFICATE": str(ours.certificate),
        "RADSTREAM_TLS_KEY": str(ours.key),
        "RADSTREAM_AE_TABLE": str(tmp_path / "ae.toml"),
    }
    system = System(tmp_path / "radstream", environment).start()
    yield system, tls_port, authority.client()
    assert system.stop() == 0, system.log()[-4000:]


async def store_one(port: int, tls: ssl.SSLContext | None, number: int) -> float:
    """Associate, store and release as a modality does; return how long that took, in seconds."""
    instance = make_instance(1 + number // 100, number, size=512 if number % 10 == 0 else 64)
    started_at = time.perf_counter()
    async with Association.request(
        "127.0.0.1",
        port,
        calling_ae_title="CT1",
        called_ae_title="RADSTREAM",
        contexts=[(MR_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])],
        ssl=tls,
    ) as association:
        stored = (MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN, instance.data_set)
        assert await association.c_store(*stored) == 0
    return time.perf_counter() - started_at


async def store_until_over(
    siege: subprocess.Popen[bytes], port: int, tls_port: int, tls: ssl.SSLContext
) -> list[float]:
    times = []
    for number in count(1):
        if siege.poll() is not None:
            return times
        door = (tls_port, tls) if number % 2 else (port, None)
        times.append(await store_one(*door, number))
        await asyncio.sleep(PACE_S)
    raise AssertionError


def resources(pid: int) -> tuple[int, int]:
    """Return how many threads and file descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir())), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def wait_until_back(pid: int, before: tuple[int, int]) -> tuple[int, int]:
    deadline = time.monotonic() + GONE_S
    while resources(pid) > before and time.monotonic() < deadline:
        time.sleep(0.2)
    return resources(pid)


def test_a_siege_is_not_noticed_by_who_is_known(walled: tuple[System, int, ssl.SSLContext], tmp_path: Path) -> None:
    system, tls_port, tls = walled
    for number in range(20):  # threads are made when they are first needed
        asyncio.run(store_one(system.dimse_port, None, 90_000 + number))
    pid = system.children()["dimse"]
    before = resources(pid)
    arguments = map(str, (system.dimse_port, tls_port, SIEGE_S, IDLE, STALLED, DRIPPING))
    with (tmp_path / "lives.json").open("w+b") as said:  # no pipe: nobody would read it before the siege is over
        with subprocess.Popen([sys.executable, "-m", "tests.besiegers", *arguments], stdout=said) as siege:
            times = sorted(asyncio.run(store_until_over(siege, system.dimse_port, tls_port, tls)))
        said.seek(0)
        lives = json.load(said)
    after = wait_until_back(pid, before)

    p99 = times[int(len(times) * 0.99)]
    print(f"\n{len(times)} stores: median {statistics.median(times):.3f} s, p99 {p99:.3f} s, longest {times[-1]:.3f} s")
    print(f"threads and descriptors: {before} before, {after} after")
    for kind, lived in lives.items():
        median, longest = statistics.median(lived), max(lived)
        print(f"{kind}: {len(lived)} connections, median life {median:.1f} s, longest {longest:.1f} s")
    assert p99 < 1.0
    # The last to come are not turned out by others: their time is up.
    assert 9 < max(max(lived) for lived in lives.values()) < GONE_S
    assert after <= before
    assert system.children()["dimse"] == pid
