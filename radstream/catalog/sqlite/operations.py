"""The operations of the catalog as SQL. `prepare` looks at them before any is carried out: a bad one harms no other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radstream.catalog.port import Delete, Operation, Put, PutEarliest, Set
from radstream.catalog.sqlite.database import Connection
from radstream.catalog.sqlite.infix import write_infix
from radstream.catalog.sqlite.layout import Raw, Table, encode, encode_document, quoted
from radstream.contract.documents import Field

Values = Mapping[Field, Raw]


@dataclass(frozen=True)
class Change:
    """An operation whose values are known to fit."""

    operation: Operation
    table: Table
    values: Values


def prepare(operation: Operation, table: Table) -> Change:
    """Return `operation` with its values as they are kept.

    Raises
    ------
    TypeError, ValueError
        If a value is not of its field's kind, a field is not declared, or a `PutEarliest` has no ``order``.
    """
    encode(table.field("_id"), operation.key)
    match operation:
        case Put(_, _, document):
            missing = dict.fromkeys(table.collection.fields, None)
            return Change(operation, table, missing | encode_document(table, document))
        case PutEarliest(_, _, document):
            values = encode_document(table, document)
            if values.get(table.field("order")) is None:
                raise ValueError("what is put in order needs one")
            return Change(operation, table, values)
        case Set(_, _, fields):
            return Change(operation, table, encode_document(table, fields))
        case Delete():
            return Change(operation, table, {})


def carry_out(connection: Connection, change: Change) -> None:
    """Carry out one change within the transaction of `connection`."""
    table, key = change.table, change.operation.key
    stored = _stored(connection, table, key)
    match change.operation:
        case Put():
            _write(connection, table, key, stored, change.values)
        case PutEarliest():
            _write(connection, table, key, stored, _earliest(table, stored, change.values))
        case Set() if stored is not None:
            _write(connection, table, key, stored, change.values)
        case Delete() if stored is not None:
            _delete(connection, table, stored)


@dataclass(frozen=True)
class _Stored:
    """What must be known of a document to change it: its id, its order, its lists and what is found by infix."""

    id: int
    values: Values


def _known_fields(table: Table) -> list[Field]:
    return [field for field in table.small if field.kind == "list" or field.infix or field.name == "order"]


def _stored(connection: Connection, table: Table, key: str) -> _Stored | None:
    fields = _known_fields(table)
    columns = ", ".join(["id", *(quoted(field.name) for field in fields)])
    row = connection.execute(f"SELECT {columns} FROM {table.name} WHERE key = ?", (key,)).fetchone()
    return None if row is None else _Stored(row[0], dict(zip(fields, row[1:], strict=True)))


def _earliest(table: Table, stored: _Stored | None, values: Values) -> Values:
    """Return what is to be written so that the document with the smallest order stays; the others are noted, sorted."""
    order = table.field("order")
    first, coming = stored and stored.values[order], values[order]
    loses = isinstance(first, str) and isinstance(coming, str) and first < coming
    others = {field: _others(field, stored, values, order) for field in table.lists if field.name == "others"}
    return others if loses else {**values, **others}


def _others(field: Field, stored: _Stored | None, values: Values, order: Field) -> Raw:
    before = {field: None, order: None} if stored is None else stored.values
    orders = {each for each in (before[order], values[order]) if isinstance(each, str)}
    known = {element for raw in (before[field], values.get(field)) for element in json.loads(str(raw or "[]"))}
    return encode(field, sorted((known | orders) - {min(orders)}))


def _write(connection: Connection, table: Table, key: str, stored: _Stored | None, values: Values) -> None:
    """Write `values`; what is not among them stays as it is."""
    small = {quoted(field.name): value for field, value in values.items() if not field.large}
    if stored is None:
        places = ", ".join("?" * (len(small) + 1))
        sql = f"INSERT INTO {table.name} ({', '.join(['key', *small])}) VALUES ({places})"
        owner = connection.execute(sql, (key, *small.values())).lastrowid
        assert owner is not None
    else:
        owner = stored.id
        if small:
            changes = ", ".join(f"{name} = ?" for name in small)
            connection.execute(f"UPDATE {table.name} SET {changes} WHERE id = ?", (*small.values(), owner))
    _write_large(connection, table, owner, values)
    for field in table.lists:
        if field in values and (stored is None or stored.values[field] != values[field]):
            _write_elements(connection, table, field, owner, values[field])
    write_infix(connection, table, owner, {} if stored is None else stored.values, values)


def _write_large(connection: Connection, table: Table, owner: int, values: Values) -> None:
    large = {quoted(field.name): value for field, value in values.items() if field.large}
    if large:
        places = ", ".join("?" * (len(large) + 1))
        changes = ", ".join(f"{name} = excluded.{name}" for name in large)
        connection.execute(
            f"INSERT INTO {table.large_name} ({', '.join(['id', *large])}) VALUES ({places}) "
            f"ON CONFLICT (id) DO UPDATE SET {changes}",
            (owner, *large.values()),
        )


def _write_elements(connection: Connection, table: Table, field: Field, owner: int, raw: Raw) -> None:
    name = table.elements_name(field)
    connection.execute(f"DELETE FROM {name} WHERE owner = ?", (owner,))
    elements: Sequence[Any] = json.loads(raw) if isinstance(raw, str) else []
    rows = [(owner, element) for element in dict.fromkeys(elements)]
    connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)


def _delete(connection: Connection, table: Table, stored: _Stored) -> None:
    owner = stored.id
    write_infix(connection, table, owner, stored.values, dict.fromkeys(table.infix))
    for field in table.lists:
        connection.execute(f"DELETE FROM {table.elements_name(field)} WHERE owner = ?", (owner,))
    connection.execute(f"DELETE FROM {table.large_name} WHERE id = ?", (owner,))
    connection.execute(f"DELETE FROM {table.name} WHERE id = ?", (owner,))
