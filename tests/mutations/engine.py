"""The mutation engine: operators by name, each of which makes a mutant of a specimen, by the seed of its number."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tests.mutations.specimens import Specimen, fresh, specimens

Fate = Literal["stored", "refused", "either"]
"""What must become of a mutant: many are kept and flagged, some cannot be, and of some it depends on the place."""

Mutation = Callable[[Specimen, random.Random], Specimen]


@dataclass(frozen=True)
class Operator:
    """One way to spoil an instance.

    Parameters
    ----------
    fate : Fate
        Of a mutant that comes as a file (STOW-RS).
    dimse_fate : Fate
        Of one that comes by C-STORE, where no meta group lies, and the command announces the UIDs.
    suits : callable
        Tells which specimens it can spoil.
    """

    name: str
    mutate: Mutation
    fate: Fate
    dimse_fate: Fate
    suits: Callable[[Specimen], bool]


@dataclass(frozen=True)
class Mutant:
    """A spoiled instance with its origin."""

    number: int
    operator: Operator
    origin: str
    specimen: Specimen

    @property
    def part10(self) -> bytes:
        return self.specimen.meta + self.specimen.data_set

    def __str__(self) -> str:
        return f"mutant {self.number} ({self.operator.name} of {self.origin})"


OPERATORS: Final[dict[str, Operator]] = {}


def anything(_: Specimen) -> bool:
    return True


def encapsulated(specimen: Specimen) -> bool:
    return specimen.is_encapsulated


def native(specimen: Specimen) -> bool:
    return not specimen.is_encapsulated and specimen.header_bytes < len(specimen.data_set)


def explicit(specimen: Specimen) -> bool:
    return bool(specimen.parts()[0].vr)


def with_items(specimen: Specimen) -> bool:
    return b"\xfe\xff\x00\xe0" in specimen.data_set[: specimen.header_bytes]


def operator(
    fate: Fate, *, dimse: Fate | None = None, suits: Callable[[Specimen], bool] = anything
) -> Callable[[Mutation], Mutation]:
    """Register the decorated function under its own name."""

    def register(mutate: Mutation) -> Mutation:
        name = mutate.__name__
        assert name not in OPERATORS
        OPERATORS[name] = Operator(name, mutate, fate, dimse or fate, suits)
        return mutate

    return register


def load() -> list[Operator]:
    """Return every operator there is."""
    from tests.mutations import identity, lengths, nesting, pixels, syntaxes, values

    assert all((identity, lengths, nesting, pixels, syntaxes, values))
    return list(OPERATORS.values())


def mutants(numbers: Iterable[int], seed: int) -> Iterator[Mutant]:
    """Yield the mutants of `numbers`, in turn by every operator; the same seed and number give the same one."""
    operators = load()
    for number in numbers:
        yield make_mutant(number, operators[number % len(operators)], seed)


def make_mutant(number: int, chosen: Operator, seed: int) -> Mutant:
    chance = random.Random(f"{seed} {number}")
    origin = chance.choice(_suitable(chosen))
    return Mutant(number, chosen, origin.name, chosen.mutate(fresh(origin, number), chance))


_SUITABLE: dict[str, list[Specimen]] = {}


def _suitable(chosen: Operator) -> list[Specimen]:
    if chosen.name not in _SUITABLE:
        _SUITABLE[chosen.name] = [specimen for specimen in specimens() if chosen.suits(specimen)]
    return _SUITABLE[chosen.name]
