"""From the attributes that a query matches to predicates, by the level that they hold of (PS3.18 8.3.4.1). Pure.

Most attributes are matched each for itself. Two kinds of pairs are not: a date and its time that are both ranges
(PS3.4 C.2.2.2.5), and the two ids of one item of the Request Attributes Sequence (PS3.4 C.2.2.2.6: one item has to
match in all that is asked of it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from radstream.catalog.filters import Or, Predicate
from radstream.contract.documents import request_key
from radstream.contract.errors import MalformedRequest
from radstream.dicom.levels import Level, tag_of
from radstream.dicom.searchable import Kind
from services.api.matching import Matching, is_empty, predicate_of, prefixed, singles
from services.api.temporal_matching import PAIRS, are_combined, moment_predicate
from services.api.text_matching import text_predicate

REQUEST_IDS: Final = ("00400275.00401001", "00400275.00400009")
"""Requested Procedure ID and Scheduled Procedure Step ID, in the order of `request_key`."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class Conditions:
    """What has to hold.

    Parameters
    ----------
    predicates : dict of Level to list of Predicate
        Of the resource, and of the study and series that it is in.
    matched : set of str
        Tags of the attributes that are matched, universal matching included.
    warnings : list of str
        What is not done as it was asked.
    """

    predicates: dict[Level, list[Predicate]] = field(default_factory=dict)
    matched: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """One attribute that is matched, where it is kept, and the values that are asked for."""

    name: str
    kind: Kind
    level: Level
    field: str
    prefix: str
    values: Sequence[str]


def conditions_of(
    level: Level,
    matches: Mapping[str, Sequence[str]],
    matchings: Mapping[str, Matching],
    *,
    is_fuzzy: bool,
    matches_empty: bool,
) -> Conditions:
    """Return what `matches`, values by the names of attributes, demand of resources of `level`.

    Parameters
    ----------
    matchings : mapping of str to Matching
        What can be matched, see `services.api.matching.matchings`.
    is_fuzzy : bool
        Person names are matched by their sound.
    matches_empty : bool
        A value of two quotation marks means that there is no value (*empty value matching*).

    Raises
    ------
    MalformedRequest
        If a name is no attribute, or a value none of its kind; the text names the attribute.
    """
    found = Conditions()
    asked: dict[str, Asked] = {}
    for name, values in matches.items():
        path = path_of(name)
        matching = matchings.get(path)
        where = matching.field_at(level) if matching else None
        if matching is None or where is None:
            found.warnings.append(f"{name} is not supported for matching at this level and was ignored")
            continue
        kind: Kind = "sound" if is_fuzzy and matching.kind == "name" and not matching.prefix else matching.kind
        several = [*asked[path].values, *values] if path in asked else values
        asked[path] = Asked(name, kind, *where, matching.prefix, several)
        found.matched.add(path.partition(".")[0])
    for place, predicate in _predicates(asked, matches_empty=matches_empty):
        found.predicates.setdefault(place, []).append(predicate)
    return found


def path_of(name: str) -> str:
    """Return the tags that `name` means, joined by points.

    Raises
    ------
    MalformedRequest
        If it is no attribute of the Standard or of anybody; its text names the parameter.
    """
    tags = [tag_of(part) for part in name.split(".")]
    if None in tags:
        known = name if _NAME.fullmatch(name) else "(not printable)"
        raise MalformedRequest(f"the parameter {known} is neither an attribute nor an option of a query")
    return ".".join(tag for tag in tags if tag)


def _predicates(asked: dict[str, Asked], *, matches_empty: bool) -> Iterator[tuple[Level, Predicate]]:
    paired: set[str] = set()
    for first, second in (*PAIRS.items(), REQUEST_IDS):
        predicate = _pair_predicate(asked[first], asked[second]) if {first, second} <= asked.keys() else None
        if predicate is not None:
            paired |= {first, second}
            yield asked[first].level, predicate
    for path, one in asked.items():
        predicate = None if path in paired else _predicate(one, matches_empty=matches_empty)
        if predicate is not None:
            yield one.level, predicate


def _predicate(asked: Asked, *, matches_empty: bool) -> Predicate | None:
    if matches_empty and list(asked.values) == ['""']:
        return is_empty(asked.field, asked.prefix)
    predicate = predicate_of(asked.name, asked.kind, asked.field, asked.values)
    return prefixed(predicate, asked.prefix) if predicate is not None and asked.prefix else predicate


def _pair_predicate(first: Asked, second: Asked) -> Predicate | None:
    """Return what a pair demands together; None if each is for itself."""
    if first.kind == "date":
        return _moment(first, second)
    pairs = [(a, b) for a in _texts(first) for b in _texts(second)]
    if any(not (a.strip("*") and b.strip("*")) for a, b in pairs):
        return None
    parts = [text_predicate("RequestAttributesSequence", request_key(a, b)) for a, b in pairs]
    return Or([part for part in parts if part is not None])


def _moment(date: Asked, time: Asked) -> Predicate | None:
    if len(date.values) != 1 or len(time.values) != 1 or not are_combined(date.values[0], time.values[0]):
        return None
    return moment_predicate((date.name, time.name), (date.field, time.field), (date.values[0], time.values[0]))


def _texts(asked: Asked) -> list[str]:
    return [single for value in asked.values for single in singles(asked.name, asked.kind, value)]
