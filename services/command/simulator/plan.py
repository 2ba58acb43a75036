"""What a simulated study will be, before any pixel of it exists. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, get_args

import numpy as np

from services.command.simulator.people import Person, invent_person

Modality = Literal["CT", "MR", "CR", "US"]
MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)

_STUDIES_OF_A_PERSON: Final = 1.4


@dataclass(frozen=True)
class StudyPlan:
    """A study to make.

    Parameters
    ----------
    seed : int
        Of the whole simulation; with `number` it decides everything.
    number : int
        Of the study within the simulation, from 0.
    started_at : datetime
        (0008,0020) Study Date and (0008,0030) Study Time.
    slices : int or None
        Of a CT or MR series, frames of an ultrasound loop; None: as many as is usual.
    scale : float
        Of rows and columns; 1 is life size.
    """

    seed: int
    number: int
    modality: Modality
    person: Person
    started_at: datetime
    accession_number: str
    slices: int | None = None
    scale: float = 1.0

    @property
    def study_instance_uid(self) -> str:
        """The study's UID."""
        return self.uid("study")

    def uid(self, *parts: object) -> str:
        """Return a UID of something within this study; equal parts give equal UIDs."""
        return make_uid(self.seed, self.number, *parts)

    def generator(self, *parts: int) -> np.random.Generator:
        """Return the source of chance for a part of this study."""
        return np.random.default_rng([self.seed, self.number, *parts])

    def length(self, usual: int) -> int:
        """Return how many slices or frames to make where `usual` are made."""
        return usual if self.slices is None else self.slices

    def size(self, usual: int) -> int:
        """Return how many rows or columns to make where `usual` are made: an even number."""
        return max(32, round(usual * self.scale / 2) * 2)


def plan_study(
    seed: int,
    number: int,
    modalities: tuple[Modality, ...] = MODALITIES,
    *,
    day: date,
    slices: int | None = None,
    scale: float = 1.0,
) -> StudyPlan:
    """Return the plan of study `number`; some people come more than once.

    Parameters
    ----------
    modalities : tuple of str
        Taken in turn.
    day : date
        The study happens in the working hours of this day.
    """
    rng = np.random.default_rng([seed, number, 0])
    person = invent_person(np.random.default_rng([seed, int(number / _STUDIES_OF_A_PERSON), 1]))
    minutes = int(rng.integers(7 * 60, 18 * 60))
    return StudyPlan(
        seed=seed,
        number=number,
        modality=modalities[number % len(modalities)],
        person=person,
        started_at=datetime.combine(day, time()) + timedelta(minutes=minutes, seconds=int(rng.integers(60))),
        accession_number=f"A{seed % 10**6:06d}{number:06d}",
        slices=slices,
        scale=scale,
    )


def make_uid(*parts: object) -> str:
    """Return a UID of the root 2.25 made of a hash of `parts`, in the form of a UUID (PS3.5 B.2)."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    value = int.from_bytes(digest) & ~(0xF << 76) & ~(0x3 << 62) | (0x8 << 76) | (0x2 << 62)  # version 8, RFC 9562
    return f"2.25.{value}"
