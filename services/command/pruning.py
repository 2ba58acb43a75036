"""Forgetting what the catalog says of blobs that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from radstream.backends import Backends
from radstream.blobs.port import BlobStore
from radstream.blobs.presence import exists
from radstream.catalog.filters import EVERYTHING, Predicate, Range
from radstream.catalog.port import Catalog, Delete, Document, Operation, Set
from services.index.settle import Settler, Touched

PAGE: Final = 200


async def prune(backends: Backends, settler: Settler) -> int:
    """Forget instances and conflicts whose blob is gone, and return how many instances.

    Hidden versions that are still there come back when their blob is indexed again.

    Raises
    ------
    Unavailable
        If an engine does not answer: no answer is not taken for "gone".
    """
    await _prune_conflicts(backends)
    pruned = 0
    async for page in _pages(backends.catalog, "instances", ("blob_key", "series_key", "others")):
        exists = await _existing(backends.blobs, _blob_keys(page))
        gone = [document for document in page if document["blob_key"] not in exists]
        await backends.catalog.apply([*_forget(gone), *_forget_others(page, exists)])
        await _settle(settler, gone)
        pruned += len(gone)
    return pruned


def _blob_keys(page: Sequence[Document]) -> set[str]:
    hidden = {order.partition(" ")[2] for document in page for order in document["others"]}
    return hidden | {document["blob_key"] for document in page}


def _forget(gone: Sequence[Document]) -> list[Operation]:
    return [Delete("instances", document["_id"]) for document in gone]


def _forget_others(page: Sequence[Document], exists: set[str]) -> list[Operation]:
    """Return what takes hidden versions that are gone out of the instances that are still there."""
    return [
        Set("instances", document["_id"], {"others": kept})
        for document in page
        if document["blob_key"] in exists
        and (kept := [order for order in document["others"] if order.partition(" ")[2] in exists]) != document["others"]
    ]


async def _settle(settler: Settler, gone: Sequence[Document]) -> None:
    if gone:
        keys = frozenset(document["series_key"] for document in gone)
        await settler.carry_out(await settler.plan(Touched(series_keys=keys, exact=keys)))


async def _prune_conflicts(backends: Backends) -> None:
    """Forget conflicts of which one side is gone: the other one may be visible from now on."""
    async for page in _pages(backends.catalog, "conflicts", ("hidden_blob_key", "visible_blob_key")):
        sides = {document[side] for document in page for side in ("hidden_blob_key", "visible_blob_key")}
        exists = await _existing(backends.blobs, sides)
        await backends.catalog.apply(
            [
                Delete("conflicts", document["_id"])
                for document in page
                if not {document["hidden_blob_key"], document["visible_blob_key"]} <= exists
            ]
        )


async def _pages(catalog: Catalog, collection: str, fields: Sequence[str]) -> AsyncIterator[list[Document]]:
    """Yield all documents by key, in pages; each may be changed or deleted before the next page is read."""
    where: Predicate = EVERYTHING
    last = ""
    while page := await catalog.find(collection, where, fields=fields, sort=("_id",), limit=PAGE):
        yield [document for document in page if document["_id"] != last]
        last = page[-1]["_id"]
        if len(page) < PAGE:
            return
        where = Range("_id", low=last)


async def _existing(blobs: BlobStore, keys: set[str]) -> set[str]:
    """Return those of `keys` under which there is a blob."""
    ordered = sorted(keys)
    found = await asyncio.gather(*(exists(blobs, key) for key in ordered))
    return {key for key, is_there in zip(ordered, found, strict=True) if is_there}
