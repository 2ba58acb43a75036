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


async def store_while(is_on: Callable[[], bool], doors: Sequence[Door]) -> list[list[float]]:
    """Store again and again, by one door after the other; return of each how long it took, the shortest first."""
    times: list[list[float]] = [[] for _ in doors]
    for number in count(1):
        if not is_on():
            break
        turn = number % len(doors)
        times[turn].append(await store_one(*doors[turn], number))
        await asyncio.sleep(PACE_S)
    return [sorted(taken) for taken in times]


def percentile_99(times: Sequence[float]) -> float:
    return times[int(len(times) * 0.99)]


def resources(pid: int) -> Counter[str]:
    """Return how many threads and file descriptors a process has, the latter by their kind."""
    found = Counter(thread=len(list(Path(f"/proc/{pid}/task").iterdir())))
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            kind, _, number = descriptor.readlink().as_posix().partition(":")
            found[kind if number else "file"] += 1
    return found


def wait_until_back(pid: int, before: Counter[str]) -> Counter[str]:
    """Return the resources that a process still has more than before: in the end none that the siege had a part in.

    A log that was once slow opens files of the sweep and starts its threads, and they stay.
    """
    deadline = time.monotonic() + GONE_S
    allowed = before + Counter(thread=8, file=20)
    while (more := resources(pid) - allowed) and time.monotonic() < deadline:
        time.sleep(0.2)
    return more


def processor_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def unbesieged(tmp_path: Path) -> Iterator[System]:
    """Another one on the same machine, to tell the siege from whatever else the machine is busy with."""
    system = System(tmp_path / "unbesieged").start()
    yield system
    assert system.stop() == 0, system.log()[-4000:]


def test_a_siege_is_not_noticed_by_who_is_known(
    walled: tuple[System, int, ssl.SSLContext], unbesieged: System, tmp_path: Path
) -> None:
    system, tls_port, tls = walled
    doors = ((system.dimse_port, None), (tls_port, tls), (unbesieged.dimse_port, None))
    asyncio.run(store_while(iter([True] * 20 + [False]).__next__, doors))  # threads are made when they are needed
    pid = system.children()["dimse"]
    before, started_at, used_s = resources(pid), time.monotonic(), processor_s(pid)

    arguments = map(str, (system.dimse_port, tls_port, SIEGE_S, IDLE, STALLED, DRIPPING))
    with (tmp_path / "lives.json").open("w+b") as said:  # no pipe: nobody would read it before the siege is over
        with subprocess.Popen([sys.executable, "-m", "tests.besiegers", *arguments], stdout=said) as siege:
            plain, secure, elsewhere = asyncio.run(store_while(lambda: siege.poll() is None, doors))
        said.seek(0)
        lives = json.load(said)
    share = (processor_s(pid) - used_s) / (time.monotonic() - started_at)
    more, after = wait_until_back(pid, before), resources(pid)

    print()
    for name, taken in (("plain", plain), ("TLS", secure), ("unbesieged", elsewhere)):
        median, p99, longest = statistics.median(taken), percentile_99(taken), taken[-1]
        print(f"{name}: {len(taken)} stores, median {median:.3f} s, p99 {p99:.3f} s, longest {longest:.3f} s")
    for kind, lived in lives.items():
        median, longest = statistics.median(lived), max(lived)
        print(f"{kind}: {len(lived)} connections, median life {median:.1f} s, longest {longest:.1f} s")
    print(f"{share:.0%} of a processor used; resources before: {dict(before)}, after: {dict(after)}")
    # On a machine that is too busy with something else the time is not the wall's.
    assert percentile_99(sorted(plain + secure)) < max(1.0, 10 * percentile_99(elsewhere))
    # The last to come are not turned out by others: their time is up.
    assert 9 < max(max(lived) for lived in lives.values()) < GONE_S
    assert not more
    assert system.children()["dimse"] == pid


async def test_descriptors_that_run_out_keep_nobody_out(walled: tuple[System, int, ssl.SSLContext]) -> None:
    system, tls_port, tls = walled
    await store_one(system.dimse_port, None, 1)
    pid = system.children()["dimse"]
    used = resources(pid)
    most = used.total() - used["thread"] + 40
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
    silent = await hold_connections(system.dimse_port, 150) + await hold_connections(tls_port, 50)
    doors = ((system.dimse_port, None), (tls_port, tls))
    times = [await store_one(*doors[number % 2], number) for number in range(2, 22)]
    print(f"\nlongest of {len(times)} stores without descriptors to spare: {max(times):.3f} s")
    assert "EMFILE" in system.log()
    for writer in silent:
        writer.close()
