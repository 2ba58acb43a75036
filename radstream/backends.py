"""URL to adapter: the only file that knows which engine was chosen. A folder is the embedded engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.port import BlobStore
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Bus
from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.contract.errors import UnsafeConfiguration
from radstream.contract.topics import all_topics
from radstream.settings import Settings


@dataclass(frozen=True)
class Backends:
    """The engines of one process."""

    bus: Bus
    blobs: BlobStore
    previews: BlobStore
    catalog: Catalog


def open_bus(url: str) -> Bus:
    """Return the log at `url`."""
    return EmbeddedBus(_folder(url))


def open_blobs(url: str, *, durable: bool = True) -> BlobStore:
    """Return the blob store at `url`; a cache need not be `durable`."""
    return FolderBlobStore(_folder(url), durable=durable)


def open_catalog(url: str) -> Catalog:
    """Return the catalog at `url`."""
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


def _folder(url: str) -> Path:
    """Return the folder that `url` names: a path, or ``file:`` and a path."""
    path = url.removeprefix("file://").removeprefix("file:")
    if "://" in path:
        raise UnsafeConfiguration(f"no engine for {path.split('://', maxsplit=1)[0]}:// here; give a folder")
    return Path(path).expanduser()
