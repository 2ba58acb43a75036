"""Thousands of spoiled compressed frames: each is a picture or a reason, a worker that dies takes one of them along.

The seed is printed and may be given as RADSTREAM_TEST_SEED; RADSTREAM_TEST_PIXEL_MUTANTS is how many there are.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.sandbox.pool import MEMORY_BYTES
from radstream.telemetry import WORKER_DEATHS
from services.render.enhancement.steps import Enhancement, parse_enhancement
from services.render.pixels import Wish
from services.render.sandbox import Sandbox
from tests.compressed_frames import CompressedFrame, compressed_frames
from tests.mutations.codestreams import SPOILS
from tests.processes import children, peak_bytes, resident_bytes

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

MUTANTS = int(os.environ.get("RADSTREAM_TEST_PIXEL_MUTANTS", "200"))
WORKERS, AT_ONCE = 2, 16
MOST_KEPT_BYTES = 64 << 20
"""What the service may grow by, however many frames it has sent to be decoded."""


@dataclass
class Trial:
    """What became of mutants.

    Parameters
    ----------
    outcomes : Counter
        By transfer syntax: "shown", "refused", "died".
    peaks : dict
        Most memory of each worker, by process id.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    peaks: dict[int, int] = field(default_factory=dict)

    def count(self, outcome: str) -> int:
        return sum(count for (_, kind), count in self.outcomes.items() if kind == outcome)

    def look_at_workers(self) -> None:
        for pid in children():
            self.peaks[pid] = max(self.peaks.get(pid, 0), peak_bytes(pid))

    def table(self) -> str:
        syntaxes = sorted({syntax for syntax, _ in self.outcomes})
        kinds = ("shown", "refused", "died")
        lines = [f"{syntax:26}" + "".join(f"{self.outcomes[syntax, kind]:9}" for kind in kinds) for syntax in syntaxes]
        most = max(self.peaks.values(), default=0) >> 20
        return "\n".join([" " * 26 + "".join(f"{kind:>9}" for kind in kinds), *lines, f"most memory {most} MiB"])


async def show(sandbox: Sandbox, frame: CompressedFrame, data: bytes, enhancement: Enhancement) -> tuple[str, str]:
    """Return what became of a frame, and the reason if it is not shown."""
    try:
        made = await sandbox.run(frame.task(data, wish=Wish(box=(256, 256), enhancement=enhancement)))
    except UnsupportedInstance as refused:
        return ("died" if "died twice" in str(refused) else "refused"), str(refused)
    assert made.body.startswith(b"\xff\xd8")
    return "shown", ""


async def spoil(sandbox: Sandbox, number: int, seed: int, trial: Trial) -> None:
    chance = random.Random(f"{seed} {number}")
    frame, mutate = chance.choice(compressed_frames()), SPOILS[number % len(SPOILS)]
    enhancement = parse_enhancement("denoise,detail,clahe") if number % 4 == 0 else ()
    outcome, reason = await show(sandbox, frame, mutate(frame.data, chance), enhancement)
    trial.outcomes[frame.transfer_syntax_uid, outcome] += 1
    if reason:
        trial.reasons[reason] += 1


async def test_no_spoiled_frame_harms_more_than_its_own_picture() -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    trial, deaths = Trial(), WORKER_DEATHS._value.get()
    async with Sandbox(WORKERS) as sandbox:
        sound = [await show(sandbox, frame, frame.data, ()) for frame in compressed_frames()]
        assert {outcome for outcome, _ in sound} == {"shown"}
        before = resident_bytes({"service": os.getpid()})["service"]
        for first in range(0, MUTANTS, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, MUTANTS))
            await asyncio.gather(*(spoil(sandbox, number, seed, trial) for number in numbers))
            trial.look_at_workers()
        assert [await show(sandbox, frame, frame.data, ()) for frame in compressed_frames()] == sound
    print(trial.table(), *trial.reasons.most_common(40), sep="\n")
    assert sum(trial.outcomes.values()) == MUTANTS
    assert WORKER_DEATHS._value.get() - deaths <= 2 * trial.count("died") + _timeouts(trial)
    assert max(trial.peaks.values()) < MEMORY_BYTES
    assert resident_bytes({"service": os.getpid()})["service"] - before < MOST_KEPT_BYTES


def _timeouts(trial: Trial) -> int:
    """Return how many workers were ended because they took too long."""
    return sum(
        count for reason, count in trial.reasons.items() if "longer than" in reason or "processor time" in reason
    )
