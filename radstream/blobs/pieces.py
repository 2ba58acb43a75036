"""Memory in which blobs in the making are gathered: pieces of one size, page-aligned, used again and again.

Aligned, so that a disk can take them without a copy; used again, since memory that nobody has touched yet costs more
to touch than a copy into it.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Final

_KEPT_BYTES: Final = 16 << 20


class Pieces:
    """Gives out pieces of memory, and takes them back; may be used by several threads.

    Parameters
    ----------
    piece_bytes : int
        Size of each; direct writing wants a multiple of 4096.
    """

    def __init__(self, piece_bytes: int = 256 << 10) -> None:
        self.piece_bytes = piece_bytes
        self._free: list[memoryview] = []

    def take(self) -> memoryview:
        """Return a piece; what it holds is of no meaning."""
        with suppress(IndexError):
            return self._free.pop()
        return memoryview(mmap.mmap(-1, self.piece_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))

    def give_back(self, piece: memoryview) -> None:
        """Take back a piece that nobody uses any more."""
        if len(self._free) * self.piece_bytes < _KEPT_BYTES:
            self._free.append(piece)
