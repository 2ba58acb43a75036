"""Processes that hold their connections and say nothing, as a peer behind a broken network does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def silenced(pids: Sequence[int]) -> Iterator[None]:
    """Stop processes (``kill -STOP``), and let them go on at the end."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 10
        while not all(map(_is_stopped, pids)):  # on a busy machine a thread may go on for a moment
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    """Tell whether every thread of a process stands still."""
    states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}
