"""Where received bytes lie until their PDU is whole: small until much is expected, and never copied twice."""

from __future__ import annotations

import mmap
from typing import Final

_READ_AHEAD_BYTES: Final = 4096
"""Asked for beyond the current PDU, so that small PDUs come in one read, yet little has to be moved."""


class ReceiveBuffer:
    """Bytes of one connection, taken from the front and filled at the end."""

    def __init__(self) -> None:
        self._memory: bytearray | mmap.mmap = bytearray(_READ_AHEAD_BYTES)
        self._view = memoryview(self._memory)
        self._start = 0
        self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    def peek(self, size: int) -> memoryview:
        """Return the first `size` bytes; valid until the next `window`."""
        return self._view[self._start : self._start + size]

    def consume(self, size: int) -> None:
        """Drop the first `size` bytes."""
        self._start += size

    def filled(self, size: int) -> None:
        """Note that `size` bytes were written into the last `window`."""
        self._end += size

    def has_room(self, need: int) -> bool:
        """Tell whether more than `need` bytes could be wanted now, that is whether `window` would not be empty."""
        return len(self) < need + _READ_AHEAD_BYTES

    def window(self, need: int, *, expected: int = 0) -> memoryview:
        """Return where to write what comes next: the rest of `need` bytes, and a little more. Moves what is here.

        Parameters
        ----------
        need : int
            Size of the PDU in the making, in bytes; the memory grows towards it only as fast as it arrives.
        expected : int
            Size to grow to at once, for a peer that has been accepted. Untouched pages of it cost nothing.
        """
        if self._start:
            self._view[: len(self)] = self.peek(len(self))
            self._start, self._end = 0, len(self)
        wanted = need + _READ_AHEAD_BYTES
        if len(self._view) < expected + _READ_AHEAD_BYTES:
            self._grow(expected + _READ_AHEAD_BYTES)
        elif self._end == len(self._view):
            self._grow(min(wanted, 2 * len(self._view)))
        return self._view[self._end : wanted]

    def _grow(self, size: int) -> None:
        # mmap and not bytearray: memory that nobody has touched is not there.
        memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        view = memoryview(memory)
        view[: self._end] = self._view[: self._end]
        self._memory, self._view = memory, view
