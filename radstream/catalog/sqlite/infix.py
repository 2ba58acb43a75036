"""The index that finds text from its middle: SQLite's FTS5, fed with trigrams.

One row for each document that has a value, under the document's id. The table keeps no text of its own, so that what is
to be forgotten has to be named: the text that was indexed before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from radstream.catalog.sqlite.conditions import Clause
from radstream.catalog.sqlite.database import Connection
from radstream.catalog.sqlite.layout import Raw, Table, quoted
from radstream.catalog.trigrams import trigrams_in
from radstream.contract.documents import Field

_BETWEEN: Final = "\n"
"""Between the elements of a list: a pattern that reaches across finds too much, which is tested afterwards."""

_MISREAD: Final = str.maketrans("\0", "\1")
"""FTS5 stops at a NUL; text and pattern are changed alike."""


def create_infix(connection: Connection, table: Table, field: Field) -> None:
    """Make the index of `field` and fill it with what is stored."""
    name = table.infix_name(field)
    connection.execute(
        f"CREATE VIRTUAL TABLE {name} USING fts5"
        "(value, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')"
    )
    stored = connection.execute(f"SELECT id, {quoted(field.name)} FROM {table.name}")
    for owner, raw in stored:
        _replace(connection, name, owner, "", _text(field, raw))


def write_infix(
    connection: Connection, table: Table, owner: int, before: Mapping[Field, Raw], after: Mapping[Field, Raw]
) -> None:
    """Index what `after` says of the document `owner`, in place of what `before` said; other fields stay."""
    for field in table.infix:
        if field in after:
            old, new = _text(field, before.get(field)), _text(field, after[field])
            if old != new:
                _replace(connection, table.infix_name(field), owner, old, new)


def infix_clause(table: Table, field: Field, pattern: str) -> Clause | None:
    """Return the SELECT of the ids of documents that may match `pattern`; None if the index cannot tell."""
    trigrams = trigrams_in(pattern.translate(_MISREAD)) if field in table.infix else []
    if not trigrams:
        return None
    name = table.infix_name(field)
    wanted = " AND ".join(f'"{trigram}"' for trigram in (each.replace('"', '""') for each in trigrams))
    return Clause(f"SELECT rowid FROM {name} WHERE {name} MATCH ?", (wanted,))


def _text(field: Field, raw: Raw) -> str:
    if not isinstance(raw, str):
        return ""
    text = _BETWEEN.join(dict.fromkeys(json.loads(raw))) if field.kind == "list" else raw
    return text.translate(_MISREAD)


def _replace(connection: Connection, name: str, owner: int, old: str, new: str) -> None:
    if old:
        connection.execute(f"INSERT INTO {name} ({name}, rowid, value) VALUES ('delete', ?, ?)", (owner, old))
    if new:
        connection.execute(f"INSERT INTO {name} (rowid, value) VALUES (?, ?)", (owner, new))
