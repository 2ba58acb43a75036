"""An engine of the cluster is away for long while instances arrive: what modalities and doctors see, and how it heals.

RADSTREAM_TEST_OUTAGE_S says for how long.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.arrival import Arrival, Delivery
from tests.cluster_trial import Outage, away, check_everything, running_cluster, seconds_until_well
from tests.instances import Instance
from tests.system import System

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(900)]

OUTAGE_S = float(os.environ.get("RADSTREAM_TEST_OUTAGE_S", "20"))
PER_SECOND = 5.0
BEFORE = 25
"""Instances, so that there is something to ask for."""

SEARCHES = (
    *("studies", "studies?PatientName=Test*&includefield=all", "series?Modality=MR", "instances?limit=5"),
    *("studies/{study}/series", "studies/{study}/instances", "studies/{study}/metadata", "{instance}/metadata"),
)
STORED = ("studies/{study}", "{instance}", "{instance}/frames/1", "{instance}/rendered?viewport=32,32")
CATALOGUED = (*SEARCHES, *STORED, "studies/{study}/thumbnail")
"""Under /dicom-web: what the catalog alone answers, what reads blobs, and all that needs the catalog."""

SEARCHED_WITHIN_S = 10.0
"""A catalog that is gone is noticed at once, one that is silent by its missing heartbeat."""

REFUSED_WITHIN_S = 25.0
"""A store may wait as long for a silent blob store as the slowest honest write takes."""

BOTH = pytest.mark.parametrize("outage", ["killed", "silent"])


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running_cluster(tmp_path / "home") as system:
        yield system


@BOTH
async def test_everything_is_acknowledged_while_the_log_is_away(system: System, outage: Outage) -> None:
    async with arriving(system) as arrival:
        async with away("kafka", outage):
            meanwhile = await deliveries_of(arrival, OUTAGE_S)
        print_waits(f"log {outage}", meanwhile)
    assert not arrival.refusals
    assert len(meanwhile) > PER_SECOND * OUTAGE_S / 2  # arrival went on, however busy this machine is


@BOTH
async def test_everything_is_acknowledged_while_the_catalog_is_away_and_readers_are_told_to_come_back(
    system: System, outage: Outage
) -> None:
    async with arriving(system) as arrival:
        async with away("mongod", outage), asked(CATALOGUED, arrival) as readers:
            meanwhile = await deliveries_of(arrival, OUTAGE_S)
        print_waits(f"catalog {outage}", meanwhile)
        print(f"readers: {readers}")
    assert not arrival.refusals
    assert len(meanwhile) > PER_SECOND * OUTAGE_S / 2  # arrival went on, however busy this machine is
    assert readers.answers.keys() == {"503 with Retry-After"}
    assert readers.slowest_s < SEARCHED_WITHIN_S


@BOTH
async def test_senders_are_told_out_of_resources_while_the_blob_store_is_away_and_searches_go_on(
    system: System, outage: Outage
) -> None:
    async with arriving(system) as arrival:
        async with (
            away("seaweedfs", outage),
            asked(SEARCHES, arrival) as searches,
            asked(STORED, arrival) as retrievals,
        ):
            await asyncio.sleep(OUTAGE_S)
        print(f"senders: {dict(arrival.refusals)}, the slowest after {arrival.slowest_refusal_s:.1f} s")
        print(f"searches: {searches}; retrievals: {retrievals}")
    assert arrival.refusals.keys() == {"C-STORE 0xA700", "STOW 503 with Retry-After"}
    assert arrival.slowest_refusal_s < REFUSED_WITHIN_S
    assert searches.answers.keys() == {"200"}
    assert searches.slowest_s < SEARCHED_WITHIN_S
    assert retrievals.answers.keys() == {"503 with Retry-After"}


@asynccontextmanager
async def arriving(system: System) -> AsyncIterator[Arrival]:
    """Let instances arrive, also after an engine's return; then see that all are acknowledged, indexed and shown."""
    arrival = Arrival(system, PER_SECOND)
    async with arrival.going_on():
        await arrival.reaches(BEFORE)
        await seconds_until_well(arrival)
        yield arrival
        well_s = await seconds_until_well(arrival)
    await asyncio.to_thread(system.wait_until_quiet, 180)
    print(f"{well_s:.1f} s after the return new instances are found, behind those that waited")
    await check_everything(arrival)


async def deliveries_of(arrival: Arrival, seconds: float) -> list[Delivery]:
    """Return what is acknowledged of that which is sent in the next seconds; what is under way then has its time."""
    began_s = time.monotonic()
    await asyncio.sleep(seconds)
    return arrival.between(began_s, time.monotonic())


@dataclass
class Readers:
    """What readers were answered."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    async def ask(self, client: httpx2.AsyncClient, url: str) -> None:
        asked_s = time.monotonic()
        answer = await client.get(url)
        self.answers[str(answer.status_code) + " with Retry-After" * ("Retry-After" in answer.headers)] += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - asked_s)

    def __str__(self) -> str:
        return f"{dict(self.answers)}, the slowest after {self.slowest_s:.1f} s"


@asynccontextmanager
async def asked(paths: Sequence[str], arrival: Arrival) -> AsyncIterator[Readers]:
    """Ask for each of `paths` again and again within, each by a reader of its own."""
    readers, instance, is_over = Readers(), arrival.made[0], asyncio.Event()
    async with httpx2.AsyncClient(timeout=60) as client, asyncio.TaskGroup() as group:

        async def read(path: str) -> None:
            url = f"{arrival.system.dicom_web}/{_filled(path, instance)}"
            while not is_over.is_set():
                await readers.ask(client, url)
                await asyncio.sleep(0.5)

        for path in paths:
            group.create_task(read(path))
        yield readers
        is_over.set()


def _filled(path: str, instance: Instance) -> str:
    return path.format(study=instance.study_instance_uid, instance=instance.url)


def print_waits(what: str, deliveries: Sequence[Delivery]) -> None:
    """Print how long the senders waited for their acknowledgements."""
    for door in ("C-STORE", "STOW"):
        waits = sorted(1000 * each.seconds for each in deliveries if each.door == door)
        median, late = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        print(
            f"{what}, {door}: {len(waits)} acknowledged; ms: {median:.0f} median, {late:.0f} p99, {waits[-1]:.0f} max"
        )
