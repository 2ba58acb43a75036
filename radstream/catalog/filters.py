"""The predicates of the catalog. Every adapter compiles them; both must give equal answers (`tests/ports`).

Text is compared as stored, byte for byte: folding is the business of whoever writes and queries a field.
A predicate on a ``list`` field is about its elements: `Equals("ModalitiesInStudy", "CT")` holds if any element is "CT".
A missing value satisfies only `Exists(field, False)` and `Not` of what it does not satisfy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Value = str | int


@dataclass(frozen=True)
class Equals:
    """`field` is `value`, or has it as an element."""

    field: str
    value: Value


@dataclass(frozen=True)
class In:
    """`field` is one of `values`, or has one of them as an element. No values: never."""

    field: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Range:
    """`low` <= `field` <= `high`, or an element of it is; an open end is None."""

    field: str
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True)
class Wildcard:
    """`field` (or an element) matches `pattern`: ``*`` any text, ``?`` any one character, everything else itself."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Exists:
    """`field` has a value (an empty list is none), or with `present` False: has none."""

    field: str
    present: bool = True


@dataclass(frozen=True)
class And:
    """All of `parts` hold; no parts: always."""

    parts: Sequence[Predicate]


@dataclass(frozen=True)
class Or:
    """One of `parts` holds; no parts: never."""

    parts: Sequence[Predicate]


@dataclass(frozen=True)
class Not:
    """`part` does not hold."""

    part: Predicate


Predicate = Equals | In | Range | Wildcard | Exists | And | Or | Not

EVERYTHING = And(())
