"""Pictures that were sent a moment ago: whoever looks at a study goes back and forth, and is seldom alone."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

RECENT_BYTES: Final = 1 << 26


class Recent:
    """Keeps pictures by their entity tags, which name the bytes of an instance and everything that was asked for.

    Parameters
    ----------
    most_bytes : int
        Of all files together; the one that was wanted longest ago goes first.
    """

    def __init__(self, most_bytes: int = RECENT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, etag: str) -> bytes | None:
        """Return a picture, if it is still there."""
        if etag in self._kept:
            self._kept.move_to_end(etag)
        return self._kept.get(etag)

    def keep(self, etag: str, picture: bytes) -> None:
        """Keep a picture, unless it would take the place of most others."""
        if etag in self._kept or len(picture) > self._most_bytes // 8:
            return
        self._kept[etag] = picture
        self._bytes += len(picture)
        while self._bytes > self._most_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= len(forgotten)
