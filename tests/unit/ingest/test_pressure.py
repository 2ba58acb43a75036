"""Stores are refused while the index is too far behind, and go on by themselves; too long data sets are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from radstream.contract.errors import RadstreamError, RejectedInstance, Unavailable
from radstream.settings import Settings
from services.ingest.accept import Acceptance, Accepting
from services.ingest.identity import Origin
from services.ingest.pressure import LOOK_EVERY_S
from tests.dimse_wire import settle
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, make_instance
from tests.virtual_time import in_virtual_time

INSTANCE = make_instance(1, 1)


class LaggingBus:
    """The log of `Engines`, with a lag."""

    def __init__(self, engines: Engines) -> None:
        self.publish = engines.bus.publish
        self.lag_of_index = 0
        self.is_away = False
        self.looks = 0

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        assert (group, list(topics)) == ("index", ["instance-stored", "instance-stored-urgent"])
        self.looks += 1
        if self.is_away:
            raise Unavailable("the log is away")
        return self.lag_of_index


def accepting(engines: Engines, **settings: int) -> tuple[Accepting, LaggingBus]:
    bus = LaggingBus(engines)
    engines.bus = bus  # type: ignore[assignment]
    return Accepting(engines.backends, Settings(home=Path("unused"), **settings)), bus  # type: ignore[arg-type]


async def store(door: Accepting) -> RadstreamError | None:
    acceptance: Acceptance = door.begin(Origin("dimse", EXPLICIT_VR_LITTLE_ENDIAN, "CT1"))
    acceptance.write(INSTANCE.data_set)
    await acceptance.drain()
    try:
        await acceptance.finish()
    except RadstreamError as error:
        return error
    return None


async def store_later(door: Accepting) -> RadstreamError | None:
    """Store when the lag was looked at again."""
    await asyncio.sleep(LOOK_EVERY_S)
    door.pressure.refusal()
    await settle()
    return await store(door)


@in_virtual_time
async def test_stores_are_refused_while_too_many_instances_wait_and_go_on_by_themselves() -> None:
    engines = Engines()
    door, bus = accepting(engines, max_lag=100)
    assert await store(door) is None
    bus.lag_of_index = 100
    assert isinstance(await store_later(door), Unavailable)
    assert engines.blobs.open_writers == 0
    bus.lag_of_index = 99
    assert await store_later(door) is None


@in_virtual_time
async def test_pending_markers_count_and_a_log_that_is_away_does_not() -> None:
    engines = Engines()
    door, bus = accepting(engines, max_lag=3)
    bus.is_away = True
    assert await store_later(door) is None
    for number in range(3):
        await engines.blobs.put(f"main/pending/1.2/{number}.json", b"{}")
    assert isinstance(await store_later(door), Unavailable)
    await engines.blobs.delete("main/pending/1.2/0.json")
    assert await store_later(door) is None


@in_virtual_time
async def test_the_lag_is_looked_at_now_and_then_and_never_without_a_limit() -> None:
    limited, bus = accepting(Engines(), max_lag=100)
    for _ in range(50):
        await store(limited)
    assert bus.looks == 1
    unlimited, bus = accepting(Engines())
    bus.lag_of_index = 1_000_000
    assert await store_later(unlimited) is None
    assert bus.looks == 0


@pytest.mark.parametrize(("spare_bytes", "is_taken"), [(0, True), (-1, False)])
async def test_a_data_set_longer_than_the_limit_is_refused_as_out_of_resources(
    spare_bytes: int, is_taken: bool
) -> None:
    engines = Engines()
    door, _ = accepting(engines, max_instance_bytes=len(INSTANCE.data_set) + spare_bytes)
    error = await store(door)
    assert engines.blobs.open_writers == 0
    if is_taken:
        assert error is None
    else:
        assert isinstance(error, RejectedInstance)
        assert error.status == 0xA700
        assert engines.effects == []
