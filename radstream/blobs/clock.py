"""When a blob was stored, so exactly that the versions of an instance have an order."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The system's clock in microseconds; within a process it never stands still nor goes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_us = 0

    def now(self) -> datetime:
        """Return the time, UTC; later than every time returned before."""
        with self._lock:
            self._last_us = max(self._last_us + 1, time.time_ns() // 1000)
            return _EPOCH + timedelta(microseconds=self._last_us)
