"""Finding: the ids from the indexes alone, then the rows of just these: a page costs the same however deep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Final

from radstream.catalog.filters import And, Predicate, Range
from radstream.catalog.port import Document
from radstream.catalog.sqlite.conditions import ALWAYS, Clause
from radstream.catalog.sqlite.database import Connection
from radstream.catalog.sqlite.layout import Raw, Table, as_array, decode_list
from radstream.catalog.sqlite.pages import count_all, start_of_page
from radstream.catalog.sqlite.predicates import compile_predicate, flat, matches_of_one

_FEWEST: Final = 100
_MOST: Final = 10_000
_NEAR: Final = 400
"""So many documents are looked at before it is counted how many there are."""

_SOON_FETCHED: Final = 200
"""More ids than that are counted first: that takes a tenth of fetching them."""


@dataclass(frozen=True)
class Query:
    """What `Catalog.find` was asked for.

    Raises
    ------
    ValueError
        If `skip` or `limit` is negative, or a field is not declared.
    """

    table: Table
    where: Predicate
    fields: Sequence[str]
    sort: Sequence[str] = ()
    skip: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.skip < 0 or (self.limit is not None and self.limit < 0):
            raise ValueError("neither skip nor limit may be negative")
        for name in self.fields:
            self.table.field(name)


def find(connection: Connection, query: Query) -> list[Document]:
    """Return the documents that `query` asks for, in its order."""
    lists = [name for name in query.fields if query.table.field(name).kind == "list"]
    return [_document(query.fields, lists, row) for row in connection.execute(*_select(connection, query))]


def _document(names: Sequence[str], lists: Sequence[str], row: Sequence[Raw]) -> Document:
    document: Document = dict(zip(names, row, strict=False))
    document["_id"] = row[-1]
    for name in lists:
        document[name] = decode_list(document[name])
    return document


def count(connection: Connection, table: Table, where: Predicate) -> int:
    """Return for how many documents `where` holds."""
    number: int = connection.execute(*_select_count(connection, table, where)).fetchone()[0]
    return number


def _select_count(connection: Connection, table: Table, where: Predicate) -> Clause:
    if matches := matches_of_one(where, table):
        return Clause(f"SELECT count(DISTINCT id) FROM ({matches.sql})", matches.parameters)
    condition = compile_predicate(where, table, _Counting(connection, table, None))
    if condition == ALWAYS:
        return count_all(table)
    return Clause(f"SELECT count(*) FROM {table.name} t WHERE {condition.sql}", condition.parameters)


def _select(connection: Connection, query: Query) -> Clause:
    """Return the SELECT of the fields, and the key last, of those that `_select_ids` finds, in that order.

    An inner SELECT with a limit is never merged into an outer join, whose first loop is over what it finds.
    """
    ids = _select_ids(connection, query)
    columns, joins = query.table.selecting(tuple(query.fields))
    return Clause(f"SELECT {columns} FROM ({ids.sql}) p {joins}", ids.parameters)


def _select_ids(connection: Connection, query: Query) -> Clause:
    table = query.table
    near = _Counting(connection, table, 0)
    condition, skip = compile_predicate(query.where, table, near), query.skip
    if near.left_open:
        if near.has_found_none and (page := _nearest(connection, query, condition)):
            return page
        wanted = None if query.limit is None else query.skip + query.limit
        condition = compile_predicate(query.where, table, _Counting(connection, table, wanted))
    if condition == ALWAYS:
        condition, skip = start_of_page(connection, table, query.sort, skip, query.limit) or (condition, skip)
    return _in_order(query, condition, -1 if query.limit is None else query.limit, skip)


def _nearest(connection: Connection, query: Query, condition: Clause) -> Clause | None:
    """Return the ids of a page that is filled within the first `_NEAR` documents in the order of the sort.

    So the first pages of what many documents have cost the same in every archive. None if the page is not filled.
    """
    table, limit = query.table, query.limit
    if limit is None or query.skip + limit > _NEAR // 4 or tuple(query.sort) not in table.collection.indexes:
        return None
    field = query.sort[0].removeprefix("-")
    within = And([part for part in flat([query.where]) if isinstance(part, Range) and part.field == field])
    inner = _in_order(query, compile_predicate(within, table, _Counting(connection, table, 0)), _NEAR, 0)
    nearest = f"({inner.sql}) n CROSS JOIN {table.name} t ON t.id = n.id"
    sql = f"SELECT t.id FROM {nearest} WHERE {condition.sql} LIMIT ? OFFSET ?"
    found = connection.execute(sql, (*inner.parameters, *condition.parameters, limit, query.skip)).fetchall()
    ids = as_array([row[0] for row in found])
    return Clause("SELECT value id FROM json_each(?)", (ids,)) if len(found) == limit else None


def _in_order(query: Query, condition: Clause, limit: int, skip: int) -> Clause:
    terms = query.table.sorting(tuple(query.sort))
    sql = f"SELECT t.id FROM {query.table.name} t WHERE {condition.sql} ORDER BY {terms} LIMIT ? OFFSET ?"
    return Clause(sql, (*condition.parameters, limit, skip))


class _Counting:
    """Tells whether a SELECT has few ids; see `predicates.Few`.

    Sorting m matches costs about m; walking in the order of the sort until `wanted` are met among N documents costs
    about ``wanted * N / m``. They are equal where m is the square root of ``wanted * N``.
    """

    def __init__(self, connection: Connection, table: Table, wanted: int | None) -> None:
        self._connection = connection
        self._table = table
        self._wanted = wanted
        self._known: dict[tuple[Clause, float], Sequence[int] | None] = {}

    def __call__(self, matches: Clause, share: float) -> Sequence[int] | None:
        known = matches, share
        if known not in self._known:
            self._known[known] = self._count(matches, int(self._most * share))
        return self._known[known]

    @property
    def left_open(self) -> bool:
        """Whether something has too many matches to be counted so far."""
        return any(ids is None and share == 1 for (_, share), ids in self._known.items())

    @property
    def has_found_none(self) -> bool:
        """Whether nothing that was asked has few matches."""
        return all(ids is None for ids in self._known.values())

    @cached_property
    def _most(self) -> int:
        number = self._connection.execute(f"SELECT max(id) FROM {self._table.name}").fetchone()[0] or 0
        return _MOST if self._wanted is None else min(_MOST, max(_FEWEST, isqrt(self._wanted * number)))

    def _count(self, matches: Clause, limit: int) -> Sequence[int] | None:
        if limit > _SOON_FETCHED and self._is_more(matches, limit):
            return None
        rows = self._connection.execute(f"{matches.sql} LIMIT ?", (*matches.parameters, limit + 1)).fetchall()
        return list(dict.fromkeys(row[0] for row in rows)) if len(rows) <= limit else None

    def _is_more(self, matches: Clause, limit: int) -> bool:
        sql = f"SELECT count(*) FROM ({matches.sql} LIMIT ?)"
        return bool(self._connection.execute(sql, (*matches.parameters, limit + 1)).fetchone()[0] > limit)
