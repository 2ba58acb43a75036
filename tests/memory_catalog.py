"""A catalog in memory: the predicates as their definitions read, without any cleverness. For tests only."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Wildcard
from radstream.catalog.port import Delete, Document, Operation, Put, PutEarliest, Set
from radstream.contract.documents import COLLECTIONS, Collection
from radstream.contract.errors import Unavailable

SCHEMA = {collection.name: collection for collection in COLLECTIONS}


def holds(where: Predicate, document: Document) -> bool:
    match where:
        case And(parts):
            return all(holds(part, document) for part in parts)
        case Or(parts):
            return any(holds(part, document) for part in parts)
        case Not(part):
            return not holds(part, document)
        case Exists(field, present):
            return (document[field] not in (None, [])) is present
    value = document[where.field]
    values = value if isinstance(value, list) else [] if value is None else [value]
    return any(holds_for(where, each) for each in values)


def holds_for(where: Equals | In | Range | Wildcard, value: Any) -> bool:
    match where:
        case Equals(_, wanted):
            return bool(value == wanted)
        case In(_, several):
            return value in several
        case Range(_, low, high):
            return (low is None or low <= value) and (high is None or value <= high)
        case Wildcard(_, pattern):
            parts = {"*": ".*", "?": "."}
            expression = "".join(parts.get(character, re.escape(character)) for character in pattern)
            return re.fullmatch(expression, value, re.DOTALL) is not None


class MemoryCatalog:
    """Keeps documents as they are given; refuses fields that the collection does not declare.

    Attributes
    ----------
    fails_after : int or None
        How many more operations of `apply` are carried out before it raises `Unavailable`; None: all.
    """

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, Document]] = {name: {} for name in SCHEMA}
        self.fails_after: int | None = None

    async def create_collections(self) -> None:
        return

    async def apply(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            if self.fails_after is not None:
                if self.fails_after == 0:
                    raise Unavailable("the catalog is away")
                self.fails_after -= 1
            self._apply(operation)

    def _apply(self, operation: Operation) -> None:
        schema, documents = SCHEMA[operation.collection], self.collections[operation.collection]
        before = documents.get(operation.key)
        match operation:
            case Put(_, key, document):
                documents[key] = blank(schema) | declared(schema, document)
            case PutEarliest(_, key, document):
                documents[key] = earliest(schema, before, declared(schema, document))
            case Set(_, key, fields) if before is not None:
                documents[key] = before | declared(schema, fields)
            case Delete(_, key):
                documents.pop(key, None)

    async def find(
        self,
        collection: str,
        where: Predicate,
        *,
        fields: Sequence[str],
        sort: Sequence[str] = (),
        skip: int = 0,
        limit: int | None = None,
    ) -> list[Document]:
        documents = [{"_id": key} | document for key, document in sorted(self.collections[collection].items())]
        found = [document for document in documents if holds(where, document)]
        for name in reversed(sort):
            field = name.removeprefix("-")
            found.sort(key=lambda document: rank(document[field]), reverse=name.startswith("-"))
        found = found[skip:] if limit is None else found[skip : skip + limit]
        return [copy.deepcopy({name: document[name] for name in ("_id", *fields)}) for document in found]

    async def count(self, collection: str, where: Predicate) -> int:
        return len(await self.find(collection, where, fields=()))

    async def check(self) -> None:
        return

    async def close(self) -> None:
        return


def rank(value: Any) -> tuple[Any, ...]:
    return (False,) if value is None else (True, value)


def blank(schema: Collection) -> Document:
    return {field.name: [] if field.kind == "list" else None for field in schema.fields}


def declared(schema: Collection, document: Any) -> Document:
    unknown = set(document) - {field.name for field in schema.fields}
    assert not unknown, f"{schema.name} declares no {unknown}"
    return dict(document)


def earliest(schema: Collection, before: Document | None, coming: Document) -> Document:
    if before is None:
        return blank(schema) | coming
    stays = before if before["order"] < coming["order"] else before | coming
    if "others" in stays:
        orders = {before["order"], coming["order"], *before["others"]}
        stays = stays | {"others": sorted(orders - {stays["order"]})}
    return stays
