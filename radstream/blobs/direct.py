"""Writing past the page cache (O_DIRECT): the disk reads our memory itself.

What arrives is read again by hardly anybody for a while, yet a copy of it in the cache costs more processor time than
all else that is done with it, and drives out what is read.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from typing import Final

from radstream.blobs.disk import write_all
from radstream.blobs.pieces import Pieces
from radstream.blobs.port import Buffer

BLOCK_BYTES: Final = 4096
"""Address, offset and size of what is written directly are multiples of it, whatever the disk."""

_SMALLEST_BYTES: Final = 64 << 10
"""A file of less than this goes through the cache in less time."""

_DIRECT: Final = getattr(os, "O_DIRECT", 0)  # 0: not on this system


class DirectFile:
    """A new file, written from its beginning to its end, past the page cache where file system and memory allow that.

    Parameters
    ----------
    descriptor : int
        Of the empty file; stays its owner's to close.
    blocks : Pieces
        Of `BLOCK_BYTES`: for the beginning of a block, as the memory behind it is somebody else's.
    """

    def __init__(self, descriptor: int, blocks: Pieces) -> None:
        self._descriptor = descriptor
        self._blocks = blocks
        self._size_bytes = 0
        self._is_direct: bool | None = None

    def append(self, pieces: Sequence[Buffer]) -> None:
        """Write all of `pieces`, in one turn if the kernel takes it so.

        Raises
        ------
        OSError
        """
        size_bytes = sum(map(len, pieces))
        if self._is_direct is None:
            self._is_direct = size_bytes >= _SMALLEST_BYTES and _set_direct(self._descriptor, wanted=True)
        if not self._is_direct:
            self._write_through_cache(pieces)
        elif size_bytes % BLOCK_BYTES:
            self._append_padded(pieces, size_bytes)
        else:
            self._write_blocks(pieces)
        self._size_bytes += size_bytes

    def _append_padded(self, pieces: Sequence[Buffer], size_bytes: int) -> None:
        """Write `pieces` and zeros up to the end of a block, then cut these off."""
        last, block = memoryview(pieces[-1]), self._blocks.take()
        begun_bytes = len(last) % BLOCK_BYTES
        try:
            block[:begun_bytes] = last[len(last) - begun_bytes :]
            block[begun_bytes:] = bytes(BLOCK_BYTES - begun_bytes)
            self._write_blocks([*pieces[:-1], last[: len(last) - begun_bytes], block])
        finally:
            self._blocks.give_back(block)
        os.ftruncate(self._descriptor, self._size_bytes + size_bytes)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def _write_blocks(self, pieces: Sequence[Buffer]) -> None:
        """Write `pieces` directly; through the cache from where on the disk wants them otherwise aligned."""
        left = [memoryview(piece) for piece in pieces if piece]
        while left:
            try:
                _advance(left, os.writev(self._descriptor, left))
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self._is_direct = _set_direct(self._descriptor, wanted=False)
                self._write_through_cache(left)
                break

    def _write_through_cache(self, pieces: Sequence[Buffer]) -> None:
        for piece in pieces:
            write_all(self._descriptor, piece)


def _advance(views: list[memoryview], written_bytes: int) -> None:
    """Take from the front of `views` what has been written."""
    while views and written_bytes >= len(views[0]):
        written_bytes -= len(views.pop(0))
    if written_bytes:
        views[0] = views[0][written_bytes:]


def _set_direct(descriptor: int, *, wanted: bool) -> bool:
    """Switch direct writing on or off; return whether it is on."""
    if not _DIRECT:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, _DIRECT if wanted else 0)
    except OSError:  # the file system has no such thing, as tmpfs on older kernels
        return False
    return wanted
