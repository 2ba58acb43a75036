from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from radstream.settings import Settings
from radstream.web.app import create_app
from services.ingest import stow
from tests.ingest_engines import Engines
from tests.stow_door import Door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    engines = Engines()
    settings = Settings(home=tmp_path, publish_deadline_s=5)
    app = create_app("ingest", [stow.router(engines.backends, settings)], {})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs.test") as client:
        yield Door(engines, app, client)
