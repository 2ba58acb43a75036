"""What a query finds: its parents first, then the resources, then the attributes of their parents (docs/adr/0004).

References
----------
PS3.18 10.6.1.2 Search Transaction Resources, 10.6.3.3 Search Response Payload.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from radstream.catalog.filters import And, Equals, In, Predicate
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES, SERIES, STUDIES, series_key
from radstream.dicom.levels import Level
from services.api.address import Address
from services.api.query import Query
from services.api.rows import Attributes, cut_of, encode_row, fields_of, is_asked_for, needs_metadata

DEFAULT_LIMIT: Final = 1000
"""Answers of a query that spans studies; within one study all are given, up to `LARGEST_LIMIT`."""

LARGEST_LIMIT: Final = 25_000
MOST_PARENTS: Final = 10_000
CHUNK: Final = 250
METADATA_CHUNK: Final = 16

COLLECTIONS: Final = {Level.STUDY: STUDIES.name, Level.SERIES: SERIES.name, Level.INSTANCE: INSTANCES.name}
SORTS: Final = {
    Level.STUDY: ("-StudyDate", "-StudyTime"),
    Level.SERIES: ("StudyInstanceUID", "SeriesNumber"),
    Level.INSTANCE: ("series_key", "InstanceNumber"),
}
_PARENT_FIELDS: Final = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "series_key"}


@dataclass(frozen=True)
class Found:
    """The resources of one answer.

    Parameters
    ----------
    documents : sequence of Document
        In their order.
    remaining : int
        How many more there are, if the client did not ask for so few.
    is_cut : bool
        More studies or series matched than can be looked into.
    """

    documents: Sequence[Document]
    remaining: int = 0
    is_cut: bool = False


async def find(catalog: Catalog, query: Query, address: Address | None) -> Found:
    """Return what `query` finds, within `address` if there is one.

    Raises
    ------
    Unavailable
        If the catalog does not answer.
    """
    where, is_cut = await _where(catalog, query, address)
    collection, limit = COLLECTIONS[query.level], _limit(query, address)
    documents = await catalog.find(
        collection,
        where,
        fields=fields_of(query, query.level),
        sort=SORTS[query.level],
        skip=query.offset,
        limit=limit + 1,
    )
    remaining = 0
    if len(documents) > limit and query.limit != limit:
        remaining = await catalog.count(collection, where) - query.offset - limit
    return Found(documents[:limit], max(remaining, 0), is_cut)


def _limit(query: Query, address: Address | None) -> int:
    if query.limit is None:
        return DEFAULT_LIMIT if address is None else LARGEST_LIMIT
    return min(query.limit, LARGEST_LIMIT)


async def _where(catalog: Catalog, query: Query, address: Address | None) -> tuple[Predicate, bool]:
    """Return the condition on the resources themselves, and whether it leaves out some for having too many parents."""
    parents: list[Predicate] = []
    is_cut = False
    for level in Level:
        conditions = query.conditions.get(level, ())
        where = And([*_scope(level, address), *parents, *conditions])
        if level is query.level:
            return where, is_cut
        if conditions:
            rows = await catalog.find(COLLECTIONS[level], where, fields=(), limit=MOST_PARENTS + 1)
            is_cut |= len(rows) > MOST_PARENTS
            parents = [In(_PARENT_FIELDS[level], [row["_id"] for row in rows[:MOST_PARENTS]])]
    raise AssertionError("a query has one of the levels")


def _scope(level: Level, address: Address | None) -> list[Predicate]:
    """Return the condition that a resource of `level` is at `address`, or above or below it."""
    if address is None:
        return []
    study, series = address.study_instance_uid, address.series_instance_uid
    if level is Level.INSTANCE:
        return [address.where]
    if level is Level.STUDY:
        return [Equals("_id", study)]
    return [Equals("StudyInstanceUID", study) if series is None else Equals("_id", series_key(study, series))]


def chunk_size(query: Query) -> int:
    """Return how many resources are made into rows at once; these rows take less than some megabytes."""
    return METADATA_CHUNK if needs_metadata(query) else CHUNK


async def rows(
    catalog: Catalog, query: Query, address: Address | None, found: Found, base: str
) -> AsyncIterator[list[bytes]]:
    """Yield the JSON objects of `found`, some resources at a time.

    Parameters
    ----------
    base : str
        URL of the service, for the links.
    """
    size = chunk_size(query)
    for start in range(0, len(found.documents), size):
        yield await chunk(catalog, query, address, found.documents[start : start + size], base)


async def chunk(
    catalog: Catalog, query: Query, address: Address | None, documents: Sequence[Document], base: str
) -> list[bytes]:
    """Return the JSON objects of `documents`, which are at most `chunk_size`; see `rows`."""
    if needs_metadata(query):
        documents = await _with_metadata(catalog, documents)
    parents = [await _parents(catalog, query, level, address, documents) for level in Level if level < query.level]
    cut = cut_of(query, query.level, is_default=True)
    encoded = []
    for document in documents:
        above = [of_level.get(_parent_key(level, document), {}) for level, of_level in enumerate(parents)]
        encoded.append(encode_row([*above, cut.attributes(document)], f"{base}/{_path(query.level, document)}"))
    return encoded


async def _with_metadata(catalog: Catalog, documents: Sequence[Document]) -> list[Document]:
    """Return those of `documents` that are still there, with their metadata."""
    keys = [document["_id"] for document in documents]
    packed = {row["_id"]: row for row in await catalog.find(INSTANCES.name, In("_id", keys), fields=("metadata",))}
    return [document | packed[document["_id"]] for document in documents if document["_id"] in packed]


async def _parents(
    catalog: Catalog, query: Query, level: Level, address: Address | None, documents: Sequence[Document]
) -> dict[str, Attributes]:
    """Return the attributes of `level` for the answer by the parent's key; none if the URL already says which it is."""
    is_default = address is None or (level is Level.SERIES and address.series_instance_uid is None)
    if not is_default and not is_asked_for(query, level):
        return {}
    keys = sorted({_parent_key(level, document) for document in documents})
    found = await catalog.find(COLLECTIONS[level], In("_id", keys), fields=fields_of(query, level))
    cut = cut_of(query, level, is_default=is_default)
    return {row["_id"]: cut.attributes(row) for row in found}


def _parent_key(level: int, document: Document) -> str:
    return str(document[_PARENT_FIELDS[Level(level)]])


def _path(level: Level, document: Document) -> str:
    """Return the path of a resource below the service's root."""
    if level is Level.STUDY:
        return f"studies/{document['_id']}"
    series = f"studies/{document['StudyInstanceUID']}/series/{document['SeriesInstanceUID']}"
    return series if level is Level.SERIES else f"{series}/instances/{document['_id']}"
