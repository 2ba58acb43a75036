from __future__ import annotations

import pytest

from radstream.settings import Settings
from tests.api_engines import Archive, MemoryBlobs
from tests.memory_catalog import MemoryCatalog


@pytest.fixture
def archive() -> Archive:
    return Archive(MemoryCatalog(), MemoryBlobs(), Settings())
