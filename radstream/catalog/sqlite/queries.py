"""Finding: first the ids, from the indexes alone, then the rows of just these: a page costs the same however deep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import isqrt
from typing import Final

from radstream.catalog.filters import Predicate
from radstream.catalog.port import Document
from radstream.catalog.sqlite.conditions import ALWAYS, Clause
from radstream.catalog.sqlite.database import Connection
from radstream.catalog.sqlite.layout import Table, as_array, column, decode_list, ordering
from radstream.catalog.sqlite.pages import count_all, start_of_page
from radstream.catalog.sqlite.predicates import Few, compile_predicate, matches_of_one

_FEWEST: Final = 100
_MOST: Final = 10_000
_ROWS_AT_A_TIME: Final = 200
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
    ids = [row[0] for row in connection.execute(*_select_ids(connection, query))]
    found: dict[int, Document] = {}
    for start in range(0, len(ids), _ROWS_AT_A_TIME):
        found.update(_documents(connection, query, ids[start : start + _ROWS_AT_A_TIME]))
    return [found[each] for each in ids]


def count(connection: Connection, table: Table, where: Predicate) -> int:
    """Return for how many documents `where` holds."""
    number: int = connection.execute(*_select_count(connection, table, where)).fetchone()[0]
    return number


def _select_count(connection: Connection, table: Table, where: Predicate) -> Clause:
    if matches := matches_of_one(where, table):
        return Clause(f"SELECT count(DISTINCT id) FROM ({matches.sql})", matches.parameters)
    condition = compile_predicate(where, table, _few(connection, table, None))
    if condition == ALWAYS:
        return count_all(table)
    return Clause(f"SELECT count(*) FROM {table.name} t WHERE {condition.sql}", condition.parameters)


def _select_ids(connection: Connection, query: Query) -> Clause:
    table = query.table
    wanted = None if query.limit is None else query.skip + query.limit
    condition, skip = compile_predicate(query.where, table, _few(connection, table, wanted)), query.skip
    if condition == ALWAYS:
        condition, skip = start_of_page(connection, table, query.sort, skip, query.limit) or (condition, skip)
    terms = ", ".join([*(_sort_term(table, name) for name in query.sort), "t.key"])
    sql = f"SELECT t.id FROM {table.name} t WHERE {condition.sql} ORDER BY {terms} LIMIT ? OFFSET ?"
    return Clause(sql, (*condition.parameters, -1 if query.limit is None else query.limit, skip))


def _sort_term(table: Table, name: str) -> str:
    field = table.field(name.removeprefix("-"))
    if field.kind not in ("text", "int"):
        raise ValueError(f"documents are not sorted by the {field.kind} field {field.name}")
    return ordering(name, "t.") if field.name != "_id" else f"t.key{' DESC' if name.startswith('-') else ''}"


def _few(connection: Connection, table: Table, wanted: int | None) -> Few:
    """Return what tells whether a SELECT has few ids.

    Sorting m matches costs about m; walking in the order of the sort until `wanted` are met among N documents costs
    about ``wanted * N / m``. They are equal where m is the square root of ``wanted * N``.
    """

    @cache
    def most() -> int:
        number = connection.execute(f"SELECT max(id) FROM {table.name}").fetchone()[0] or 0
        return _MOST if wanted is None else min(_MOST, max(_FEWEST, isqrt(wanted * number)))

    def is_more(matches: Clause, limit: int) -> bool:
        sql = f"SELECT count(*) FROM ({matches.sql} LIMIT ?)"
        return bool(connection.execute(sql, (*matches.parameters, limit + 1)).fetchone()[0] > limit)

    @cache
    def few(matches: Clause, share: float) -> list[int] | None:
        limit = int(most() * share)
        if limit > _SOON_FETCHED and is_more(matches, limit):
            return None
        rows = connection.execute(f"{matches.sql} LIMIT ?", (*matches.parameters, limit + 1)).fetchall()
        return list(dict.fromkeys(row[0] for row in rows)) if len(rows) <= limit else None

    return few


def _documents(connection: Connection, query: Query, ids: Sequence[int]) -> Iterator[tuple[int, Document]]:
    """Yield the documents of `ids`, in any order; the large fields are only touched if they are asked for."""
    table = query.table
    fields = [table.field(name) for name in query.fields]
    columns = ", ".join(["t.id", "t.key", *map(column, fields)])
    large = f" LEFT JOIN {table.large_name} l ON l.id = t.id" if any(field.large for field in fields) else ""
    sql = f"SELECT {columns} FROM json_each(?) p CROSS JOIN {table.name} t ON t.id = p.value{large}"
    names, lists = ["_id", *query.fields], [field.name for field in fields if field.kind == "list"]
    for each, *values in connection.execute(sql, (as_array(ids),)):
        document = dict(zip(names, values, strict=True))
        for name in lists:
            document[name] = decode_list(document[name])
        yield each, document
