"""`kill -9` of every engine and every service of a cluster while instances arrive: nothing acknowledged is lost.

The seed is printed and may be given as RADSTREAM_TEST_SEED. RADSTREAM_TEST_KILLS says how often each is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.arrival import Arrival
from tests.cluster_trial import (
    away,
    check_everything,
    engines,
    kill_service,
    running_cluster,
    seconds_until_well,
    services,
    until_services_answer,
)

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "3"))
INSTANCES = 100 * KILLS
PER_SECOND = 3.0
SERVICES = ["api-0", "gateway-0", "index-0", "index-1", "ingest-0", "ingest-1", "render-0", "render-1"]


async def test_nothing_acknowledged_is_lost_or_doubled_and_nobody_has_to_be_restarted(tmp_path: Path) -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    with running_cluster(tmp_path / "home") as system:
        assert sorted(services(system)) == SERVICES
        arrival = Arrival(system, PER_SECOND)
        async with arrival.going_on():
            recoveries = await kill_each(arrival, random.Random(seed))
            await arrival.reaches(INSTANCES)
        for engine, seconds in recoveries.items():
            print(f"{engine}: {', '.join(f'{each:.1f}' for each in seconds)} s; longest {max(seconds):.1f} s")
        print(f"{len(arrival.made)} instances; attempts without success: {dict(arrival.refusals)}")
        await asyncio.to_thread(system.wait_until_quiet, 180)
        await check_everything(arrival)
    assert max(max(seconds) for seconds in recoveries.values()) < 10


async def kill_each(arrival: Arrival, chance: random.Random) -> dict[str, list[float]]:
    """Kill everything so often, in any order; return how long it took after each engine's return until all was well.

    An engine dies when all services run: its own return is measured, not that of a service that was killed just before.
    """
    recoveries = defaultdict(list)
    for name in shuffled([*engines(), *SERVICES] * KILLS, chance):
        await asyncio.sleep(chance.uniform(0.1, 1.5))
        if name in engines():
            await until_services_answer(arrival.system, SERVICES)
            await seconds_until_well(arrival)
            async with away(name, "killed"):
                await asyncio.sleep(chance.uniform(0, 2))
            recoveries[name].append(await seconds_until_well(arrival))
        else:
            await asyncio.to_thread(kill_service, arrival.system, name)
    return recoveries


def shuffled(names: Sequence[str], chance: random.Random) -> list[str]:
    """Return `names` in any order."""
    return chance.sample(names, len(names))
