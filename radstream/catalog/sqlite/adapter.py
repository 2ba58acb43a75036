"""The catalog on one machine. Work that blocks is done in threads: one writes for all who wait, a few read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from radstream.catalog.filters import EVERYTHING, Predicate
from radstream.catalog.port import Document, Operation
from radstream.catalog.sqlite.at_once import AtOnce
from radstream.catalog.sqlite.database import Connection, Database
from radstream.catalog.sqlite.layout import Table
from radstream.catalog.sqlite.operations import carry_out, prepare
from radstream.catalog.sqlite.queries import Query, count, find
from radstream.catalog.sqlite.schema import create_tables
from radstream.catalog.sqlite.threads import Readers, Writer
from radstream.contract.documents import COLLECTIONS, Collection

_Result = TypeVar("_Result")

_TIMEOUT_S: Final = 30.0
_READERS: Final = 3


class SqliteCatalog:
    """The catalog in ``catalog.db`` of a folder, for several processes at once.

    Parameters
    ----------
    folder : Path
    collections : sequence of Collection
        Those of `contract.documents` by default.
    timeout_s : float
        How long a caller waits at most.
    """

    def __init__(
        self, folder: Path, *, collections: Sequence[Collection] = COLLECTIONS, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self._tables = {collection.name: Table(collection) for collection in collections}
        path = folder / "catalog.db"
        database = partial(Database, path, partial(create_tables, tables=tuple(self._tables.values())))
        self._writer = Writer(database(), timeout_s)
        self._readers = Readers(database, _READERS, timeout_s)
        self._at_once = AtOnce(database(busy_timeout_s=0))

    async def create_collections(self) -> None:
        """Make the file, its tables, columns and indexes where they are missing."""
        await self._writer.create()

    async def apply(self, operations: Sequence[Operation]) -> None:
        """Carry out `operations` in order and in one transaction.

        Raises
        ------
        Unavailable
        TypeError, ValueError
            If a document does not fit its collection; nothing is carried out.
        """
        changes = [prepare(operation, self._table(operation.collection)) for operation in operations]
        if changes:
            await self._writer.write([partial(carry_out, change=change) for change in changes])

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
        """Return the documents for which `where` holds; see the port."""
        query = Query(self._table(collection), where, fields, sort, skip, limit)
        return await self._read(partial(find, query=query))

    async def count(self, collection: str, where: Predicate) -> int:
        """Return for how many documents `where` holds."""
        return await self._read(partial(count, table=self._table(collection), where=where))

    async def check(self) -> None:
        """Return if the catalog can be read; raise `Unavailable` if not."""
        await self._readers.read(self._probe)

    async def close(self) -> None:
        """Release the file."""
        self._at_once.close()
        await self._writer.close()
        await self._readers.close()

    async def _read(self, query: Callable[[Connection], _Result]) -> _Result:
        found = self._at_once.read(query)
        return await self._readers.read(query) if found is None else found

    def _probe(self, connection: Connection) -> None:
        for table in self._tables.values():
            find(connection, Query(table, EVERYTHING, (), limit=1))

    def _table(self, collection: str) -> Table:
        if collection not in self._tables:
            raise ValueError(f"the catalog has no collection {collection}")
        return self._tables[collection]
