"""The adapters under test, by the port that they are for."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from radstream.blobs.port import BlobStore
from radstream.bus.port import Bus
from radstream.catalog.port import Catalog
from tests import blobs_adapters, bus_adapters, catalog_adapters
from tests.bus_adapters import Open
from tests.bus_trial import new_topic
from tests.engines import on_engines


@pytest.fixture(params=on_engines(catalog_adapters.ADAPTERS, catalog_adapters.ON_ENGINES))
async def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = catalog_adapters.ADAPTERS[request.param](tmp_path)
    await opened.create_collections()
    yield opened
    await opened.close()


@pytest.fixture(params=on_engines(bus_adapters.ADAPTERS, bus_adapters.ON_ENGINES))
async def open_bus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Open the same log as often as one likes, each time as another process would."""
    opened: list[Bus] = []

    def open_one() -> Bus:
        opened.append(bus_adapters.ADAPTERS[request.param](tmp_path))
        return opened[-1]

    yield open_one
    for bus in opened:
        await bus.close()


@pytest.fixture
async def bus(open_bus: Open) -> Bus:
    return open_bus()


@pytest.fixture
async def topic(bus: Bus) -> str:
    return await new_topic(bus)


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"


@pytest.fixture(params=on_engines(blobs_adapters.ADAPTERS, blobs_adapters.ON_ENGINES))
def adapter(request: pytest.FixtureRequest) -> Callable[[Path], BlobStore]:
    return blobs_adapters.ADAPTERS[request.param]


@pytest.fixture
async def store(adapter: Callable[[Path], BlobStore], tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = adapter(tmp_path)
    await store.check()
    yield store
    async for info in store.list(""):  # a bucket outlives the test
        await store.delete(info.key)
    await store.close()
