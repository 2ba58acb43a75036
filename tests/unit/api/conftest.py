from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import qido
from tests.api_engines import Archive, MemoryBlobs
from tests.index_engines import Archive as Indexed
from tests.memory_catalog import MemoryCatalog
from tests.qido_studies import instances


@pytest.fixture
def archive() -> Archive:
    return Archive(MemoryCatalog(), MemoryBlobs(), Settings())


@pytest.fixture(params=["memory", "sqlite"])
async def qido_archive(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Indexed]:
    catalog: Catalog = MemoryCatalog() if request.param == "memory" else SqliteCatalog(tmp_path)
    await catalog.create_collections()
    archive = Indexed(catalog=catalog)
    await archive.index(*(archive.store(**attributes) for attributes in instances()))
    yield archive
    await catalog.close()


@pytest.fixture
def client(qido_archive: Indexed, tmp_path: Path) -> httpx2.AsyncClient:
    app = create_app("test", [qido.router(qido_archive.backends, Settings(home=tmp_path))], {})
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://pacs.test/dicom-web/")
