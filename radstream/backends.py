"""URL to adapter: the only file that knows which engine was chosen. A folder is the embedded engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.port import BlobStore
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Bus
from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.contract.errors import UnsafeConfiguration
from radstream.contract.topics import all_topics
from radstream.settings import Settings

KAFKA: Final = "kafka://"


@dataclass(frozen=True)
class Backends:
    """The engines of one process."""

    bus: Bus
    blobs: BlobStore
    previews: BlobStore
    catalog: Catalog


def open_bus(url: str) -> Bus:
    """Return the log at `url`."""
    if url.startswith(KAFKA):
        with _cluster_extra():
            from radstream.bus.kafka import KafkaBus
        return KafkaBus(url.removeprefix(KAFKA).split(","))
    return EmbeddedBus(_folder(url))


def open_blobs(url: str, *, durable: bool = True) -> BlobStore:
    """Return the blob store at `url`; a cache need not be `durable`."""
    if url.startswith("s3://"):
        with _cluster_extra():
            from radstream.blobs.s3 import open_bucket
        return open_bucket(url)
    return FolderBlobStore(_folder(url), durable=durable)


def open_catalog(url: str) -> Catalog:
    """Return the catalog at `url`."""
    if url.startswith(("mongodb://", "mongodb+srv://")):
        with _cluster_extra():
            from radstream.catalog.mongo import open_database
        return open_database(url)
    return SqliteCatalog(_folder(url))


@asynccontextmanager
async def open_backends(settings: Settings) -> AsyncIterator[Backends]:
    """Open all engines, create what is missing in them, and close them at the end."""
    backends = Backends(
        bus=open_bus(settings.engine_url("bus")),
        blobs=open_blobs(settings.engine_url("blobs")),
        previews=open_blobs(settings.engine_url("previews"), durable=False),
        catalog=open_catalog(settings.engine_url("catalog")),
    )
    try:
        await backends.bus.create_topics(all_topics())
        await backends.catalog.create_collections()
        yield backends
    finally:
        for engine in (backends.bus, backends.blobs, backends.previews, backends.catalog):
            await engine.close()


@contextmanager
def _cluster_extra() -> Iterator[None]:
    """Say which packages are missing if the import within fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UnsafeConfiguration(
            f"this URL needs the package {error.name}: install radstream with its cluster extra, radstream[cluster]"
        ) from error


def _folder(url: str) -> Path:
    """Return the folder that `url` names: a path, or ``file:`` and a path."""
    path = url.removeprefix("file://").removeprefix("file:")
    if "://" in path:
        raise UnsafeConfiguration(f"no engine for {path.split('://', maxsplit=1)[0]}:// here; give a folder")
    return Path(path).expanduser()
