"""Does in the event loop what takes less time than the way to a thread and back (docs/adr/0016)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

_Result = TypeVar("_Result")

LONGEST_S: Final = 0.002
PAUSE: Final = 20
"""So many times as long as the loop was held up, all is left to threads: a slow disk costs the loop a twentieth."""


class AtOnce:
    """Remembers how long the loop was held up."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def do(self, work: Callable[[], _Result | None]) -> _Result | None:
        """Return what `work` returns, or raise what it raises; None if a thread has to do it."""
        started_at = time.perf_counter()
        if started_at < self._not_before:
            return None
        try:
            return work()
        finally:
            if (took_s := time.perf_counter() - started_at) > LONGEST_S:
                self._not_before = started_at + (1 + PAUSE) * took_s
