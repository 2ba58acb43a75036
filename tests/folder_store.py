"""A folder store as its tests see it: some blobs, its temporary files, a disk that fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

KEY = "main/instances/1.2/1.3/1.4/" + 64 * "a" + ".dcm"
PATH = "main/instances/1.2/1.3/1.4~" + 64 * "a" + ".dcm"
LARGE = bytes(range(256)) * (3 << 12)  # 3 MiB


def in_the_making(folder: Path) -> list[str]:
    return [path.name for path in (folder / ".incoming").glob("*/*")]


async def nothing_in_the_making(folder: Path) -> None:
    async with asyncio.timeout(20):
        for _ in count():
            if not in_the_making(folder):
                return
            await asyncio.sleep(0.01)


def failing(number: int) -> Callable[..., Any]:
    def fail(*_arguments: object, **_named: object) -> Any:
        raise OSError(number, os.strerror(number), "/a/path/that/nobody/should/see")

    return fail
