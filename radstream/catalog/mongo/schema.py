"""How a collection lies in MongoDB: one document each, without the fields that have no value.

Every index ends with the key, which is the last field of every sort: pages are read in the order of an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pymongo import IndexModel

from radstream.catalog.port import Document
from radstream.catalog.trigrams import trigrams_of
from radstream.catalog.values import KEY, normalised
from radstream.contract.documents import Collection, Field


@dataclass(frozen=True)
class Schema:
    """The declaration of one collection."""

    collection: Collection

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {field.name: field for field in (KEY, *self.collection.fields)}

    def field(self, name: str) -> Field:
        """Return a field by its name; ``_id`` is the key.

        Raises
        ------
        ValueError
            If the collection declares no such field.
        """
        if name not in self._fields:
            raise ValueError(f"the collection {self.collection.name} has no field {name}")
        return self._fields[name]

    @property
    def has_others(self) -> bool:
        """Tell whether a `PutEarliest` has to note the orders of those that lost."""
        return "others" in self._fields and self._fields["others"].kind == "list"

    def indexes(self) -> list[IndexModel]:
        """Return the declared indexes, and those of trigrams."""
        infix = [(trigrams_name(field.name),) for field in self.collection.fields if field.infix]
        return [IndexModel([*map(direction, index), ("_id", 1)]) for index in (*self.collection.indexes, *infix)]

    def encode(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of `document` as they are kept, and the trigrams of those that are found by infix.

        ``_id`` is passed over, the key is given apart.

        Raises
        ------
        TypeError, ValueError
            As `normalised`, and if the collection declares no such field.
        """
        values = {name: normalised(self.field(name), value) for name, value in document.items() if name != "_id"}
        infix = [name for name in values if self.field(name).infix]
        return values | {trigrams_name(name): _trigrams(values[name]) for name in infix}

    def decode(self, found: Mapping[str, Any], fields: Sequence[str]) -> Document:
        """Return the document that was `found`, with exactly `fields`."""
        document = {name: found.get(name) for name in ("_id", *fields)}
        lists = (name for name in fields if document[name] is None and self.field(name).kind == "list")
        return document | {name: [] for name in lists}

    def sort(self, names: Sequence[str]) -> list[tuple[str, int]]:
        """Return the sort by `names`, "-name" for descending, the key last.

        Raises
        ------
        ValueError
            If documents are not sorted by one of them.
        """
        terms: dict[str, int] = {}
        for name, sign in map(direction, names):
            if self.field(name).kind not in ("text", "int"):
                raise ValueError(f"documents are not sorted by the {self.field(name).kind} field {name}")
            terms.setdefault(name, sign)
        return list(({**terms, "_id": terms.get("_id", 1)}).items())


def direction(name: str) -> tuple[str, int]:
    """Return the field that "name" or "-name" means, and 1 or -1."""
    return (name.removeprefix("-"), -1 if name.startswith("-") else 1)


def trigrams_name(name: str) -> str:
    """Return the field that keeps the trigrams of the field `name`."""
    return f"{name}__trigrams"


def _trigrams(value: Any) -> list[str]:
    """Return the trigrams of `value`; an empty list says that there are none, no list that nobody made them yet."""
    texts = value if isinstance(value, list) else [value or ""]
    return list(dict.fromkeys(trigram for text in texts for trigram in trigrams_of(text)))
