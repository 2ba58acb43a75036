"""Writing past the page cache (O_DIRECT): the disk reads our memory itself.

What arrives is read again by hardly anybody for a while, yet a copy of it in the cache costs more processor time than
all else that is done with it, and drives out what is read.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Final

from radstream.blobs.disk import write_all
from radstream.blobs.port import Buffer

BLOCK_BYTES: Final = 4096
"""Address, offset and size of what is written directly are multiples of it, whatever the disk."""

_SMALLEST_BYTES: Final = 64 << 10
"""Less than this goes through the cache in less time."""

_DIRECT: Final = getattr(os, "O_DIRECT", 0)  # 0: not on this system


def write_directly(descriptor: int, data: Buffer) -> None:
    """Write all of `data`, its whole blocks past the page cache where file system and memory allow that.

    Raises
    ------
    OSError
    """
    rest = memoryview(data)
    if len(rest) >= _SMALLEST_BYTES and _set_direct(descriptor, wanted=True):
        try:
            rest = _write_blocks(descriptor, rest)
        finally:
            _set_direct(descriptor, wanted=False)
    write_all(descriptor, rest)


def _write_blocks(descriptor: int, data: memoryview) -> memoryview:
    """Write the whole blocks of `data`; return what is left, which is more if the disk wants it otherwise aligned."""
    while blocks_bytes := len(data) - len(data) % BLOCK_BYTES:
        try:
            data = data[os.write(descriptor, data[:blocks_bytes]) :]
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            break
    return data


def _set_direct(descriptor: int, *, wanted: bool) -> bool:
    """Switch direct writing on or off; return whether it is on."""
    if not _DIRECT:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, _DIRECT if wanted else 0)
    except OSError:  # the file system has no such thing, as tmpfs on older kernels
        return False
    return wanted
