"""Thousands of spoiled instances, by C-STORE and by STOW-RS: each is kept exactly or refused with its reason.

The seed is printed and may be given as RADSTREAM_TEST_SEED; RADSTREAM_TEST_MUTANTS is how many there are.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from radstream.bus.set_aside import find_all
from tests.mutations.doors import PATIENCE_S, Answered, look_at, send
from tests.mutations.engine import load, mutants
from tests.processes import resident_bytes
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(3600)]

MUTANTS = int(os.environ.get("RADSTREAM_TEST_MUTANTS", "300"))
BATCH, AT_ONCE = 100, 3
MOST_KEPT_BYTES = 160 << 20
"""What a process may be larger after all mutants than after the first batch: what allocators and caches keep."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    running = System(tmp_path / "home", {"RADSTREAM_STUDY_QUIET_S": "2"}).start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


def test_each_mutant_is_stored_exactly_or_refused_with_its_reason(system: System) -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    outcomes: Counter[tuple[str, str, str]] = Counter()
    views: Counter[tuple[str, int]] = Counter()
    processes, before = system.children(), {}
    for first in range(0, MUTANTS, BATCH):
        answers = send_all(system, range(first, min(first + BATCH, MUTANTS)), seed)
        outcomes.update((answer.mutant.operator.name, answer.door, answer.detail) for answer in answers)
        unexpected = [str(answer.mutant) for answer in answers if not answer.is_expected]
        assert not unexpected
        views.update(look_at_all(system, answers))
        assert system.children() == processes, deaths(system)
        before = before or resident_bytes(processes)
    assert not reasonless_dead_letters(system)
    print_table(outcomes, views, before, resident_bytes(processes))
    grown = {name: size - before[name] for name, size in resident_bytes(processes).items()}
    assert max(grown.values()) < MOST_KEPT_BYTES, grown


def send_all(system: System, numbers: Sequence[int], seed: int) -> list[Answered]:
    """Send a batch by either door in turn, and return when it is indexed and has its previews."""
    count = len(load())
    answers = [
        send(system, mutant, by_c_store=(mutant.number % count + mutant.number // count) % 2 == 0)
        for mutant in mutants(numbers, seed)
    ]
    system.wait_until_quiet(60)
    return answers


def look_at_all(system: System, answers: Sequence[Answered]) -> Counter[tuple[str, int]]:
    """Return how often each view of a stored mutant was answered with which status."""
    stored = [answer for answer in answers if answer.fate == "stored"]
    found: Counter[tuple[str, int]] = Counter()
    with httpx2.Client(timeout=2 * PATIENCE_S) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        for statuses in threads.map(lambda answer: look_at(system, client, answer), stored):
            found.update(statuses.items())
    return found


def deaths(system: System) -> str:
    """Return what the log says about processes that died, and what came just before."""
    lines = system.log().splitlines()
    at = next((index for index, line in enumerate(lines) if "process_died" in line), 0)
    return "\n".join(lines[max(0, at - 20) : at + 1])


def reasonless_dead_letters(system: System) -> list[str]:
    letters = system.ask(lambda backends: find_all(backends.bus))
    for letter in letters:
        print(letter.topic, letter.headers.get("error-type"), letter.headers.get("error-text"))
    return [letter.topic for letter in letters if not letter.headers.get("error-text")]


def print_table(
    outcomes: Counter[tuple[str, str, str]],
    views: Counter[tuple[str, int]],
    before: dict[str, int],
    after: dict[str, int],
) -> None:
    print(f"\n{'operator':40} {'C-STORE':40} STOW-RS")
    for name in sorted({operator for operator, _, _ in outcomes}):
        columns = {door: _counts(outcomes, name, door) for door in ("C-STORE", "STOW-RS")}
        print(f"{name:40} {columns['C-STORE']:40} {columns['STOW-RS']}")
    print(
        "\nviews of what is stored: "
        + ", ".join(f"{view} {status}: {n}" for (view, status), n in sorted(views.items()))
    )
    print("MiB resident: " + ", ".join(f"{name} {before[name] >> 20} -> {after[name] >> 20}" for name in before))


def _counts(outcomes: Counter[tuple[str, str, str]], name: str, door: str) -> str:
    counts = {detail: n for (operator, by, detail), n in sorted(outcomes.items()) if (operator, by) == (name, door)}
    return ", ".join(f"{detail} {n}x" for detail, n in counts.items())
