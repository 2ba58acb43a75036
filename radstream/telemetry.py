"""Logs without patient data, metrics, health. Nothing happens at import: `start_logging` is called by `__main__`.

Log calls give an event name and fields: ``log.info("instance_accepted", sop_instance_uid=...)``. Only the fields in
`LOGGABLE` reach the log; a name, an id or a whole data set cannot leak by accident.
"""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog
from prometheus_client import Counter, Gauge, Histogram

LOGGABLE: Final = frozenset(
    {
        "event", "level", "timestamp", "module", "service", "exception", "error", "error_type", "reason",
        "study_instance_uid", "series_instance_uid", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid",
        "blob_key", "event_id", "topic", "partition", "offset", "group", "attempt", "count", "size_bytes",
        "calling_ae_title", "called_ae_title", "peer", "status", "state", "host", "port", "path", "method",
        "duration_ms", "lag", "pid", "exit_code", "delay_s", "url", "version", "setting", "frame_number",
    }
)  # fmt: skip


def _only_loggable(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if name in LOGGABLE}


class Lossy(io.TextIOBase):
    """A stream of which lines may be lost: on a full disk, a log must not cost what it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or count a line that is lost."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):  # full, or closed
            LOG_LINES_LOST.inc()
            return len(text)

    def flush(self) -> None:
        """Flush, or leave it to the next line."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def start_logging(service: str, level: str = "INFO", *, human: bool | None = None) -> None:
    """Send the logs of this process to standard error, one JSON object a line.

    Parameters
    ----------
    service : str
        Stands in every line.
    human : bool, optional
        Coloured text instead of JSON; by default when standard error is a terminal.
    """
    as_text = sys.stderr.isatty() if human is None else human
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _only_loggable,
            structlog.dev.ConsoleRenderer() if as_text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, Lossy(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of the file `name` (``__name__``)."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(module=name)
    return logger


def code_path(error: BaseException) -> str:
    """Return the innermost functions and lines that `error` came through; its text may hold patient data."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))


# Every metric there is, so that the list in docs/operations.md can be checked. Labels never hold UIDs or names.
INSTANCES_ACCEPTED: Final = Counter(
    "radstream_instances_accepted", "Instances made durable", ["door", "outcome"]
)  # door: dimse, stow, import; outcome: created, known, marked, rejected, unavailable
ACCEPT_SECONDS: Final = Histogram("radstream_accept_seconds", "From the first byte to the answer", ["door"])
RECORDS_HANDLED: Final = Counter("radstream_records_handled", "Records done", ["topic", "group"])
RECORDS_RETRIED: Final = Counter(
    "radstream_records_retried", "Attempts that failed and were repeated", ["topic", "group"]
)
RECORDS_DEAD: Final = Counter("radstream_records_dead_lettered", "Records set aside", ["topic", "group"])
CONSUMER_LAG: Final = Gauge("radstream_consumer_lag", "Records not yet done", ["topic", "group"])
ASSOCIATIONS: Final = Gauge("radstream_associations", "Open associations")
ASSOCIATIONS_REFUSED: Final = Counter("radstream_associations_refused", "Associations rejected or aborted", ["reason"])
RELOADS: Final = Counter("radstream_reloads", "Files that changed and were read again", ["setting", "outcome"])
HTTP_SECONDS: Final = Histogram("radstream_http_seconds", "Until the answer's first byte", ["route", "status"])
INSTANCES_RENDERED: Final = Counter("radstream_instances_rendered", "Previews made or refused", ["outcome"])
FRAMES_TRANSCODED: Final = Counter(
    "radstream_frames_transcoded", "Frames given in another transfer syntax than the stored one", ["outcome"]
)  # outcome: made, known, refused
LOG_LINES_LOST: Final = Counter("radstream_log_lines_lost", "Lines of the log that could not be written")
WORKER_DEATHS: Final = Counter("radstream_render_worker_deaths", "Decoding workers that died or were killed")

Check = Callable[[], Awaitable[None]]
