"""Studies by the hundred thousand, written straight into a catalog: copies of one that was stored as anybody would.

One by one through the port a million of them take hours, nearly all of it for indexes that grow in random places. Here
the indexes are dropped, the documents are written, and the catalog makes its indexes as for a file that an older
version wrote. Nobody else may use the catalog meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pymongo import MongoClient, WriteConcern

from bench.scale import MODALITIES, day_of, name_of, uid
from radstream.catalog.filters import Equals
from radstream.catalog.mongo.schema import Schema
from radstream.catalog.port import Catalog
from radstream.catalog.sqlite.layout import Table, decode_list, encode_document, quoted
from radstream.contract.documents import INSTANCES, PATIENTS, SERIES, STUDIES, Collection

COPIED = (PATIENTS, STUDIES, SERIES, INSTANCES)
TOGETHER = 2000

Document = Mapping[str, Any]


class Copies:
    """What the catalog has of study number 1, and how it reads for others.

    Parameters
    ----------
    templates : mapping of Collection to Document
        The one document of each that is about the study, with all its fields and ``_id``.
    """

    def __init__(self, templates: Mapping[Collection, Document]) -> None:
        self._templates = templates
        own = _texts(1)
        self._varying = {
            collection: [name for name, value in template.items() if any(text in str(value) for text in own)]
            for collection, template in templates.items()
        }

    def of(self, collection: Collection, number: int) -> tuple[str, dict[str, Any]]:
        """Return key and document of study `number` in a collection."""
        template, changes = self._templates[collection], list(zip(_texts(1), _texts(number), strict=True))
        copy = {**template, **{name: _changed(template[name], changes) for name in self._varying[collection]}}
        return copy.pop("_id"), copy


async def learn(catalog: Catalog) -> Copies:
    """Read what `catalog` has of study number 1."""
    templates = {}
    for collection in COPIED:
        where = Equals("StudyInstanceUID", uid(1, 1).decode())
        if collection is PATIENTS:
            where = Equals("PatientID", "P0000001")
        fields = [field.name for field in collection.fields]
        (templates[collection],) = await catalog.find(collection.name, where, fields=fields)
    return Copies(templates)


def _texts(number: int) -> list[str]:
    """Return the texts that tell study `number` from others."""
    uids = [uid(level, number).decode() for level in (1, 2, 3)]
    names = [name_of(number), name_of(number).lower()]
    return [*uids, *names, f"P{number:07}", day_of(number), MODALITIES[number % 4].decode()]


def _changed(value: Any, changes: list[tuple[str, str]]) -> Any:
    """Return `value` with the texts that tell studies apart replaced."""
    if isinstance(value, list):
        return [_changed(element, changes) for element in value]
    for old, new in changes:
        value = value.replace(*((old.encode(), new.encode()) if isinstance(value, bytes) else (old, new)))
    return value


def write_sqlite(path: Path, copies: Copies, first: int, last: int) -> None:
    """Write studies `first` to `last` (exclusive) into the file of a catalog, which is without indexes afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
            connection.execute(f"PRAGMA {setting}")
        _drop_indexes(connection)
        for collection in COPIED:
            for start in range(first, last, TOGETHER):
                numbers = range(start, min(start + TOGETHER, last))
                connection.execute("BEGIN")
                _insert(connection, Table(collection), copies, numbers)
                connection.execute("COMMIT")
        connection.execute("PRAGMA user_version = 1")  # of no declaration: whoever opens it makes what is missing


def _drop_indexes(connection: sqlite3.Connection) -> None:
    made = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL"
    own = "SELECT type, name FROM sqlite_master WHERE type = 'table' AND (name LIKE '% infix' OR name LIKE '% counted')"
    for kind, name in connection.execute(f"{made} UNION ALL {own}").fetchall():
        connection.execute(f"DROP {kind} {quoted(name)}")


def _insert(connection: sqlite3.Connection, table: Table, copies: Copies, numbers: range) -> None:
    (highest,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table.name}").fetchone()
    rows = []
    for owner, number in enumerate(numbers, highest + 1):
        key, document = copies.of(table.collection, number)
        rows.append((owner, key, encode_document(table, document)))
    for name, fields, keys in ((table.name, table.small, True), (table.large_name, table.large, False)):
        columns = ["id", *(["key"] if keys else []), *(quoted(field.name) for field in fields)]
        sql = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        values = ((owner, *([key] if keys else []), *(raw[field] for field in fields)) for owner, key, raw in rows)
        connection.executemany(sql, values)
    for field in table.lists:
        elements = ((owner, each) for owner, _, raw in rows for each in dict.fromkeys(decode_list(raw[field])))
        connection.executemany(f"INSERT INTO {table.elements_name(field)} VALUES (?, ?)", elements)


def write_mongodb(url: str, copies: Copies, first: int, last: int) -> None:
    """Write studies `first` to `last` (exclusive) into a database, which is without indexes afterwards."""
    with MongoClient[dict[str, Any]](url) as client:
        for collection in COPIED:
            there = client.get_default_database().get_collection(
                collection.name, write_concern=WriteConcern(1, j=False)
            )
            there.drop_indexes()
            for start in range(first, last, TOGETHER):
                numbers = range(start, min(start + TOGETHER, last))
                there.insert_many(_encoded(Schema(collection), copies, numbers), ordered=False)


def _encoded(schema: Schema, copies: Copies, numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        key, document = copies.of(schema.collection, number)
        yield {"_id": key} | {name: value for name, value in schema.encode(document).items() if value is not None}
