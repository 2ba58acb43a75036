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

from radstream.bus.retry import Retry
from radstream.contract.errors import Unavailable
from radstream.dimse.outgoing import Delivery, Destination, Patience
from radstream.dimse.sender import Sender
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN
from services.command.simulator.instances import Instance, make_instances, to_implicit
from services.command.simulator.plan import MODALITIES, Modality, StudyPlan, plan_study

_ATTEMPTS: Final = 1000  # a modality does not give up an instance as long as others are accepted
_RETRY: Final = Retry(first_delay_s=0.1, longest_delay_s=2.0)

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


@dataclass(frozen=True)
class Outcome:
    """How one instance fared.

    Parameters
    ----------
    sha256 : str
        Of the data set's bytes as they were sent.
    attempts : int
        How often it was sent.
    refusal : str
        Why the peer will never take it; empty if it has.
    """

    sop_instance_uid: str
    study_instance_uid: str
    sha256: str
    size_bytes: int
    attempts: int
    refusal: str = ""


@dataclass
class Summary:
    """What became of a simulation.

    Parameters
    ----------
    acknowledged : list of Outcome
        What the peer has promised to keep.
    refused : list of Outcome
        What it will never take.
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
        If the peer accepts nothing for too long, or wants no association with us.
    """
    summary, started_s = Summary(), time.monotonic()
    instances = _produce(options, summary, stop or asyncio.Event())
    with _journal(options.acknowledged) as journal:

        def note(outcome: Outcome) -> None:
            (summary.refused if outcome.refusal else summary.acknowledged).append(outcome)
            summary.resent += max(0, outcome.attempts - 1)
            summary.duration_s = time.monotonic() - started_s
            if journal is not None and not outcome.refusal:
                _write(journal, outcome)
            on_progress(summary)

        async with contextlib.aclosing(_sender(options).send(instances)) as deliveries:
            async for delivery in deliveries:
                note(_outcome(delivery))
    return summary


def _sender(options: Options) -> Sender[Instance]:
    patience = Patience(attempts=_ATTEMPTS, peer_s=options.patience_s, retry=_RETRY)
    return Sender(
        options.destination,
        associations=options.associations,
        patience=patience,
        convert=to_implicit,
        offers=(IMPLICIT_VR_LITTLE_ENDIAN,),
        ahead=options.associations,  # they hold their pixels
    )


def _outcome(delivery: Delivery[Instance]) -> Outcome:
    """Return how an instance has fared; raise if only the peer's state stands in its way."""
    if isinstance(delivery.error, Unavailable):
        raise delivery.error
    instance = delivery.instance
    return Outcome(
        instance.sop_instance_uid,
        instance.study_instance_uid,
        instance.sha256,
        len(instance.data_set),
        delivery.attempts,
        str(delivery.error or ""),
    )


def plan_studies(options: Options) -> Iterator[StudyPlan]:
    """Yield the plans of the studies of `options`."""
    seed = secrets.randbits(48) if options.seed is None else abs(options.seed)
    day = datetime.now(UTC).date() if options.seed is None else SEEDED_DAY
    for number in range(options.studies):
        yield plan_study(seed, number, options.modalities, day=day, slices=options.slices, scale=options.scale)


async def _produce(options: Options, summary: Summary, stop: asyncio.Event) -> AsyncIterator[Instance]:
    """Yield instance after instance at the chosen rate, each drawn in a thread."""
    due_s = time.monotonic()
    for plan in plan_studies(options):
        if stop.is_set():
            return
        instances = make_instances(plan)
        summary.study_instance_uids.append(plan.study_instance_uid)
        while not stop.is_set() and (instance := await asyncio.to_thread(next, instances, None)) is not None:
            yield instance
            if options.rate_per_s is not None:
                due_s = max(
                    due_s + 1 / options.rate_per_s, time.monotonic() - 1
                )  # after a halt, no catching up for ever
                await asyncio.sleep(due_s - time.monotonic())


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
