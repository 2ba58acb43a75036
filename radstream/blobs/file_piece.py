"""A piece of a blob that lies in a file, for a socket to take from the page cache without a copy (sendfile)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

_STEP_BYTES: Final = 64 << 10
_READ_BYTES: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class FilePiece:
    """Some bytes of an open file; whoever opened it says how long it stays open.

    Parameters
    ----------
    descriptor : int
    offset, length : int
        In bytes.
    """

    descriptor: int
    offset: int
    length: int

    def __len__(self) -> int:
        """How many bytes these are."""
        return self.length

    def read(self) -> bytes:
        """Return the bytes.

        Raises
        ------
        OSError
        """
        return os.pread(self.descriptor, self.length, self.offset)

    def is_loaded(self) -> bool:
        """Tell whether the page cache has a byte of each step, and so most likely all, without waiting for any."""
        one, last = bytearray(1), self.offset + self.length - 1
        try:
            for at in (*range(self.offset, last, _STEP_BYTES), last):
                os.preadv(self.descriptor, [one], at, os.RWF_NOWAIT)
        except OSError:  # not there (EAGAIN), or a file system that does not tell (EOPNOTSUPP)
            return False
        return True

    def load(self) -> None:
        """Have the bytes in the page cache, and as many behind them on their way, so that who sends them need not wait.

        Raises
        ------
        OSError
        """
        os.posix_fadvise(self.descriptor, self.offset, 2 * self.length, os.POSIX_FADV_WILLNEED)
        scratch = memoryview(bytearray(min(_READ_BYTES, self.length)))
        for done in range(0, self.length, _READ_BYTES):
            wanted = scratch[: min(_READ_BYTES, self.length - done)]
            if os.preadv(self.descriptor, [wanted], self.offset + done) < len(wanted):
                return
