"""A siege of the DIMSE doors: 700 peers that say nothing, and a modality that must not notice.

They come from the modality's own address, which is the worst case: nothing tells them from it until it says its name.
RADSTREAM_TEST_SIEGE_S is how long they come back when they are cut; what was measured is printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import ssl
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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

Door = tuple[int, ssl.SSLContext | None]


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


async def hold_connections(port: int, number: int) -> list[asyncio.StreamWriter]:
    return [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(number)]


async def store_while(is_on: Callable[[], bool], numbers: Iterator[int], doors: Sequence[Door]) -> list[float]:
    """Store again and again, by one door after the other; return how long each one took, the shortest first."""
    times = []
    while is_on():
        number = next(numbers)
        times.append(await store_one(*doors[number % len(doors)], number))
        await asyncio.sleep(PACE_S)
    return sorted(times)


def percentile_99(times: Sequence[float]) -> float:
    return times[int(len(times) * 0.99)]


def resources(pid: int) -> Counter[str]:
    """Return how many threads and file descriptors a process has, the latter by their kind."""
    found = Counter({"threads": len(list(Path(f"/proc/{pid}/task").iterdir()))})
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found[descriptor.readlink().as_posix().partition(":")[0]] += 1
    return found


def wait_until_back(pid: int, before: Counter[str]) -> Counter[str]:
    """Return the resources that a process still has more than before, in the end none."""
    deadline = time.monotonic() + GONE_S
    while (more := resources(pid) - before) and time.monotonic() < deadline:
        time.sleep(0.2)
    return more


def test_a_siege_is_not_noticed_by_who_is_known(walled: tuple[System, int, ssl.SSLContext], tmp_path: Path) -> None:
    system, tls_port, tls = walled
    doors, numbers = ((system.dimse_port, None), (tls_port, tls)), count(1)
    quiet_until = time.monotonic() + max(5.0, SIEGE_S / 6)
    quiet = asyncio.run(store_while(lambda: time.monotonic() < quiet_until, numbers, doors))
    pid = system.children()["dimse"]
    before = resources(pid)

    arguments = map(str, (system.dimse_port, tls_port, SIEGE_S, IDLE, STALLED, DRIPPING))
    with (tmp_path / "lives.json").open("w+b") as said:  # no pipe: nobody would read it before the siege is over
        with subprocess.Popen([sys.executable, "-m", "tests.besiegers", *arguments], stdout=said) as siege:
            times = asyncio.run(store_while(lambda: siege.poll() is None, numbers, doors))
        said.seek(0)
        lives = json.load(said)
    more = wait_until_back(pid, before)

    print()
    for name, taken in (("before", quiet), ("besieged", times)):
        median, p99, longest = statistics.median(taken), percentile_99(taken), taken[-1]
        print(f"{name}: {len(taken)} stores, median {median:.3f} s, p99 {p99:.3f} s, longest {longest:.3f} s")
    for kind, lived in lives.items():
        median, longest = statistics.median(lived), max(lived)
        print(f"{kind}: {len(lived)} connections, median life {median:.1f} s, longest {longest:.1f} s")
    print(f"threads and descriptors: {before.total()} before, more of them after: {dict(more)}")
    # A machine that is busy with something else is slow without a siege too.
    assert percentile_99(times) < max(1.0, 3 * percentile_99(quiet))
    # The last to come are not turned out by others: their time is up.
    assert 9 < max(max(lived) for lived in lives.values()) < GONE_S
    assert not more
    assert system.children()["dimse"] == pid


async def test_descriptors_that_run_out_keep_nobody_out(walled: tuple[System, int, ssl.SSLContext]) -> None:
    system, tls_port, tls = walled
    await store_one(system.dimse_port, None, 1)
    pid = system.children()["dimse"]
    used = resources(pid)
    most = used.total() - used["threads"] + 40
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
    silent = await hold_connections(system.dimse_port, 150) + await hold_connections(tls_port, 50)
    doors = ((system.dimse_port, None), (tls_port, tls))
    times = [await store_one(*doors[number % 2], number) for number in range(2, 22)]
    print(f"\nlongest of {len(times)} stores without descriptors to spare: {max(times):.3f} s")
    assert "EMFILE" in system.log()
    for writer in silent:
        writer.close()
