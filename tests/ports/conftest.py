"""The adapters under test, by the port that they are for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.catalog.port import Catalog
from tests.catalog_adapters import ADAPTERS, ON_ENGINES
from tests.engines import on_engines


@pytest.fixture(params=on_engines(ADAPTERS, ON_ENGINES))
async def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = ADAPTERS[request.param](tmp_path)
    await opened.create_collections()
    yield opened
    await opened.close()
