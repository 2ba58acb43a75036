from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.settings import Settings
from services.ingest.accept import Accepting
from tests.ingest_engines import Engines
from tests.stow_door import Door, open_door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path) as opened:
        yield opened


@pytest.fixture
def engines() -> Engines:
    return Engines()


@pytest.fixture
def accepting(engines: Engines, tmp_path: Path) -> Accepting:
    return Accepting(engines.backends, Settings(home=tmp_path, site="north", publish_deadline_s=60))


@pytest.fixture
def hurried(engines: Engines, tmp_path: Path) -> Accepting:
    """Does not wait long for the log."""
    return Accepting(engines.backends, Settings(home=tmp_path, site="north", publish_deadline_s=0.02))
