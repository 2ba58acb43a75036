"""The cluster on one machine, as trials see it: what can be killed, when all is well again, what must be there then."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

import httpx2

from deploy.engines.kafka import Kafka
from deploy.engines.mongod import Mongod
from deploy.engines.seaweedfs import SeaweedFs
from radstream.backends import Backends
from radstream.bus.dead_letters import unresolved
from radstream.catalog.filters import EVERYTHING
from radstream.contract.topics import all_topics
from tests.arrival import PER_STUDY, Arrival
from tests.engines import cluster_environment, kafka, mongod, seaweedfs
from tests.instances import Instance
from tests.samples import data_set_of
from tests.silence import silenced
from tests.system import System

Outage = Literal["killed", "silent"]
"""Its connections are refused; or they are held, and nobody answers."""


def engines() -> dict[str, Kafka | Mongod | SeaweedFs]:
    """Return the engines that the cluster stands on, which run."""
    return {engine.name: engine for engine in (kafka(), seaweedfs(), mongod())}


@asynccontextmanager
async def away(name: str, outage: Outage) -> AsyncIterator[None]:
    """Have an engine away within; at the end it is there again, and ready."""
    engine = engines()[name]
    if outage == "silent":
        with silenced(engine.pids if isinstance(engine, Kafka) else [engine._child.pid]):
            yield
    else:
        await asyncio.to_thread(engine.kill)
        try:
            yield
        finally:
            await asyncio.to_thread(engine.start)


@contextmanager
def running_cluster(home: Path) -> Iterator[System]:
    """Run every service on the real engines, two of each that may have a twin, on an empty installation."""
    system = System(home, {**cluster_environment(), "RADSTREAM_STUDY_QUIET_S": "5"}, command="cluster").start(120)
    try:
        yield system
        assert system.stop() == 0
    except BaseException:
        system.kill_all()
        raise


def services(system: System) -> dict[str, tuple[int, int]]:
    """Return process id and port of the web door of all services by name and number, such as ``index-0``."""
    found: dict[str, list[tuple[int, int]]] = {}
    for name, pid in system.children().items():
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        port = int(arguments[arguments.index("--http-port") + 1])
        found.setdefault(name.split("-")[0], []).append((port, pid))
    return {f"{name}-{n}": (pid, port) for name, some in found.items() for n, (port, pid) in enumerate(sorted(some))}


def kill_service(system: System, name: str) -> None:
    """`kill -9` a service as soon as it runs; its supervisor starts it again."""
    deadline_s = time.monotonic() + 30
    while (found := services(system).get(name)) is None:
        assert time.monotonic() < deadline_s, f"{name} is not started again"
        time.sleep(0.05)
    os.kill(found[0], signal.SIGKILL)


async def until_services_answer(system: System, names: Sequence[str]) -> None:
    """Return when all services run, those that were just killed as well."""
    async with asyncio.timeout(120):
        while not await asyncio.to_thread(_all_answer, system, names):  # noqa: ASYNC110 - another process starts them
            await asyncio.sleep(0.1)


def _all_answer(system: System, names: Sequence[str]) -> bool:
    try:
        ports = [services(system)[name][1] for name in names]
        answers = [httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=5) for port in ports]
    except (KeyError, OSError, ValueError, httpx2.TransportError):
        return False
    return all(answer.status_code == 200 for answer in answers)


async def seconds_until_well(arrival: Arrival) -> float:
    """Return how long it takes until an instance that is sent from now on is acknowledged and found."""
    since_s = time.monotonic()
    async with asyncio.timeout(180):
        instance = await arrival.next_sent_after(since_s)
        async with httpx2.AsyncClient(timeout=10) as client:
            while await _times_found(client, arrival.system, instance) != 1:  # noqa: ASYNC110 - another process finds it
                await asyncio.sleep(0.05)
    return time.monotonic() - since_s


async def _times_found(client: httpx2.AsyncClient, system: System, instance: Instance) -> int:
    url = f"{system.dicom_web}/instances?SOPInstanceUID={instance.sop_instance_uid}"
    try:
        answer = await client.get(url)
    except httpx2.TransportError:
        return 0
    return len(answer.json()) if answer.status_code == 200 else 0


async def check_everything(arrival: Arrival) -> None:
    """Everything that was made is acknowledged, there byte for byte, found once, counted right, and nothing else is."""
    made, system = arrival.made, arrival.system
    assert Counter(each.instance.sop_instance_uid for each in arrival.deliveries) == dict.fromkeys(_uids(made), 1)
    await _check_bytes(system, made)
    _check_queries(system, made)
    assert len(system.blob_keys()) == len(made), "a version of an instance was stored twice"
    counts = system.ask(_documents)
    studies = -(-len(made) // PER_STUDY)
    assert counts == {"instances": len(made), "series": studies, "studies": studies, "conflicts": 0}
    assert system.ask(_dead_letters) == []


def _uids(instances: Sequence[Instance]) -> list[str]:
    return [instance.sop_instance_uid for instance in instances]


async def _check_bytes(system: System, instances: Sequence[Instance]) -> None:
    """Retrieve every instance, a few at a time, and compare its data set."""
    few = asyncio.Semaphore(8)
    accept = {"Accept": 'application/dicom; transfer-syntax="*"'}
    async with httpx2.AsyncClient(timeout=60, headers=accept) as client, asyncio.TaskGroup() as group:

        async def check(instance: Instance) -> None:
            async with few:
                answer = await client.get(f"{system.dicom_web}/{instance.url}")
            assert answer.status_code == 200, (instance.url, answer.text)
            assert hashlib.sha256(data_set_of(answer.content)).hexdigest() == instance.sha256

        for instance in instances:
            group.create_task(check(instance))


def _check_queries(system: System, instances: Sequence[Instance]) -> None:
    """Find every instance once by QIDO, and the right count at every study."""
    wanted = Counter(instance.study_instance_uid for instance in instances)
    studies = system.get("studies?limit=5000").json()
    counts = {study["0020000D"]["Value"][0]: study["00201208"]["Value"][0] for study in studies}
    assert len(studies) == len(counts)
    assert counts == wanted
    found = Counter[str]()
    for study in wanted:
        listed = system.get(f"studies/{study}/instances?limit=5000").json()
        found.update(each["00080018"]["Value"][0] for each in listed)
    assert found == dict.fromkeys(_uids(instances), 1)


async def _documents(backends: Backends) -> dict[str, int]:
    names = ("instances", "series", "studies", "conflicts")
    return {name: await backends.catalog.count(name, EVERYTHING) for name in names}


async def _dead_letters(backends: Backends) -> list[str]:
    """Return the reason of every dead letter."""
    names = [topic.name for topic in all_topics() if topic.name.endswith("-dlq")]
    letters = [letter for name in names for letter in unresolved(await backends.bus.read(name))]
    return [f"{letter.topic}: {letter.headers['error-text']}" for letter in letters]
