"""The operations of the catalog as MongoDB's writes. `prepare` looks at one before any is carried out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from pymongo import DeleteOne, ReplaceOne, UpdateOne

from radstream.catalog.mongo.schema import Schema
from radstream.catalog.port import Delete, Operation, Put, PutEarliest, Set
from radstream.catalog.values import KEY, normalised

Write = DeleteOne | ReplaceOne[dict[str, Any]] | UpdateOne

_EMPTY: Final[list[str]] = []


@dataclass(frozen=True)
class Change:
    """A write whose values are known to fit."""

    collection: str
    is_removal: bool
    write: Write


def prepare(operation: Operation, schema: Schema) -> Change:
    """Return `operation` as a write.

    Raises
    ------
    TypeError, ValueError
        If a value is not of its field's kind, a field is not declared, or a `PutEarliest` has no ``order``.
    """
    normalised(KEY, operation.key)
    is_removal = isinstance(operation, Delete)
    return Change(schema.collection.name, is_removal, _write(operation, {"_id": operation.key}, schema))


def _write(operation: Operation, key: dict[str, str], schema: Schema) -> Write:
    match operation:
        case Put(_, _, document):
            values = {name: value for name, value in schema.encode(document).items() if value is not None}
            return ReplaceOne(key, values, upsert=True)
        case PutEarliest(_, _, document):
            values = schema.encode(document)
            if schema.field("order").kind != "text" or values.get("order") is None:
                raise ValueError("what is put in order needs one")
            return UpdateOne(key, _earliest(values, schema), upsert=True)
        case Set(_, _, fields):
            return UpdateOne(key, {"$set": schema.encode(fields)})
        case Delete():
            return DeleteOne(key)


def _earliest(values: dict[str, Any], schema: Schema) -> list[dict[str, Any]]:
    """Return the pipeline after which the one with the smaller ``order`` stays, and the other's is among ``others``."""
    coming = {"$literal": values["order"]}
    has_order = {"$eq": [{"$type": "$order"}, "string"]}
    loses = {"$and": [has_order, {"$lt": ["$order", coming]}]}
    written = {name: value for name, value in values.items() if not (schema.has_others and name == "others")}
    replaced = {"$mergeObjects": ["$$ROOT", {"$literal": written}]}
    stages: list[dict[str, Any]] = [{"$replaceWith": {"$cond": [loses, "$$ROOT", replaced]}}]
    if schema.has_others:
        stored = {"$cond": [has_order, ["$order"], _EMPTY]}
        known = [{"$ifNull": ["$others", _EMPTY]}, {"$literal": values.get("others") or _EMPTY}, [coming], stored]
        stays = {"$cond": [loses, "$order", coming]}
        others = {"$setDifference": [{"$setUnion": known}, [stays]]}
        stages.insert(0, {"$set": {"others": _sorted_or_none(others)}})
    return stages


def _sorted_or_none(elements: dict[str, Any]) -> dict[str, Any]:
    """Return the expression for the elements in order; an empty list is no value."""
    in_order = {"$sortArray": {"input": elements, "sortBy": 1}}
    none_if_empty = {"$cond": [{"$eq": ["$$all", _EMPTY]}, None, "$$all"]}
    return {"$let": {"vars": {"all": in_order}, "in": none_if_empty}}


def in_turns(changes: Sequence[Change]) -> Iterator[tuple[str, list[Write]]]:
    """Yield the writes of one collection after the other, with few turns.

    Each concerns one document, so their order matters within a collection only; but nothing is removed before what
    was to be written before it, and nothing is written before what was to be removed before it: somebody who looks
    meanwhile finds too much rather than too little.
    """
    for _, run in groupby(changes, key=lambda change: change.is_removal):
        turns: dict[str, list[Write]] = {}
        for change in run:
            turns.setdefault(change.collection, []).append(change.write)
        yield from turns.items()
