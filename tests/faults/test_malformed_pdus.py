"""Thousands of malformed PDUs in every state: none is left unanswered that the Standard wants answered, nothing leaks.

RADSTREAM_TEST_MALFORMED_PDUS is how many there are, RADSTREAM_TEST_SEED which. They come in waves, with pauses of the
same length, so that the rate of a modality beside them can be compared.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from tests.malformed.attackers import PATIENCE_S, Outcome, attack_all
from tests.malformed.attacks import KINDS, attacks
from tests.processes import descriptor_count, peak_bytes, thread_count
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(1800)]

PDUS = int(os.environ.get("RADSTREAM_TEST_MALFORMED_PDUS", "2000"))
ENOUGH_TO_COMPARE = 10_000
PER_S = 150.0 if PDUS < ENOUGH_TO_COMPARE else 60.0
"""The attackers run on the processors of the attacked: at a higher pace their own work would be compared."""

WAVE = 500
KEPT_SHARE = 0.9
"""Of the rate without attack; on two processors that the attackers use as well."""

MOST_THREADS = 24
"""Those of its pools, which are made when they are wanted and stay; one left for each PDU would be thousands."""

GONE_S = 40.0
Span = tuple[float, float]
Answer = tuple[float, int]
"""A moment and a status."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    running = System(tmp_path / "home").start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


def test_malformed_pdus_are_answered_and_leave_nothing_behind(system: System) -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    with sending(system):  # what a process makes once, it makes now
        asyncio.run(attack_all(system.dimse_port, attacks(100, seed + 1), PER_S))
    processes = system.children()
    pid = processes["dimse"]
    before = settled(pid)
    with sending(system) as answers:
        outcomes, quiet, attacked = waves(system.dimse_port, seed)
    after = settled(pid, (MOST_THREADS, before[1]))
    share = rate(answers, attacked) / rate(answers, quiet)
    report(outcomes, share, rate(answers, quiet), attacked)
    print(f"threads and descriptors {before} -> {after}, peak {peak_bytes(pid) >> 20} MiB")

    assert len(outcomes) == PDUS
    assert [str(outcome) for outcome in outcomes if not outcome.is_right] == []
    assert {status for _, status in answers} == {0}
    assert system.children() == processes, "a process died"
    assert after[0] <= MOST_THREADS, "threads are left"
    assert after[1] <= before[1], "descriptors are left"
    assert "Traceback" not in system.log()
    if PDUS >= ENOUGH_TO_COMPARE:
        assert share >= KEPT_SHARE


@contextmanager
def sending(system: System) -> Iterator[list[Answer]]:
    """Let a modality store all the while; afterwards the list holds what it was answered, and when."""
    answers: list[Answer] = []
    path = system.home / "answers.txt"
    with path.open("w") as file:
        command = [sys.executable, "-m", "tests.steady_sender", str(system.dimse_port)]
        sender = subprocess.Popen(command, stdout=file)
        time.sleep(2)  # until it is at work
        assert sender.poll() is None
        yield answers
        assert sender.poll() is None, "the modality gave up"
        sender.terminate()
        sender.wait()
    for line in path.read_text().splitlines():
        moment, status = line.split()
        answers.append((float(moment), int(status)))


def waves(port: int, seed: int) -> tuple[list[Outcome], list[Span], list[Span]]:
    """Attack in waves; return what became of it, and when there was peace and when not."""
    outcomes: list[Outcome] = []
    quiet, attacked = [], []
    everything = attacks(PDUS, seed)
    while wave := list(islice(everything, WAVE)):
        begun_at = time.monotonic()
        time.sleep(len(wave) / PER_S)
        quiet.append((begun_at, time.monotonic()))
        outcomes += asyncio.run(attack_all(port, wave, PER_S))
        attacked.append((quiet[-1][1], time.monotonic()))
    return outcomes, quiet, attacked


def settled(pid: int, wanted: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Return how many threads and descriptors a process has as soon as they are `wanted`, or do not change any more."""
    deadline = time.monotonic() + (GONE_S if any(wanted) else 3.0)
    found = (thread_count(pid), descriptor_count(pid))
    while any(left > wish for left, wish in zip(found, wanted, strict=True)) and time.monotonic() < deadline:
        time.sleep(0.2)
        found = (thread_count(pid), descriptor_count(pid))
    return found


def rate(answers: Sequence[Answer], spans: Sequence[Span]) -> float:
    """Return how many instances were stored in a second of all `spans` together."""
    stored = sum(begin <= moment < end for moment, _ in answers for begin, end in spans)
    return stored / sum(end - begin for begin, end in spans)


def report(outcomes: Sequence[Outcome], share: float, calm: float, attacked: Sequence[Span]) -> None:
    demanded = [outcome.after_s for outcome in outcomes if outcome.attack.kind.demand != "any"]
    table = Counter((outcome.attack.kind.state.name, outcome.answer) for outcome in outcomes)
    pace = len(outcomes) / sum(end - begin for begin, end in attacked)
    print(f"{len(outcomes)} malformed PDUs of {len(KINDS)} kinds and states, {pace:.0f} a second")
    print(f"answers that are demanded: {len(demanded)}, the latest after {max(demanded):.3f} s of {PATIENCE_S} s")
    print("\n".join(f"  {state:20} {answer:8} {count}" for (state, answer), count in sorted(table.items())))
    print(f"a modality beside them stores {calm:.0f} a second in peace, {share * calm:.0f} under attack: {share:.2f}")
