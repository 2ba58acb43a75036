"""From the predicates of `catalog.filters` to SQL. Pure: what must be asked of the database is asked through `Few`.

Two plans compete wherever a predicate is answered by an index of its own: take its matches and sort them (good if they
are few), or walk in the order of the sort and test each document (good if they are many). No statistics are kept; the
index itself is asked, up to a limit, and the answer is used in the query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Wildcard
from radstream.catalog.sqlite.conditions import ALWAYS, NEVER, Clause, OnField, condition, joined
from radstream.catalog.sqlite.infix import infix_clause
from radstream.catalog.sqlite.layout import Table, as_array, column
from radstream.catalog.values import is_unicode
from radstream.catalog.wildcards import split
from radstream.contract.documents import Field

Few = Callable[[Clause, float], Sequence[int] | None]
"""Carries out a SELECT of ids and returns them if they are few, None if they are many.

The number is the share of what is few otherwise: 1.0, or less to find the most selective of several.
"""

_SHARES: Final = (0.01, 0.1, 1.0)


def compile_predicate(where: Predicate, table: Table, few: Few) -> Clause:
    """Return the condition that `where` is, on table ``t``.

    A condition on a missing value is NULL in SQL, which counts as false everywhere but under NOT: there it is made so.

    Raises
    ------
    MalformedRequest
        As `condition`.
    ValueError
        If a field is not declared, or of a kind that the predicate is not for.
    """
    match where:
        case And(parts):
            return _all_of(parts, table, few)
        case Or(parts):
            return joined([compile_predicate(part, table, few) for part in parts], "OR", NEVER)
        case Not(part):
            inner = compile_predicate(part, table, few)
            return Clause(f"NOT coalesce({inner.sql}, 0)", inner.parameters)
        case Exists(name, present):
            return _existence(table, table.field(name), present)
        case _:
            return _on_field(where, table, few)


def matches_of_one(where: Predicate, table: Table) -> Clause | None:
    """Return the SELECT of the ids of all matches if `where` is a condition on one list, which has its own index."""
    match where:
        case And([part]) | Or([part]):
            return matches_of_one(part, table)
        case Equals() | In() | Range() | Wildcard() if table.field(where.field).kind == "list":
            return _matches(where, table)
    return None


def _all_of(parts: Sequence[Predicate], table: Table, few: Few) -> Clause:
    """Join `parts`; if one of them has few matches it leads, and only these are tested for the others."""
    parts = list(flat(parts))
    lead = _lead(parts, table, few) if len(parts) > 1 else None
    if lead is None:
        return joined([compile_predicate(part, table, few) for part in parts], "AND", ALWAYS)
    rest = [compile_predicate(part, table, _many) for part in parts if part is not lead[0]]
    return joined([_leading(*lead, table), *rest], "AND", ALWAYS)


def _lead(parts: Sequence[Predicate], table: Table, few: Few) -> tuple[OnField, Sequence[int]] | None:
    """Return the one of `parts` that has the fewest matches, roughly, and their ids; None if all have many."""
    quick = [part for part in parts if isinstance(part, OnField) and _is_quick_to_ask(part, table)]
    for share in _SHARES:
        for part in quick:
            ids = few(_matches(part, table), share)
            if ids is not None:
                return part, ids
    return None


def _leading(part: OnField, ids: Sequence[int], table: Table) -> Clause:
    """Return the condition by which SQLite comes to the documents; a range's index may be in the order of the sort."""
    field = table.field(part.field)
    is_in_order = isinstance(part, Range) and field.kind != "list"
    return condition(part, field, column(field)) if is_in_order else _one_of(ids)


def flat(parts: Sequence[Predicate]) -> Iterator[Predicate]:
    """Yield `parts`, and in place of each `And` its parts: all have to hold."""
    for part in parts:
        if isinstance(part, And):
            yield from flat(part.parts)
        else:
            yield part


def _is_quick_to_ask(part: OnField, table: Table) -> bool:
    """Tell whether an index says at once how many matches `part` has."""
    field = table.field(part.field)
    if not _has_index(table, field):
        return False
    is_from_its_middle = isinstance(part, Wildcard) and not split(part.pattern)[0]
    return not is_from_its_middle or _candidates(part, field, table) is not None


def _has_index(table: Table, field: Field) -> bool:
    return field.kind == "list" or (field.kind == "text" and table.is_leading(field))


def _many(_matches: Clause, _share: float) -> None:
    """Stand in for `Few` where another condition leads: each document it finds is tested."""


def _existence(table: Table, field: Field, present: bool) -> Clause:
    test = f"{column(field)} IS NOT NULL"
    if field.large:
        test = f"EXISTS (SELECT 1 FROM {table.large_name} l WHERE l.id = t.id AND {test})"
    return Clause(test if present else f"NOT {test}")


def _on_field(where: OnField, table: Table, few: Few) -> Clause:
    field = table.field(where.field)
    if field.kind == "bytes" or field.large:
        raise ValueError(f"{type(where).__name__} is not for the {field.kind} field {field.name}")
    if few is _many:
        return _test_each(where, field, table)
    if not _has_index(table, field) or (field.kind == "text" and not isinstance(where, Wildcard)):
        return condition(where, field, column(field))
    ids = few(_matches(where, table), 1.0)
    return _test_each(where, field, table) if ids is None else _one_of(ids)


def _matches(where: OnField, table: Table) -> Clause:
    """Return the SELECT of the ids of all documents for which `where` holds, from the field's indexes alone.

    An id comes as often as elements of a list match.
    """
    field = table.field(where.field)
    is_list = field.kind == "list"
    source, id_, value = (
        (f"{table.elements_name(field)} e", "e.owner", "e.value")
        if is_list
        else (f"{table.name} t", "t.id", column(field))
    )
    test = condition(where, field, value)
    candidates = _candidates(where, field, table)
    if candidates is not None:
        source = f"({candidates.sql}) c CROSS JOIN {source} ON {id_} = c.rowid"
        test = Clause(test.sql, candidates.parameters + test.parameters)
    return Clause(f"SELECT {id_} id FROM {source} WHERE {test.sql}", test.parameters)


def _candidates(where: OnField, field: Field, table: Table) -> Clause | None:
    """Return the SELECT of the ids among which the matches of a pattern without beginning are, if an index has it."""
    if not isinstance(where, Wildcard) or split(where.pattern)[0] or not is_unicode(where.pattern):
        return None
    return infix_clause(table, field, where.pattern)


def _test_each(where: OnField, field: Field, table: Table) -> Clause:
    """Return the condition in a form that keeps SQLite from walking the field's own index (``+``)."""
    if field.kind != "list":
        return condition(where, field, f"+{column(field)}")
    test = condition(where, field, "e.value")
    elements = table.elements_name(field)
    return Clause(f"EXISTS (SELECT 1 FROM {elements} e WHERE e.owner = t.id AND {test.sql})", test.parameters)


def _one_of(ids: Sequence[int]) -> Clause:
    return Clause("t.id IN (SELECT value FROM json_each(?))", (as_array(ids),)) if ids else NEVER
