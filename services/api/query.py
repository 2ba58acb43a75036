"""From the parameters of a QIDO-RS request to predicates and options (PS3.18 10.6.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from radstream.catalog.filters import Predicate
from radstream.contract.errors import MalformedRequest
from radstream.dicom.levels import Level, tag_of
from services.api.conditions import conditions_of
from services.api.matching import MATCHINGS, Matching

TOLERATED: Final = frozenset({"accept", "charset"})
"""Parameters that other parts of the request's way understand (PS3.18 8.3.3)."""

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Query:
    """What is asked for.

    Parameters
    ----------
    level : Level
        Of the resources that are asked for.
    conditions : mapping of Level to list of Predicate
        What has to hold of the resource, and of the study and series that it is in.
    attributes : frozenset of str
        Tags to return beside the default ones: those of `includefield`, and those that were matched.
    all_attributes : bool
    limit : int or None
        None if the client did not say.
    warnings : tuple of str
        What is not done as it was asked.
    """

    level: Level
    conditions: Mapping[Level, Sequence[Predicate]] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    all_attributes: bool = False
    limit: int | None = None
    offset: int = 0
    warnings: tuple[str, ...] = ()


def parse_query(
    level: Level, parameters: Iterable[tuple[str, str]], matchings: Mapping[str, Matching] = MATCHINGS
) -> Query:
    """Return what the `parameters` of a request for `level` ask for.

    Parameters
    ----------
    parameters : iterable of (str, str)
        Name and value in their order, percent-decoded; a name may come several times.
    matchings : mapping of str to Matching
        What can be matched, see `services.api.matching.matchings`.

    Raises
    ------
    MalformedRequest
        If a parameter is unknown, or its value means nothing.
    """
    options: dict[str, list[str]] = {}
    matches: dict[str, list[str]] = {}
    for name, value in parameters:
        if (option := name.lower()) in _OPTIONS:
            options.setdefault(option, []).append(value)
        elif name not in TOLERATED:
            matches.setdefault(name, []).append(value)
    fields = [part.strip() for value in options.get("includefield", []) for part in value.split(",")]
    found = conditions_of(
        level,
        matches,
        matchings,
        is_fuzzy=_flag(options, "fuzzymatching"),
        matches_empty=_flag(options, "emptyvaluematching"),
    )
    return Query(
        level=level,
        conditions=found.predicates,
        attributes=frozenset(found.matched | {tag for name in fields if (tag := tag_of(name.partition(".")[0]))}),
        all_attributes="all" in fields,
        limit=_number(options, "limit"),
        offset=_number(options, "offset") or 0,
        warnings=tuple(found.warnings),
    )


_OPTIONS: Final = frozenset(
    {"includefield", "limit", "offset", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"}
)
# Lists of values are always understood, so `multiplevaluematching` changes nothing.


def _flag(options: Mapping[str, Sequence[str]], name: str) -> bool:
    values = {value.strip().lower() for value in options.get(name, [])}
    if not values <= {"true", "false"}:
        raise MalformedRequest(f"{name} is true or false")
    return "true" in values


def _number(options: Mapping[str, Sequence[str]], name: str) -> int | None:
    values = options.get(name, [])
    if not values:
        return None
    if len(values) > 1 or not _NUMBER.fullmatch(values[0].strip()):
        raise MalformedRequest(f"{name} is one whole number that is not negative")
    return int(values[0])
