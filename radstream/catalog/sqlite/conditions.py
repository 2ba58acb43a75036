"""What is asked of one value, as SQL. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from radstream.catalog.filters import Equals, In, Range, Value, Wildcard
from radstream.catalog.values import fits, is_unicode, may_be
from radstream.catalog.wildcards import behind, split
from radstream.contract.documents import Field
from radstream.contract.errors import MalformedRequest

_MOST_VARIABLES: Final = 64
_NUL: Final = "\0"
_MISTAKEN: Final = frozenset("\ufffd\ufffe\uffff")


class Clause(NamedTuple):
    """SQL and the values of its question marks."""

    sql: str
    parameters: tuple[Value, ...] = ()


OnField = Equals | In | Range | Wildcard

ALWAYS: Final = Clause("1")
NEVER: Final = Clause("0")


def condition(where: OnField, field: Field, value: str) -> Clause:
    """Return the condition `where` on one value of `field`, `value` being its SQL.

    Raises
    ------
    MalformedRequest
        If a pattern is longer than 1024 characters, or a bound is no Unicode text.
    """
    match where:
        case Equals(_, wanted):
            return _in([wanted], field, value)
        case In(_, several):
            return _in(several, field, value)
        case Range(_, low, high):
            return _range(low, high, field, value)
        case Wildcard(_, pattern):
            return _wildcard(pattern, value) if field.kind != "int" and is_unicode(pattern) else NEVER


def _in(values: Sequence[Value], field: Field, value: str) -> Clause:
    wanted = tuple(dict.fromkeys(each for each in values if may_be(field, each)))
    if not wanted:
        return NEVER
    if len(wanted) == 1:
        return Clause(f"{value} = ?", wanted)
    if len(wanted) <= _MOST_VARIABLES:
        return Clause(f"{value} IN ({', '.join('?' * len(wanted))})", wanted)
    whole = [each for each in wanted if not _has_nul(each)]
    array = Clause(f"{value} IN (SELECT value FROM json_each(?))", (json.dumps(whole),))
    others = [Clause(f"{value} = ?", (each,)) for each in wanted if _has_nul(each)]  # json_each cuts text at a NUL
    return joined([array, *others], "OR", NEVER)


def _has_nul(value: Value) -> bool:
    return isinstance(value, str) and _NUL in value


def _range(low: Value | None, high: Value | None, field: Field, value: str) -> Clause:
    bounds = [bound for bound in (low, high) if bound is not None]
    if any(isinstance(bound, int) is not (field.kind == "int") for bound in bounds):
        return NEVER
    clauses = [_bound(bound, sign, value) for bound, sign in ((low, ">="), (high, "<=")) if bound is not None]
    return joined(clauses, "AND", Clause(f"{value} IS NOT NULL"))


def _bound(bound: Value, sign: str, value: str) -> Clause:
    if isinstance(bound, int) and not fits(bound):
        is_met = (bound < 0) is (sign == ">=")
        return Clause(f"{value} IS NOT NULL") if is_met else NEVER
    if isinstance(bound, str) and not is_unicode(bound):
        raise MalformedRequest("a bound of a range is no Unicode text")
    return Clause(f"{value} {sign} ?", (bound,))


def _wildcard(pattern: str, value: str) -> Clause:
    prefix, rest = split(pattern)
    if not rest:
        return Clause(f"{value} = ?", (prefix,))
    begins = _begins_with(prefix, value)
    if set(rest) == {"*"}:
        return begins
    return joined([begins, _glob(pattern, value)], "AND", ALWAYS)


def _glob(pattern: str, value: str) -> Clause:
    """Return the condition by SQLite's own GLOB, which is fast, and by `wildcards.matches` where GLOB errs.

    GLOB has the same two wildcards, and sets in brackets: a set of "[" alone is "[" itself. It stops at a NUL, and
    takes U+FFFD, U+FFFE and U+FFFF for one another.
    """
    has_nul, glob = f"instr({value}, char(0))", f"{value} GLOB ?"
    escaped = pattern.replace("[", "[[]")
    if _has_nul(pattern):
        return Clause(f"({has_nul} AND matches(?, {value}))", (pattern,))
    if _MISTAKEN & set(pattern):
        return Clause(f"(({has_nul} OR {glob}) AND matches(?, {value}))", (escaped, pattern))
    return Clause(f"CASE WHEN {has_nul} THEN matches(?, {value}) ELSE {glob} END", (pattern, escaped))


def _begins_with(prefix: str, value: str) -> Clause:
    """Return the range of all texts that begin with `prefix`: from it to the first one behind them, if there is one."""
    if not prefix:
        return Clause(f"{value} IS NOT NULL")
    end = behind(prefix)
    if end is None:
        return Clause(f"{value} >= ?", (prefix,))
    return Clause(f"({value} >= ? AND {value} < ?)", (prefix, end))


def joined(clauses: Sequence[Clause], operator: str, empty: Clause) -> Clause:
    """Join `clauses` as a balanced tree: SQLite allows a depth of 1000."""
    if not clauses:
        return empty
    if len(clauses) == 1:
        return clauses[0]
    middle = len(clauses) // 2
    left, right = (joined(half, operator, empty) for half in (clauses[:middle], clauses[middle:]))
    return Clause(f"({left.sql} {operator} {right.sql})", left.parameters + right.parameters)
