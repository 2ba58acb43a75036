"""Every catalog there is, each opened on an empty place of its own. A new adapter is one more line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from radstream.catalog.mongo import MongoCatalog
from radstream.catalog.mongo.driver import Driver
from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from tests.engines import mongod
from tests.memory_catalog import MemoryCatalog

ADAPTERS: dict[str, Callable[[Path], Catalog]] = {
    "memory": lambda _: MemoryCatalog(),
    "sqlite": lambda folder: SqliteCatalog(folder / "catalog"),
    "mongo": lambda folder: mongo(folder, "motor"),
    "mongo by pymongo": lambda folder: mongo(folder, "pymongo"),
}
ON_ENGINES = {"mongo", "mongo by pymongo"}


def mongo(folder: Path, driver: Driver) -> MongoCatalog:
    """Open a database of the test's own."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
    return MongoCatalog(mongod().database_url(name), name, driver=driver)
