"""Pages far down a list: most of what lies above them is counted, not walked past.

For a counted field, a table says how many documents have each value, and how many have each beginning (of a date: its
month). Triggers keep it, within the transaction that changes a document. So the n-th document is found by two short
sums, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radstream.catalog.sqlite.conditions import Clause
from radstream.catalog.sqlite.database import Connection
from radstream.catalog.sqlite.layout import Table, quoted
from radstream.catalog.wildcards import behind
from radstream.contract.documents import Field

SHALLOW: Final = 1000
"""So many are walked past sooner than summed up."""

_BEGINNING: Final = 6
_BEGINNINGS, _VALUES = 0, 1
_LAST: Final = chr(0x10FFFF)


def create_counts(connection: Connection, table: Table, field: Field) -> None:
    """Make the counts of `field` and what keeps them, and count what is stored."""
    name, value = table.counts_name(field), quoted(field.name)
    connection.execute(
        f"CREATE TABLE {name} (level INTEGER, value TEXT, number INTEGER NOT NULL, PRIMARY KEY (level, value)) "
        "WITHOUT ROWID"
    )
    for level, part in ((_BEGINNINGS, f"substr({value}, 1, {_BEGINNING})"), (_VALUES, value)):
        sql = f"SELECT {level}, {part}, count(*) FROM {table.name} WHERE {value} IS NOT NULL GROUP BY 2"
        connection.execute(f"INSERT INTO {name} {sql}")
    changed = f"OLD.{value} IS NOT NEW.{value}"
    _create_trigger(connection, table, field, "INSERT", "1", _counting(name, f"NEW.{value}", 1))
    _create_trigger(connection, table, field, "DELETE", "1", _counting(name, f"OLD.{value}", -1))
    both = _counting(name, f"OLD.{value}", -1) + _counting(name, f"NEW.{value}", 1)
    _create_trigger(connection, table, field, f"UPDATE OF {value}", changed, both)


def _create_trigger(connection: Connection, table: Table, field: Field, event: str, when: str, action: str) -> None:
    name = quoted(f"{table.collection.name}__{field.name} counted at {event[:6]}")
    connection.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table.name} WHEN {when} BEGIN {action} END")


def _counting(name: str, value: str, change: int) -> str:
    """Return the statement by which there are `change` more of `value`; none if it is NULL."""
    return (
        f"INSERT INTO {name} SELECT level, part, {change} FROM "
        f"(SELECT {_BEGINNINGS} level, substr({value}, 1, {_BEGINNING}) part UNION ALL SELECT {_VALUES}, {value}) "
        "WHERE part IS NOT NULL ON CONFLICT DO UPDATE SET number = number + excluded.number; "
    )


def start_of_page(
    connection: Connection, table: Table, sort: Sequence[str], skip: int, limit: int | None
) -> tuple[Clause, int] | None:
    """Return a condition that leaves out most of the first `skip` documents, and how many of them it leaves in.

    None where there is no such condition: in other orders than downwards by a counted field, where the documents
    without a value come in, and near the top.
    """
    field = next((field for field in table.counted if sort and sort[0] == f"-{field.name}"), None)
    if field is None or limit is None or skip < SHALLOW:
        return None
    name = table.counts_name(field)
    beginnings = connection.execute(f"{_counts(name)} ORDER BY value DESC", (_BEGINNINGS,)).fetchall()
    if sum(number for _, number in beginnings) < skip + limit:
        return None
    beginning, passed = _reached(beginnings, skip)
    within = f"{_counts(name)} AND value >= ? AND value < ? AND substr(value, 1, {_BEGINNING}) = ? ORDER BY value DESC"
    bounds = beginning, behind(beginning) or _LAST, beginning
    value, more = _reached(connection.execute(within, (_VALUES, *bounds)).fetchall(), skip - passed)
    return Clause(f"t.{quoted(field.name)} <= ?", (value,)), skip - passed - more


def _counts(name: str) -> str:
    return f"SELECT value, number FROM {name} WHERE level = ?"


def count_all(table: Table) -> Clause:
    """Return the SELECT of the number of all documents."""
    if not table.counted:  # without WHERE, SQLite only counts the entries of an index's pages
        return Clause(f"SELECT count(*) FROM {table.name}")
    field = table.counted[0]
    known = f"SELECT coalesce(sum(number), 0) FROM {table.counts_name(field)} WHERE level = {_BEGINNINGS}"
    others = f"SELECT count(*) FROM {table.name} WHERE {quoted(field.name)} IS NULL"
    return Clause(f"SELECT ({known}) + ({others})")


def _reached(counts: Sequence[tuple[str, int]], skip: int) -> tuple[str, int]:
    """Return the value of the document number `skip`, from 0, and how many are above that value."""
    passed = 0
    for value, number in counts:
        if passed + number > skip:
            return value, passed
        passed += number
    raise AssertionError("there are not so many")
