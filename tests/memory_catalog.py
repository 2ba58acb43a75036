"""A catalog in memory: the predicates as their definitions read, without any cleverness. For tests only."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Wildcard
from radstream.catalog.port import Delete, Document, Operation, Put, PutEarliest, Set
from radstream.catalog.values import KEY, is_unicode, normalised
from radstream.contract.documents import COLLECTIONS, Collection, Field
from radstream.contract.errors import MalformedRequest, Unavailable

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
            ends = [end for end in (low, high) if end is not None]
            if any(isinstance(end, str) is not isinstance(value, str) for end in ends):
                return False
            return (low is None or low <= value) and (high is None or value <= high)
        case Wildcard(_, pattern):
            return isinstance(value, str) and matches(pattern, value)


def matches(pattern: str, text: str) -> bool:
    """Follow `pattern` through all the places of `text` that it may have come to."""
    places = {0}
    for character in pattern:
        if character == "*":
            places = set(range(min(places), len(text) + 1)) if places else places
        else:
            places = {place + 1 for place in places if place < len(text) and character in ("?", text[place])}
    return len(text) in places


def refuse_what_means_nothing(where: Predicate, schema: Collection) -> None:
    match where:
        case And(parts) | Or(parts):
            for part in parts:
                refuse_what_means_nothing(part, schema)
            return
        case Not(part):
            refuse_what_means_nothing(part, schema)
            return
    kind = field_of(schema, where.field).kind
    if not isinstance(where, Exists) and kind == "bytes":
        raise ValueError(f"{type(where).__name__} is not for the {kind} field {where.field}")
    if isinstance(where, Wildcard) and kind != "int" and len(where.pattern) > 1024:
        raise MalformedRequest("a pattern is too long")
    ends = (where.low, where.high) if isinstance(where, Range) and kind == "text" else ()
    if not all(is_unicode(end) for end in ends if isinstance(end, str)):
        raise MalformedRequest("a bound of a range is no Unicode text")


def field_of(schema: Collection, name: str) -> Field:
    fields = {field.name: field for field in (KEY, *schema.fields)}
    if name not in fields:
        raise ValueError(f"{schema.name} has no field {name}")
    return fields[name]


def schema_of(collection: str) -> Collection:
    if collection not in SCHEMA:
        raise ValueError(f"no collection {collection}")
    return SCHEMA[collection]


class MemoryCatalog:
    """Keeps documents, and refuses what no catalog takes.

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
            refuse_what_does_not_fit(operation)
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
        schema = schema_of(collection)
        refuse_what_means_nothing(where, schema)
        if any(field_of(schema, name.removeprefix("-")).kind not in ("text", "int") for name in sort):
            raise ValueError("documents are sorted by text and numbers only")
        if min(skip, limit or 0) < 0 or [name for name in fields if not field_of(schema, name)]:
            raise ValueError("neither skip nor limit may be negative")
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
    values = {field_of(schema, name): value for name, value in document.items() if name != "_id"}
    kept = {field: normalised(field, value) for field, value in values.items()}
    return {field.name: [] if field.kind == "list" and value is None else value for field, value in kept.items()}


def refuse_what_does_not_fit(operation: Operation) -> None:
    schema = schema_of(operation.collection)
    normalised(KEY, operation.key)
    if isinstance(operation, Put | PutEarliest):
        document = declared(schema, operation.document)
        if isinstance(operation, PutEarliest) and document.get(field_of(schema, "order").name) is None:
            raise ValueError("what is put in order needs one")
    elif isinstance(operation, Set):
        declared(schema, operation.fields)


def earliest(schema: Collection, before: Document | None, coming: Document) -> Document:
    before = before or blank(schema)
    loses = before["order"] is not None and before["order"] < coming["order"]
    stays = before if loses else before | coming
    if "others" in stays:
        orders = {before["order"], coming["order"], *before["others"], *coming.get("others", [])}
        stays = stays | {"others": sorted(orders - {stays["order"], None})}
    return stays
