"""How a collection lies in tables.

::

    studies                 id, key, one column a field; lists as JSON text; bytes last, so that scans do not read them
    studies__large          id and the large fields
    studies__PatientName_folded   owner and value, for each element of a list
    studies__PatientName_folded by infix   trigrams, see `infix`
    studies__StudyDate counted      how many documents have each value, see `pages`

Every index ends with the key, which is the last field of every sort: pages are read from the index alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, Final

import orjson

from radstream.catalog.sqlite.database import has_full_text
from radstream.catalog.values import KEY, normalised
from radstream.contract.documents import Collection, Field

Raw = str | int | bytes | None
"""A value as SQLite keeps it."""

_MOST_KEPT: Final = 256


def quoted(name: str) -> str:
    """Return `name` as SQL identifier."""
    return f'"{name}"'


@dataclass(frozen=True)
class Table:
    """The tables of one collection."""

    collection: Collection

    @cached_property
    def name(self) -> str:
        """The main table, quoted."""
        return quoted(self.collection.name)

    @cached_property
    def large_name(self) -> str:
        """The table of the large fields, quoted."""
        return quoted(f"{self.collection.name}__large")

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {field.name: field for field in self.collection.fields}

    @cached_property
    def lists(self) -> tuple[Field, ...]:
        """The fields that have a table of elements."""
        return tuple(field for field in self.collection.fields if field.kind == "list")

    @cached_property
    def infix(self) -> tuple[Field, ...]:
        """The fields that have an index of trigrams."""
        return tuple(field for field in self.collection.fields if field.infix and has_full_text())

    @cached_property
    def counted(self) -> tuple[Field, ...]:
        """The fields of which it is kept how many documents have each value."""
        return tuple(field for field in self.collection.fields if field.counted)

    @cached_property
    def large(self) -> tuple[Field, ...]:
        """The fields that are kept apart."""
        return tuple(field for field in self.collection.fields if field.large)

    @cached_property
    def small(self) -> tuple[Field, ...]:
        """The fields of the main table, bytes last."""
        fields = [field for field in self.collection.fields if not field.large]
        return tuple(sorted(fields, key=lambda field: field.kind == "bytes"))

    @cached_property
    def _leading(self) -> frozenset[str]:
        return frozenset({"_id", *(index[0].removeprefix("-") for index in self.collection.indexes)})

    def field(self, name: str) -> Field:
        """Return a field by its name; ``_id`` is the key.

        Raises
        ------
        ValueError
            If the collection declares no such field.
        """
        if name == "_id":
            return KEY
        if name not in self._fields:
            raise ValueError(f"the collection {self.collection.name} has no field {name}")
        return self._fields[name]

    def elements_name(self, field: Field) -> str:
        """Return the table of the elements of a list field, quoted."""
        return quoted(f"{self.collection.name}__{field.name}")

    def infix_name(self, field: Field) -> str:
        """Return the index of the trigrams of a field, quoted."""
        return quoted(f"{self.collection.name}__{field.name} by infix")

    def counts_name(self, field: Field) -> str:
        """Return the table of how many documents have each value of a field, quoted."""
        return quoted(f"{self.collection.name}__{field.name} counted")

    @cached_property
    def selecting(self) -> Callable[[tuple[str, ...]], tuple[str, str]]:
        """Given the names of fields, returns the columns of a SELECT, the key last, and its joins to the ids ``p``."""
        return lru_cache(_MOST_KEPT)(partial(_selecting, self))

    @cached_property
    def sorting(self) -> Callable[[tuple[str, ...]], str]:
        """Given "name" or "-name" of each, returns the terms of a sort, the key last.

        Raises
        ------
        ValueError
            If documents are not sorted by one of them.
        """
        return lru_cache(_MOST_KEPT)(partial(_sorting, self))

    def is_leading(self, field: Field) -> bool:
        """Tell whether an index begins with `field`."""
        return field.name in self._leading


def _selecting(table: Table, names: Sequence[str]) -> tuple[str, str]:
    fields = [table.field(name) for name in names]
    large = f" LEFT JOIN {table.large_name} l ON l.id = t.id" if any(field.large for field in fields) else ""
    return ", ".join([*map(column, fields), "t.key"]), f"CROSS JOIN {table.name} t ON t.id = p.id{large}"


def _sorting(table: Table, names: Sequence[str]) -> str:
    return ", ".join([*(_sort_term(table, name) for name in names), "t.key"])


def _sort_term(table: Table, name: str) -> str:
    field = table.field(name.removeprefix("-"))
    if field.kind not in ("text", "int"):
        raise ValueError(f"documents are not sorted by the {field.kind} field {field.name}")
    return ordering(name, "t.") if field is not KEY else f"t.key{' DESC' if name.startswith('-') else ''}"


def column(field: Field) -> str:
    """Return the column of `field` as seen by a query: ``t`` is the main table, ``l`` that of the large fields."""
    return "t.key" if field is KEY else f"{'l' if field.large else 't'}.{quoted(field.name)}"


def encode(field: Field, value: Any) -> Raw:
    """Return `value` as it is kept.

    Raises
    ------
    TypeError, ValueError
        As `normalised`.
    """
    kept = normalised(field, value)
    return json.dumps(kept, ensure_ascii=False) if isinstance(kept, list) else kept


def as_array(ids: Sequence[int]) -> str:
    """Return `ids` as JSON, for a statement that reads them with ``json_each``."""
    return orjson.dumps(ids).decode()


def decode_list(raw: Raw) -> list[str]:
    """Return the list that `encode` made `raw` of; a missing one is empty."""
    elements: list[str] = orjson.loads(raw) if isinstance(raw, str) else []
    return elements


def encode_document(table: Table, document: Mapping[str, Any]) -> dict[Field, Raw]:
    """Return the values of `document` by field; ``_id`` is passed over, the key is given apart.

    Raises
    ------
    TypeError, ValueError
        As `encode`, and if the collection declares no such field.
    """
    names = [name for name in document if name != "_id"]
    fields: Sequence[Field] = [table.field(name) for name in names]
    return {field: encode(field, document[field.name]) for field in fields}


def ordering(name: str, prefix: str = "") -> str:
    """Return "-name" or "name" as term of an index or of a sort."""
    return f"{prefix}{quoted(name.removeprefix('-'))}{' DESC' if name.startswith('-') else ''}"
