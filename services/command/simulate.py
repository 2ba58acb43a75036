"""`radstream simulate`: a modality that sends believable studies to an SCP, and remembers what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TextIO

import orjson

from services.command.simulator.instances import Instance, make_instances
from services.command.simulator.plan import MODALITIES, Modality, StudyPlan, plan_study
from services.command.simulator.sending import Destination, Outcome, Sender

__all__ = ["Destination", "Options", "Outcome", "Summary", "plan_studies", "simulate"]

SEEDED_DAY: Final = date(2026, 1, 15)
"""When seeded studies happen: equal seeds give equal bytes on any day."""


@dataclass(frozen=True)
class Options:
    """What to simulate.

    Parameters
    ----------
    studies : int
    modalities : tuple of str
        Taken in turn.
    slices : int or None
        Of a CT or MR series, frames of an ultrasound loop; None: as many as is usual.
    scale : float
        Of rows and columns; 1 is life size.
    rate_per_s : float or None
        Instances a second, all associations together; None: as fast as the peer takes them.
    associations : int
        At once.
    seed : int or None
        Equal seeds give equal studies, byte for byte; None: other ones each time, and of today.
    patience_s : float
        How long the peer may accept nothing before the simulation ends with an error.
    acknowledged : Path or None
        File to which each acknowledged instance is appended at once as a line of JSON: ``sop_instance_uid``,
        ``study_instance_uid``, ``sha256`` (of the data set as sent), ``size_bytes``, ``attempts``.
    """

    destination: Destination
    studies: int = 4
    modalities: tuple[Modality, ...] = MODALITIES
    slices: int | None = None
    scale: float = 1.0
    rate_per_s: float | None = None
    associations: int = 1
    seed: int | None = None
    patience_s: float = 60.0
    acknowledged: Path | None = None


@dataclass
class Summary:
    """What became of a simulation.

    Parameters
    ----------
    acknowledged : list of Outcome
        What the peer has promised to keep.
    refused : list of Outcome
        What it will never take, with its status.
    resent : int
        Attempts that failed and were repeated.
    """

    study_instance_uids: list[str] = field(default_factory=list)
    acknowledged: list[Outcome] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)
    resent: int = 0
    duration_s: float = 0.0

    @property
    def size_bytes(self) -> int:
        """Of all acknowledged data sets."""
        return sum(outcome.size_bytes for outcome in self.acknowledged)

    def __str__(self) -> str:
        rate = len(self.acknowledged) / self.duration_s if self.duration_s else 0.0
        return (
            f"{len(self.acknowledged)} instances of {len(self.study_instance_uids)} studies accepted "
            f"({self.size_bytes / 1e6:.1f} MB in {self.duration_s:.1f} s, {rate:.1f}/s), "
            f"{self.resent} sent again, {len(self.refused)} refused"
        )


async def simulate(
    options: Options,
    *,
    stop: asyncio.Event | None = None,
    on_progress: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Send the studies of `options`, each instance until it is accepted or refused for good.

    Parameters
    ----------
    stop : asyncio.Event, optional
        Ends the simulation after the instances at hand.
    on_progress : callable
        Called after each instance.

    Raises
    ------
    Unavailable
        If the peer accepts nothing for too long.
    UnsupportedInstance
        If it accepts none of our presentation contexts.
    """
    summary, started_s = Summary(), time.monotonic()
    queue: asyncio.Queue[Instance | None] = asyncio.Queue(2 * options.associations)
    with _journal(options.acknowledged) as journal:

        def note(outcome: Outcome) -> None:
            (summary.acknowledged if outcome.is_accepted else summary.refused).append(outcome)
            summary.resent += outcome.attempts - 1
            summary.duration_s = time.monotonic() - started_s
            if journal is not None and outcome.is_accepted:
                _write(journal, outcome)
            on_progress(summary)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(options.associations):
                    group.create_task(Sender(options.destination, queue, options.patience_s, note).run())
                group.create_task(_produce(options, queue, summary, stop or asyncio.Event()))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return summary


def plan_studies(options: Options) -> Iterator[StudyPlan]:
    """Yield the plans of the studies of `options`."""
    seed = secrets.randbits(48) if options.seed is None else abs(options.seed)
    day = datetime.now(UTC).date() if options.seed is None else SEEDED_DAY
    for number in range(options.studies):
        yield plan_study(seed, number, options.modalities, day=day, slices=options.slices, scale=options.scale)


async def _produce(
    options: Options, queue: asyncio.Queue[Instance | None], summary: Summary, stop: asyncio.Event
) -> None:
    """Fill the queue at the chosen rate, then with an end for each sender."""
    due_s = time.monotonic()
    async for instance in _instances(options, summary, stop):
        await queue.put(instance)
        if options.rate_per_s is not None:
            due_s = max(due_s + 1 / options.rate_per_s, time.monotonic() - 1)  # after a halt, do not catch up for ever
            await asyncio.sleep(due_s - time.monotonic())
    for _ in range(options.associations):
        await queue.put(None)


async def _instances(options: Options, summary: Summary, stop: asyncio.Event) -> AsyncIterator[Instance]:
    """Yield instance after instance, each drawn in a thread."""
    for plan in plan_studies(options):
        if stop.is_set():
            return
        instances = make_instances(plan)
        summary.study_instance_uids.append(plan.study_instance_uid)
        while not stop.is_set() and (instance := await asyncio.to_thread(next, instances, None)) is not None:
            yield instance


@contextlib.contextmanager
def _journal(path: Path | None) -> Iterator[TextIO | None]:
    """Open the file of acknowledged instances to append to it."""
    if path is None:
        yield None
    else:
        with path.open("a", encoding="utf-8") as file:
            yield file


def _write(journal: TextIO, outcome: Outcome) -> None:
    """Append a line that survives our own end: what was acknowledged once must be found."""
    line = {
        name: getattr(outcome, name)
        for name in ("sop_instance_uid", "study_instance_uid", "sha256", "size_bytes", "attempts")
    }
    journal.write(orjson.dumps(line).decode() + "\n")
    journal.flush()
