"""Files that an operator may replace while we run: looked at now and then, read again when they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from radstream.contract.errors import UnsafeConfiguration
from radstream.telemetry import RELOADS, get_logger

log = get_logger(__name__)

LOOK_EVERY_S: Final = 2.0

Stamp = tuple[int, int, int] | None
"""What changes when a file is written or replaced: inode, time and size; None if it is not there."""


async def follow(what: str, files: Sequence[Path], read: Callable[[], None]) -> None:
    """Call `read` after each change of one of `files`, for ever.

    If it cannot be read, what was read before stays in force: a slip of the pen must not close the door. It is logged,
    counted, and tried again at the next change, since certificate and key are hardly ever replaced at one stroke.

    Parameters
    ----------
    what : str
        For log and metric.
    read : callable
        Raises `UnsafeConfiguration` if it cannot be used.
    """
    known = stamps(files)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        now = stamps(files)
        if now == known:
            continue
        known = now
        try:
            read()
        except UnsafeConfiguration as error:
            log.error("not_reloaded", setting=what, reason=str(error))
            RELOADS.labels(what, "failed").inc()
        else:
            log.info("reloaded", setting=what)
            RELOADS.labels(what, "done").inc()


def stamps(files: Sequence[Path]) -> list[Stamp]:
    """Return the state of each file; of what a link points to, if it is one."""
    return [_stamp(file) for file in files]


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
