"""The client's own log, as ours: a hundred lines a second while a broker is away become one a minute of each kind.

Only the kind is logged, never what it was about: the client's lines may quote keys.
"""

from __future__ import annotations

import logging
import time
from typing import Final

from radstream.telemetry import get_logger

log = get_logger(__name__)

EVERY_S: Final = 60.0
_CLIENT: Final = "aiokafka"


class ClientLog(logging.Handler):
    """Passes warnings and errors of the client on, each kind once in `EVERY_S` seconds."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last_s: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Log the kind of `record`, its text before anything is filled in, unless that was just said."""
        kind, now_s = str(record.msg), time.monotonic()
        if now_s - self._last_s.get(kind, -EVERY_S) >= EVERY_S:
            self._last_s[kind] = now_s
            log.warning("kafka_client", reason=kind)


def listen_to_client() -> None:
    """Let the client's log go through a `ClientLog`, however often this is called."""
    logger = logging.getLogger(_CLIENT)
    if not any(isinstance(handler, ClientLog) for handler in logger.handlers):
        logger.addHandler(ClientLog())
        logger.propagate = False
        logger.setLevel(logging.WARNING)
