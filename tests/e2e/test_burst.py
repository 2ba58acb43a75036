"""Three thousand instances at once: they wait in the log and on the disk, in nobody's memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.receivers import forget_peak, memory_bytes
from tests.arrival import SENDERS
from tests.doors import Door, opened
from tests.instances import Instance, make_instance
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

PER_STUDY = 50
WARM_UP_STUDIES, STUDIES = 6, 60
GROWTH_BYTES = 48 << 20
"""What a process may take more at the peak of a burst than after a tenth of it."""


def test_a_burst_grows_nobodys_memory(tmp_path: Path) -> None:
    system = System(tmp_path / "home").start()
    try:
        deliver(system, range(WARM_UP_STUDIES))
        processes = system.children()
        before = {name: memory_bytes(pid) for name, pid in processes.items()}
        for pid in processes.values():
            forget_peak(pid)
        deliver(system, range(WARM_UP_STUDIES, WARM_UP_STUDIES + STUDIES))
        peaks = {name: memory_bytes(pid, "VmHWM") for name, pid in processes.items()}
        growths = {name: (peaks[name] - before[name]) >> 20 for name in processes}
        print(f"MiB before and more at the peak: { {name: (before[name] >> 20, growths[name]) for name in before} }")
        assert system.children() == processes, "a service died of the burst"
        assert max(growths.values()) < GROWTH_BYTES >> 20, growths
    finally:
        assert system.stop() == 0


def deliver(system: System, studies: Sequence[int]) -> None:
    """Send studies as fast as the doors take them, and wait until all are indexed and have their previews."""
    instances = [make_instance(1 + study, number, size=128) for study in studies for number in range(PER_STUDY)]
    asyncio.run(send_all(system, instances))
    system.wait_until_quiet(600)


async def send_all(system: System, instances: Sequence[Instance]) -> None:
    rest = iter(instances)

    async def send_some(door: Door) -> None:
        async with opened(door, system) as send:
            for instance in rest:
                await send(instance)

    async with asyncio.TaskGroup() as group:
        for door in SENDERS:
            group.create_task(send_some(door))
