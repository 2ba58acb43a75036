"""mongod is killed or away: what was acknowledged is there, once, and nobody gets a wrong or empty answer.

RADSTREAM_TEST_KILLS shortens or lengthens the trial.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from deploy.engines.mongod import Mongod
from radstream.catalog.filters import EVERYTHING, Equals
from radstream.catalog.mongo import MongoCatalog
from radstream.catalog.port import Operation, Put, PutEarliest, Set
from radstream.contract.errors import Unavailable
from tests.engines import mongod

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "20"))
WRITERS, SHARED = 8, 40


@pytest.fixture
def engine() -> Mongod:
    return mongod()


@pytest.fixture(params=["motor", "pymongo"])
async def catalog(engine: Mongod, request: pytest.FixtureRequest) -> AsyncIterator[MongoCatalog]:
    name = f"faults-{uuid.uuid4().hex[:12]}"
    catalog = MongoCatalog(engine.database_url(name), name, driver=request.param)
    await catalog.create_collections()
    yield catalog
    await catalog.close()


class Writer:
    """Applies batches until told to stop; what is not acknowledged is applied again, as the consume loop does."""

    def __init__(self, catalog: MongoCatalog, number: int) -> None:
        self._catalog = catalog
        self._number = number
        self._chance = random.Random(number)
        self.own: dict[str, int] = {}
        self.orders: dict[str, set[str]] = defaultdict(set)

    async def run(self, stop: asyncio.Event) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            shared, order = f"shared-{self._chance.randrange(SHARED)}", f"{self._chance.randrange(10**6):06}"
            key = f"{self._number}-{turn}"
            await self._until_acknowledged(
                [
                    PutEarliest("instances", shared, {"order": order, "sha256": order}),
                    Put("series", key, {"SeriesNumber": turn, "ScheduledProcedureStepID": ["a", "b"]}),
                    Set("series", key, {"SeriesNumber": -turn}),
                ]
            )
            self.own[key] = -turn
            self.orders[shared].add(order)

    async def _until_acknowledged(self, operations: list[Operation]) -> None:
        while True:
            try:
                return await self._catalog.apply(operations)
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_nothing_acknowledged_is_lost_when_mongod_is_killed(engine: Mongod, catalog: MongoCatalog) -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    chance = random.Random(seed)
    stop = asyncio.Event()
    writers = [Writer(catalog, number) for number in range(WRITERS)]
    recoveries = []
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.run(stop))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 1.2))
            await asyncio.to_thread(engine.kill)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(engine.start)
            recoveries.append(await seconds_until_more(writers))
        stop.set()
    expected = {key: value for writer in writers for key, value in writer.own.items()}
    print(f"{len(expected)} batches acknowledged, longest recovery {max(recoveries):.2f} s")
    assert max(recoveries) < 10
    series = await catalog.find("series", EVERYTHING, fields=("SeriesNumber", "ScheduledProcedureStepID"))
    assert {each["_id"]: each["SeriesNumber"] for each in series} == expected
    assert all(each["ScheduledProcedureStepID"] == ["a", "b"] for each in series)
    await check_shared(catalog, writers)


async def check_shared(catalog: MongoCatalog, writers: list[Writer]) -> None:
    """The earliest stays whole, and every other one is noted once."""
    orders: dict[str, set[str]] = defaultdict(set)
    for writer in writers:
        for key, some in writer.orders.items():
            orders[key] |= some
    found = await catalog.find("instances", EVERYTHING, fields=("order", "sha256", "others"))
    assert {each["_id"] for each in found} == set(orders)
    for each in found:
        assert each["order"] == each["sha256"] == min(orders[each["_id"]])
        assert each["others"] == sorted(orders[each["_id"]] - {each["order"]})


async def seconds_until_more(writers: list[Writer]) -> float:
    before, start = sum(len(writer.own) for writer in writers), time.monotonic()
    for _ in range(3000):
        if sum(len(writer.own) for writer in writers) > before:
            break
        await asyncio.sleep(0.01)
    return time.monotonic() - start


async def test_away_is_unavailable_and_over_without_a_restart(engine: Mongod, catalog: MongoCatalog) -> None:
    await catalog.apply([Put("studies", "1.2", {"StudyID": "x"})])
    engine.kill()
    try:
        calls = [
            catalog.apply([Put("studies", "1.3", {})]),
            catalog.find("studies", EVERYTHING, fields=()),
            catalog.count("studies", Equals("StudyID", "x")),
            catalog.check(),
            catalog.create_collections(),
        ]
        start = time.monotonic()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(calls)
        assert time.monotonic() - start < 10
    finally:
        await asyncio.to_thread(engine.start)
    assert await catalog.count("studies", Equals("StudyID", "x")) == 1
    await catalog.check()


async def test_many_who_make_the_same_document_agree(catalog: MongoCatalog) -> None:
    orders = [f"{number:02}" for number in range(30)]
    random.Random(7).shuffle(orders)
    operations = [[PutEarliest("instances", "1.2", {"order": order, "sha256": order})] for order in orders]
    await asyncio.gather(*(catalog.apply(each) for each in operations))
    (found,) = await catalog.find("instances", EVERYTHING, fields=("order", "sha256", "others"))
    assert found == {"_id": "1.2", "order": "00", "sha256": "00", "others": sorted(orders)[1:]}
