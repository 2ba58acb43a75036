"""RADSTREAM_MIN_FREE_BYTES reaches the folders that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from radstream.backends import open_backends
from radstream.contract.errors import StorageFull
from radstream.settings import Settings


@pytest.mark.parametrize("name", ["blobs", "previews"])
async def test_a_folder_leaves_the_room_that_is_set(tmp_path: Path, name: str) -> None:
    async with open_backends(Settings(home=tmp_path, min_free_bytes=1 << 60), creating=()) as backends:
        with pytest.raises(StorageFull):
            await getattr(backends, name).check()
