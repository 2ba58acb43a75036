"""An engine of the cluster is away for long while instances arrive: what doctors and modalities see, and how it heals.

RADSTREAM_TEST_OUTAGE_S says for how long.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from deploy.engines.engine import Engine
from tests.arrival import Arrival, Delivery
from tests.cluster_trial import check_everything, engines, running_cluster, seconds_until_well
from tests.instances import Instance
from tests.system import System

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(900)]

OUTAGE_S = float(os.environ.get("RADSTREAM_TEST_OUTAGE_S", "20"))
PER_SECOND = 5.0
BEFORE = 25
"""Instances, so that there is something to ask for."""

READS = (
    "studies",
    "studies?PatientName=Test*&includefield=all",
    "series?Modality=MR",
    "instances?limit=5",
    "studies/{study}/metadata",
    "studies/{study}",
    "{instance}/frames/1",
    "{instance}/rendered",
    "studies/{study}/thumbnail",
)
"""Everything that asks the catalog, under /dicom-web."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running_cluster(tmp_path / "home") as system:
        yield system


@asynccontextmanager
async def arriving(system: System) -> AsyncIterator[Arrival]:
    """Let instances arrive; at the end wait until they are indexed and shown, and see that all are there."""
    arrival = Arrival(system, PER_SECOND)
    async with arrival.going_on():
        await arrival.reaches(BEFORE)
        await asyncio.to_thread(system.wait_until_indexed)
        yield arrival
    await asyncio.to_thread(system.wait_until_quiet, 120)
    await check_everything(arrival)


@asynccontextmanager
async def away(engine: Engine) -> AsyncIterator[None]:
    """Kill an engine, and start it again at the end."""
    await asyncio.to_thread(engine.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(engine.start)


async def test_everything_is_acknowledged_while_the_log_is_away_and_found_when_it_is_back(system: System) -> None:
    async with arriving(system) as arrival:
        async with away(engines()["kafka"]):
            began_s = time.monotonic()
            await asyncio.sleep(OUTAGE_S)
            meanwhile = arrival.between(began_s, time.monotonic())
        print_waits("log away", meanwhile)
        assert len(meanwhile) > 0.9 * PER_SECOND * OUTAGE_S
        assert not arrival.refusals
        print(f"well again {await seconds_until_well(arrival):.1f} s after the return")
        print(f"all indexed {await seconds_until_indexed(system):.1f} s later")
    assert await asyncio.to_thread(system.lag) == 0  # also: no marker is left


async def test_everything_is_acknowledged_while_the_catalog_is_away_and_readers_are_told_to_come_back(
    system: System,
) -> None:
    async with arriving(system) as arrival:
        async with away(engines()["mongod"]):
            began_s = time.monotonic()
            answers = await ask_again_and_again(system, arrival.made[0], began_s + OUTAGE_S)
            meanwhile = arrival.between(began_s, time.monotonic())
        print_waits("catalog away", meanwhile)
        print(f"readers: {dict(answers)}")
        assert len(meanwhile) > 0.9 * PER_SECOND * OUTAGE_S
        assert not arrival.refusals
        assert set(answers) == {"503 with Retry-After"}
        print(f"well again {await seconds_until_well(arrival):.1f} s after the return")
        print(f"all indexed {await seconds_until_indexed(system):.1f} s later")


async def ask_again_and_again(system: System, instance: Instance, until_s: float) -> Counter[str]:
    """Ask for everything there is, one after the other; return what was answered, each within a few seconds."""
    answers: Counter[str] = Counter()
    async with httpx2.AsyncClient(timeout=8) as client:
        while time.monotonic() < until_s:
            for read in READS:
                path = read.format(study=instance.study_instance_uid, instance=instance.url)
                answer = await client.get(f"{system.dicom_web}/{path}")
                retry_after = " with Retry-After" if "Retry-After" in answer.headers else ""
                answers[f"{answer.status_code}{retry_after}"] += 1
    return answers


async def seconds_until_indexed(system: System) -> float:
    began_s = time.monotonic()
    await asyncio.to_thread(system.wait_until_indexed, 120)
    return time.monotonic() - began_s


def print_waits(what: str, deliveries: list[Delivery]) -> None:
    """Print how long the senders waited for their acknowledgements."""
    for door in ("C-STORE", "STOW"):
        waits = sorted(1000 * each.seconds for each in deliveries if each.door == door)
        median, late = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        print(
            f"{what}, {door}: {len(waits)} acknowledged, {median:.0f} ms median, {late:.0f} ms p99, {waits[-1]:.0f} max"
        )
