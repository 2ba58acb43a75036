"""URL to adapter: the only file that knows which engine was chosen. A folder is the embedded engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
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
from radstream.contract.errors import Unavailable, UnsafeConfiguration
from radstream.contract.topics import all_topics
from radstream.settings import Settings
from radstream.telemetry import get_logger

log = get_logger(__name__)

KAFKA: Final = "kafka://"

FIRST_ATTEMPT_S: Final = 5.0
"""How long a start waits for its engines before it goes on without them."""

RETRY_S: Final = 1.0


Create = Callable[[], Awaitable[None]]
"""Makes what is missing in an engine; raises `Unavailable` while it is away."""


@dataclass(frozen=True)
class Backends:
    """The engines of one process."""

    bus: Bus
    blobs: BlobStore
    previews: BlobStore
    catalog: Catalog


def open_bus(url: str) -> Bus:
    """Return the log at `url`: a folder, or ``kafka://host:port,host:port/prefix-of-all-names``."""
    if url.startswith(KAFKA):
        with _cluster_extra():
            from radstream.bus.kafka import open_log
        return open_log(url)
    return EmbeddedBus(_folder(url))


def open_blobs(url: str, *, durable: bool = True, min_free_bytes: int = 0) -> BlobStore:
    """Return the blob store at `url`; a cache need not be `durable`. A folder leaves `min_free_bytes` of its disk."""
    if url.startswith("s3://"):
        with _cluster_extra():
            from radstream.blobs.s3 import open_bucket
        return open_bucket(url)
    return FolderBlobStore(_folder(url), durable=durable, minimum_free_bytes=min_free_bytes)


def open_catalog(url: str) -> Catalog:
    """Return the catalog at `url`."""
    if url.startswith(("mongodb://", "mongodb+srv://")):
        with _cluster_extra():
            from radstream.catalog.mongo import open_database
        return open_database(url)
    return SqliteCatalog(_folder(url))


@asynccontextmanager
async def open_backends(settings: Settings, creating: Collection[str] = ("log", "catalog")) -> AsyncIterator[Backends]:
    """Open all engines, create what is missing in them, and close them at the end.

    An engine that is away at the start does not keep a service from starting: what is missing in it is created as soon
    as it answers.

    Parameters
    ----------
    creating : collection of str
        Of the names in `creations`; a service that has no business with an engine leaves it alone. Buckets are made at
        their first write in any case.
    """
    backends = Backends(
        bus=open_bus(settings.engine_url("bus")),
        blobs=open_blobs(settings.engine_url("blobs"), min_free_bytes=settings.min_free_bytes),
        previews=open_blobs(settings.engine_url("previews"), durable=False, min_free_bytes=settings.min_free_bytes),
        catalog=open_catalog(settings.engine_url("catalog")),
    )
    tasks = [asyncio.create_task(insist(create)) for name, create in creations(backends).items() if name in creating]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=FIRST_ATTEMPT_S)
        for task in tasks:
            if task.done():
                task.result()
        yield backends
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for engine in (backends.bus, backends.blobs, backends.previews, backends.catalog):
            await engine.close()


def creations(backends: Backends) -> Mapping[str, Create]:
    """Return by engine what makes that which is missing in it; each is idempotent."""
    return {
        "log": lambda: backends.bus.create_topics(all_topics()),
        "blob store": backends.blobs.check,  # makes its bucket, and sees that it keeps what is promised
        "preview cache": backends.previews.check,
        "catalog": backends.catalog.create_collections,
    }


async def insist(create: Create, deadline_s: float | None = None) -> None:
    """Carry out `create`, again and again while its engine is away.

    Raises
    ------
    Unavailable
        If that took longer than `deadline_s` seconds; the text is the last reason.
    """
    reason = "it does not answer"
    try:
        async with asyncio.timeout(deadline_s):
            while True:
                try:
                    return await create()
                except Unavailable as error:
                    reason = str(error)
                    log.warning("engine_is_away", reason=reason, delay_s=RETRY_S)
                    await asyncio.sleep(RETRY_S)
    except TimeoutError as error:
        raise Unavailable(reason) from error


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
