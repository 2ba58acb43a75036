"""The catalog of a cluster: documents in MongoDB, written to a majority and its journals before success is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.uri_parser import parse_uri

from radstream.catalog.filters import Predicate
from radstream.catalog.mongo.driver import Driver, close_client, open_client
from radstream.catalog.mongo.errors import DUPLICATE_KEY, answering
from radstream.catalog.mongo.operations import Write, in_turns, prepare
from radstream.catalog.mongo.predicates import compile_predicate
from radstream.catalog.mongo.schema import Schema
from radstream.catalog.port import Document, Operation
from radstream.contract.documents import COLLECTIONS, Collection
from radstream.contract.errors import Unavailable, UnsafeConfiguration

_OPTIONS: Final = {
    "appname": "radstream",
    "w": "majority",
    "journal": True,
    "wTimeoutMS": 10_000,
    "readConcernLevel": "majority",  # what was read is never taken back
    "heartbeatFrequencyMS": 2_000,  # a server that falls silent is noticed so soon, and nobody waits for it any more
    "serverSelectionTimeoutMS": 3_000,
    "connectTimeoutMS": 2_000,
    "socketTimeoutMS": 30_000,
    "maxPoolSize": 32,
}
_LONGEST_QUERY_MS: Final = 20_000
_ATTEMPTS: Final = 10


class MongoCatalog:
    """The catalog in a database of a replica set (or behind mongos), MongoDB 6.0 or newer.

    Parameters
    ----------
    url : str
        Of any form that MongoDB's drivers take.
    database : str
    collections : sequence of Collection
        Those of `contract.documents` by default.
    driver : {"motor", "pymongo"}

    Raises
    ------
    UnsafeConfiguration
        If `url` makes no sense.
    """

    def __init__(
        self, url: str, database: str, *, collections: Sequence[Collection] = COLLECTIONS, driver: Driver = "motor"
    ) -> None:
        _refuse_if_nonsense(url)
        self._url, self._name, self._driver = url, database, driver
        self._schemas = {collection.name: Schema(collection) for collection in collections}
        self._client: Any = None

    async def create_collections(self) -> None:
        """Make the collections and indexes that are missing.

        Raises
        ------
        Unavailable
        UnsafeConfiguration
            If this MongoDB is no replica set.
        """
        await self.check()
        with answering():
            for name, schema in self._schemas.items():
                await self._database[name].create_indexes(schema.indexes())

    async def apply(self, operations: Sequence[Operation]) -> None:
        """Carry out `operations`, in order within each collection; see `in_turns`.

        Raises
        ------
        Unavailable
        TypeError, ValueError
            If a document does not fit its collection; nothing is carried out.
        """
        changes = [prepare(operation, self._schema(operation.collection)) for operation in operations]
        with answering():
            for collection, writes in in_turns(changes):
                await self._write(collection, writes)

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
        schema = self._schema(collection)
        if skip < 0 or (limit is not None and limit < 0):
            raise ValueError("neither skip nor limit may be negative")
        projection = {schema.field(name).name: 1 for name in ("_id", *fields)}
        condition, order = compile_predicate(where, schema), schema.sort(sort)
        if limit == 0:
            return []  # to MongoDB it means no limit
        with answering():
            cursor = self._database[collection].find(condition, projection, sort=order, skip=skip, limit=limit or 0)
            found = await cursor.allow_disk_use(True).max_time_ms(_LONGEST_QUERY_MS).to_list(None)
        return [schema.decode(each, fields) for each in found]

    async def count(self, collection: str, where: Predicate) -> int:
        """Return for how many documents `where` holds."""
        condition = compile_predicate(where, self._schema(collection))
        with answering():
            number: int = await self._database[collection].count_documents(condition, maxTimeMS=_LONGEST_QUERY_MS)
        return number

    async def check(self) -> None:
        """Return if there is a primary that answers.

        Raises
        ------
        Unavailable
        UnsafeConfiguration
            If this MongoDB is no replica set: it could lose what it acknowledged (SERVER-139311).
        """
        with answering():
            answer = await self._database.command("hello")
        if "setName" not in answer and answer.get("msg") != "isdbgrid":
            raise UnsafeConfiguration("The MongoDB of the catalog is no replica set: start it with --replSet.")
        if not answer.get("isWritablePrimary"):
            raise Unavailable("the catalog has no primary")

    async def close(self) -> None:
        """Release the connections."""
        client, self._client = self._client, None
        if client is not None:
            await close_client(client)

    @property
    def _database(self) -> Any:
        """The database; its client belongs to the event loop, so it is opened at the first use in one."""
        if self._client is None:
            self._client = open_client(self._driver, self._url, **_OPTIONS)
        return self._client[self._name]

    def _schema(self, collection: str) -> Schema:
        if collection not in self._schemas:
            raise ValueError(f"the catalog has no collection {collection}")
        return self._schemas[collection]

    async def _write(self, collection: str, writes: Sequence[Write]) -> None:
        """Carry out `writes` in order.

        Two that make the same new document at the same time may collide; whoever comes second finds it next time.
        """
        for _ in range(_ATTEMPTS):
            try:
                await self._database[collection].bulk_write(writes, ordered=True)
            except BulkWriteError as error:
                writes = _rest(writes, error)
            else:
                return
        raise Unavailable("the catalog cannot write (the key is contended)")


def _rest(writes: Sequence[Write], error: BulkWriteError) -> Sequence[Write]:
    """Return what is to be tried again after a collision; raise `error` if it was none."""
    details = error.details or {}
    errors = details.get("writeErrors") or []
    if details.get("writeConcernErrors") or not errors or errors[0].get("code") != DUPLICATE_KEY:
        raise error
    return writes[errors[0]["index"] :]


def _refuse_if_nonsense(url: str) -> None:
    try:
        if url.startswith("mongodb://"):  # of mongodb+srv:// only the name service knows the rest
            parse_uri(url)
    except (PyMongoError, ValueError) as error:
        raise UnsafeConfiguration("the URL of the catalog makes no sense: mongodb://host:port/database") from error


def open_database(url: str) -> MongoCatalog:
    """Return the catalog in the database that `url` names: ``mongodb://user:password@host:port/database?options``.

    Raises
    ------
    UnsafeConfiguration
        If it names none; the text does not repeat `url`, since it may hold a password.
    """
    database = urlsplit(url).path.strip("/")
    if not database:
        raise UnsafeConfiguration("the URL of the catalog names no database: mongodb://host:port/database")
    return MongoCatalog(url, database)
