"""A folder store of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.blobs.folder import FolderBlobStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[FolderBlobStore]:
    store = FolderBlobStore(folder)
    yield store
    await store.close()
