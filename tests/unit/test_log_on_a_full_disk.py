"""A log that cannot be written costs lines, and nothing else."""

from __future__ import annotations

import errno
import io
import sys

import pytest
import structlog

from radstream.telemetry import LOG_LINES_LOST, Lossy, get_logger, start_logging


class FullDisk(io.StringIO):
    """A file on a disk that is full until somebody makes room."""

    is_full = True

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)

    def flush(self) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_cannot_be_written_is_counted_and_forgotten() -> None:
    disk, before = FullDisk(), LOG_LINES_LOST._value.get()
    lossy = Lossy(disk)
    assert lossy.write("lost\n") == 5
    lossy.flush()
    disk.is_full = False
    lossy.write("kept\n")
    lossy.flush()
    assert disk.getvalue() == "kept\n"
    assert LOG_LINES_LOST._value.get() == before + 1


def test_logging_goes_on_when_there_is_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk()
    monkeypatch.setattr(sys, "stderr", disk)
    try:
        start_logging("test", human=False)
        log = get_logger("somewhere")
        log.warning("stopping", reason="full")
        disk.is_full = False
        log.warning("stopping", reason="room")
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
    assert '"reason": "room"' in disk.getvalue()
    assert "full" not in disk.getvalue()
