"""How much a folder store may still write: the file system's free bytes, less a reserve, asked seldom."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from radstream.blobs.disk import answering, free_bytes
from radstream.contract.errors import StorageFull

_ASK_EVERY_S: Final = 0.5
"""Between two looks at the file system; what this process writes meanwhile is counted."""


class Room:
    """The room in the file system of `folder`; may be used by several threads.

    What is refused before the disk is full costs nothing and harms nobody. The reserve stays for what is small and
    has to go on: the log, the catalog, and the markers of what is already stored.

    Parameters
    ----------
    folder : Path
    reserve_bytes : int
        Never written to by those who ask.
    """

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self._asked_at = float("-inf")
        self._left_bytes = 0

    def take(self, size_bytes: int) -> None:
        """Note that `size_bytes` are about to be written.

        Raises
        ------
        StorageFull
            If they would use the reserve.
        Unavailable
            If the file system does not answer.
        """
        now = time.monotonic()
        if now - self._asked_at >= _ASK_EVERY_S:
            self._left_bytes = self.left_bytes()
            self._asked_at = now
        self._left_bytes -= size_bytes
        if self._left_bytes < 0:
            self._refuse()

    def require(self) -> None:
        """Raise `StorageFull` if there is nothing but the reserve left just now."""
        if self.left_bytes() < 0:
            self._refuse()

    def left_bytes(self) -> int:
        """Return how many bytes are left beside the reserve; negative if it has been used."""
        with answering("be used"):
            return free_bytes(self._folder) - self._reserve_bytes

    def _refuse(self) -> None:
        raise StorageFull(f"the blob store has less than {self._reserve_bytes >> 20} MiB of room left")
