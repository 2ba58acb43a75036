"""From the predicates of `catalog.filters` to SQL. Pure: what must be asked of the database is asked through `Few`.

Two plans compete wherever a predicate is answered by an index of its own: take its matches and sort them (good if they
are few), or walk in the order of the sort and test each document (good if they are many). No statistics are kept; the
index itself is asked, up to a limit, and the answer is used in the query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Value, Wildcard
from radstream.catalog.sqlite.layout import Table, column
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


Few = Callable[[Clause], Sequence[int] | None]
"""Carries out a SELECT of ids and returns them if they are few, None if they are many."""

_ALWAYS: Final = Clause("1")
_NEVER: Final = Clause("0")


def compile_predicate(where: Predicate, table: Table, few: Few) -> Clause:
    """Return the condition that `where` is, on table ``t``.

    A condition on a missing value is NULL in SQL, which counts as false everywhere but under NOT: there it is made so.

    Raises
    ------
    MalformedRequest
        If a pattern is longer than 1024 characters.
    ValueError
        If a field is not declared, or of a kind that the predicate is not for.
    """
    match where:
        case And(parts):
            return _all_of(parts, table, few)
        case Or(parts):
            return _join([compile_predicate(part, table, few) for part in parts], "OR", _NEVER)
        case Not(part):
            inner = compile_predicate(part, table, few)
            return Clause(f"NOT coalesce({inner.sql}, 0)", inner.parameters)
        case Exists(name, present):
            return _existence(table, table.field(name), present)
        case _:
            return _on_field(where, table, few)


def _all_of(parts: Sequence[Predicate], table: Table, few: Few) -> Clause:
    """Join `parts`; if one of them has few matches, there is no need to look how many the others have."""
    clauses = []
    rest = list(parts)
    for part in parts:
        ids = None
        if len(parts) > 1 and isinstance(part, Equals | In) and _has_index(table, table.field(part.field)):
            ids = few(_matches(part, table))
        if ids is not None:
            rest.remove(part)
            clauses.append(_one_of(ids))
            few = _many
            break
    return _join([*clauses, *(compile_predicate(part, table, few) for part in rest)], "AND", _ALWAYS)


def _has_index(table: Table, field: Field) -> bool:
    return field.kind == "list" or (field.kind == "text" and table.is_leading(field))


def _many(_matches: Clause) -> None:
    """Stand in for `Few` where an index of its own would not help."""


def _join(clauses: Sequence[Clause], operator: str, empty: Clause) -> Clause:
    """Join `clauses` as a balanced tree: SQLite allows a depth of 1000."""
    if not clauses:
        return empty
    if len(clauses) == 1:
        return clauses[0]
    middle = len(clauses) // 2
    left, right = (_join(half, operator, empty) for half in (clauses[:middle], clauses[middle:]))
    return Clause(f"({left.sql} {operator} {right.sql})", left.parameters + right.parameters)


def _existence(table: Table, field: Field, present: bool) -> Clause:
    test = f"{column(field)} IS NOT NULL"
    if field.large:
        test = f"EXISTS (SELECT 1 FROM {table.large_name} l WHERE l.id = t.id AND {test})"
    return Clause(test if present else f"NOT {test}")


def _on_field(where: Equals | In | Range | Wildcard, table: Table, few: Few) -> Clause:
    field = table.field(where.field)
    if field.kind == "bytes" or field.large or (field.kind == "list" and isinstance(where, Range)):
        raise ValueError(f"{type(where).__name__} is not for the {field.kind} field {field.name}")
    if not _has_index(table, field) or (field.kind == "text" and not isinstance(where, Wildcard)):
        return _test(where, field, column(field))
    ids = few(_matches(where, table))
    return _test_each(where, field, table) if ids is None else _one_of(ids)


def _matches(where: Equals | In | Range | Wildcard, table: Table) -> Clause:
    """Return the SELECT of the ids of all documents for which `where` holds, from the field's index alone."""
    field = table.field(where.field)
    if field.kind == "list":
        test = _test(where, field, "e.value")
        return Clause(f"SELECT DISTINCT e.owner FROM {table.elements_name(field)} e WHERE {test.sql}", test.parameters)
    test = _test(where, field, column(field))
    return Clause(f"SELECT t.id FROM {table.name} t WHERE {test.sql}", test.parameters)


def _test_each(where: Equals | In | Range | Wildcard, field: Field, table: Table) -> Clause:
    """Return the condition in a form that keeps SQLite from walking the field's own index (``+``)."""
    if field.kind != "list":
        return _test(where, field, f"+{column(field)}")
    test = _test(where, field, "e.value")
    elements = table.elements_name(field)
    return Clause(f"EXISTS (SELECT 1 FROM {elements} e WHERE e.owner = t.id AND {test.sql})", test.parameters)


def _one_of(ids: Sequence[int]) -> Clause:
    return Clause("t.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)) if ids else _NEVER


def _test(where: Equals | In | Range | Wildcard, field: Field, value: str) -> Clause:
    """Return the condition on one value, `value` being its SQL."""
    match where:
        case Equals(_, wanted):
            return _in([wanted], field, value)
        case In(_, several):
            return _in(several, field, value)
        case Range(_, low, high):
            return _range(low, high, field, value)
        case Wildcard(_, pattern):
            return _wildcard(pattern, value) if field.kind != "int" and is_unicode(pattern) else _NEVER


def _in(values: Sequence[Value], field: Field, value: str) -> Clause:
    wanted = tuple(dict.fromkeys(each for each in values if may_be(field, each)))
    if not wanted:
        return _NEVER
    if len(wanted) == 1:
        return Clause(f"{value} = ?", wanted)
    if len(wanted) <= _MOST_VARIABLES:
        return Clause(f"{value} IN ({', '.join('?' * len(wanted))})", wanted)
    whole = [each for each in wanted if not _has_nul(each)]
    array = Clause(f"{value} IN (SELECT value FROM json_each(?))", (json.dumps(whole),))
    others = [Clause(f"{value} = ?", (each,)) for each in wanted if _has_nul(each)]  # json_each cuts text at a NUL
    return _join([array, *others], "OR", _NEVER)


def _has_nul(value: Value) -> bool:
    return isinstance(value, str) and _NUL in value


def _range(low: Value | None, high: Value | None, field: Field, value: str) -> Clause:
    bounds = [bound for bound in (low, high) if bound is not None]
    if any(isinstance(bound, int) is not (field.kind == "int") for bound in bounds):
        return _NEVER
    clauses = [_bound(bound, sign, value) for bound, sign in ((low, ">="), (high, "<=")) if bound is not None]
    return _join(clauses, "AND", Clause(f"{value} IS NOT NULL"))


def _bound(bound: Value, sign: str, value: str) -> Clause:
    if isinstance(bound, int) and not fits(bound):
        is_met = (bound < 0) is (sign == ">=")
        return Clause(f"{value} IS NOT NULL") if is_met else _NEVER
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
    return _join([begins, _glob(pattern, value)], "AND", _ALWAYS)


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
