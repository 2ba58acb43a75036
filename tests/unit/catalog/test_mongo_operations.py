from __future__ import annotations

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from radstream.backends import open_catalog
from radstream.catalog.mongo import MongoCatalog, open_database
from radstream.catalog.mongo.errors import answering
from radstream.catalog.mongo.operations import in_turns, prepare
from radstream.catalog.mongo.schema import Schema
from radstream.catalog.port import Delete, Operation, Put, PutEarliest, Set
from radstream.contract.documents import COLLECTIONS
from radstream.contract.errors import Unavailable, UnsafeConfiguration

SCHEMAS = {collection.name: Schema(collection) for collection in COLLECTIONS}


def turns(*operations: Operation) -> list[tuple[str, int]]:
    changes = [prepare(operation, SCHEMAS[operation.collection]) for operation in operations]
    return [(collection, len(writes)) for collection, writes in in_turns(changes)]


def test_writes_of_one_collection_go_together() -> None:
    each = [(Put("instances", str(n), {}), Put("studies", "1", {}), Set("series", "1", {})) for n in range(50)]
    assert turns(*[operation for three in each for operation in three]) == [
        ("instances", 50),
        ("studies", 50),
        ("series", 50),
    ]


def test_nothing_is_removed_before_what_was_to_be_written_before() -> None:
    operations = [Put("studies", "1", {}), Put("series", "1", {}), Delete("studies", "2"), Put("series", "2", {})]
    assert turns(*operations) == [("studies", 1), ("series", 1), ("studies", 1), ("series", 1)]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (Put("studies", "1", {"nothing": "x"}), ValueError),
        (Put("studies", "1", {"StudyID": 5}), TypeError),
        (Put("studies", "1", {"is_complete": True}), TypeError),
        (Set("studies", "1", {"is_complete": 1 << 63}), ValueError),
        (Set("studies", "1", {"ModalitiesInStudy": [1]}), TypeError),
        (Set("studies", "1", {"qido": "text"}), TypeError),
        (PutEarliest("studies", "1", {"StudyID": "x"}), ValueError),
        (PutEarliest("conflicts", "1", {"order": "x"}), ValueError),
        (Put("studies", "\ud800", {}), ValueError),
        (Put("studies", 7, {}), TypeError),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_fit_is_refused(operation: Operation, error: type[Exception]) -> None:
    with pytest.raises(error):
        prepare(operation, SCHEMAS[operation.collection])


async def test_nothing_is_sent_if_one_operation_does_not_fit() -> None:
    catalog = MongoCatalog("mongodb://127.0.0.1:1/", "x")
    with pytest.raises(ValueError, match="no field"):
        await catalog.apply([Put("studies", "1", {}), Put("studies", "2", {"nothing": "x"})])
    with pytest.raises(ValueError, match="no collection"):
        await catalog.apply([Put("nothing", "1", {})])
    await catalog.close()


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("x"),
        ServerSelectionTimeoutError("x"),
        WTimeoutError("x", 64),
        ExecutionTimeout("x", 50),
        OperationFailure("x", 10107),
        OperationFailure("x", 18),
        OperationFailure("x", 1, {"errorLabels": ["RetryableWriteError"]}),
        BulkWriteError({"writeErrors": [{"index": 0, "code": 11602}]}),
        BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}),
    ],
)
def test_outage_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), answering():
        raise error


def test_our_own_faults_are_not_outages() -> None:
    for error in (OperationFailure("x", 2), BulkWriteError({"writeErrors": [{"index": 0, "code": 2}]})):
        with pytest.raises(type(error)), answering():
            raise error
    with pytest.raises(DuplicateKeyError), answering():
        raise DuplicateKeyError("x", 11000)


def test_document_that_is_too_large_is_refused() -> None:
    for error in (DocumentTooLarge("x"), OperationFailure("x", 10334)):
        with pytest.raises(ValueError, match="16 MiB"), answering():
            raise error


def test_what_the_server_cannot_do_is_a_matter_of_configuration() -> None:
    with pytest.raises(UnsafeConfiguration), answering():
        raise ConfigurationError("x")


@pytest.mark.parametrize(
    "url", ["mongodb://host", "mongodb://host/", "mongodb://host:x/radstream", "mongodb:///radstream"]
)
def test_url_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="catalog"):
        open_database(url)


def test_password_is_not_repeated() -> None:
    with pytest.raises(UnsafeConfiguration) as caught:
        open_database("mongodb://user:pass%word@host/radstream")
    assert "word" not in str(caught.value)


async def test_catalog_is_chosen_by_url() -> None:
    catalog = open_catalog("mongodb://127.0.0.1:1/radstream?replicaSet=rs0")
    assert isinstance(catalog, MongoCatalog)
    await catalog.close()
