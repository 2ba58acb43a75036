"""Makes the tables of the declared collections, and adds what a newer declaration has. Nothing is ever dropped."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Final

from radstream.catalog.sqlite.database import Connection
from radstream.catalog.sqlite.infix import create_infix
from radstream.catalog.sqlite.layout import Table, ordering, quoted
from radstream.catalog.sqlite.pages import create_counts
from radstream.contract.documents import Field

_SQL_TYPES: Final = {"text": "TEXT", "int": "INTEGER", "list": "TEXT", "bytes": "BLOB"}


def create_tables(connection: Connection, tables: Sequence[Table]) -> None:
    """Make whatever tables, columns and indexes are missing; call it within a transaction."""
    declared = _fingerprint(tables)
    if connection.execute("PRAGMA user_version").fetchone() == (declared,):
        return
    for table in tables:
        for sql in _table_statements(table):
            connection.execute(sql)
        for field in _missing_fields(connection, table):
            connection.execute(_column_statement(table, field))
        for sql in _index_statements(table):
            connection.execute(sql)
        for field in _missing(connection, table.infix, table.infix_name):
            create_infix(connection, table, field)
        for field in _missing(connection, table.counted, table.counts_name):
            create_counts(connection, table, field)
    connection.execute(f"PRAGMA user_version = {declared}")


def _missing(connection: Connection, fields: Sequence[Field], name_of: Callable[[Field], str]) -> list[Field]:
    """Return those of `fields` whose own table, called `name_of` them, is missing."""
    there = {quoted(row[0]) for row in connection.execute("SELECT name FROM sqlite_master")}
    return [field for field in fields if name_of(field) not in there]


def _fingerprint(tables: Sequence[Table]) -> int:
    """Return a number that differs between declarations, as the file keeps it (31 bits, not 0)."""
    return zlib.crc32(repr([table.collection for table in tables]).encode()) & 0x7FFFFFFF or 1


def _missing_fields(connection: Connection, table: Table) -> list[Field]:
    return [
        *_missing_columns(connection, table.name, table.small),
        *_missing_columns(connection, table.large_name, table.large),
    ]


def _missing_columns(connection: Connection, name: str, fields: Sequence[Field]) -> list[Field]:
    there = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
    return [field for field in fields if field.name not in there]


def _table_statements(table: Table) -> list[str]:
    """Return the SQL that makes the tables and indexes of a collection where they are missing."""
    return [
        f"CREATE TABLE IF NOT EXISTS {table.name} (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)",
        f"CREATE TABLE IF NOT EXISTS {table.large_name} (id INTEGER PRIMARY KEY)",
        *(sql for field in table.lists for sql in _elements_statements(table, field)),
    ]


def _elements_statements(table: Table, field: Field) -> list[str]:
    name = table.elements_name(field)
    index = quoted(f"{table.collection.name}__{field.name} by value")
    return [
        f"CREATE TABLE IF NOT EXISTS {name} (owner INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, value)) "
        "WITHOUT ROWID",
        f"CREATE INDEX IF NOT EXISTS {index} ON {name} (value, owner)",
    ]


def _column_statement(table: Table, field: Field) -> str:
    """Return the SQL that adds the column of `field`."""
    name = table.large_name if field.large else table.name
    return f"ALTER TABLE {name} ADD COLUMN {quoted(field.name)} {_SQL_TYPES[field.kind]}"


def _index_statements(table: Table) -> list[str]:
    """Return the SQL that makes the declared indexes; those of list fields are on their elements already."""
    return [
        f"CREATE INDEX IF NOT EXISTS {quoted(' '.join([table.collection.name, 'by', *index]))} "
        f"ON {table.name} ({', '.join(map(ordering, index))}, key)"
        for index in table.collection.indexes
        if table.field(index[0].removeprefix("-")).kind != "list"
    ]
