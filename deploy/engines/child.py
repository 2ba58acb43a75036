"""An engine's process: started in its folder, waited for, stopped or killed by its id, also by a later command."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from deploy.engines.engine import EngineMissing

_PID_FILE: Final = "pid"


class Child:
    """A process that lives until it is stopped, even if the program that started it ends.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        Where it works, and where ``log.txt`` and its process id are written; made if it is missing.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `is_ready` tells so; see `start_all`."""
        start_all([self], is_ready, timeout_s)

    def launch(self) -> None:
        """Begin, unless it runs already.

        Raises
        ------
        EngineMissing
            If the program cannot be run here.
        """
        if self.pid is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log.txt").open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                raise EngineMissing(f"{self._command[0]} cannot be run: {error.strerror}") from error
        (self._folder / _PID_FILE).write_text(f"{self._process.pid} {_birth(self._process.pid)}")

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def stop(self, timeout_s: float = 20) -> None:
        """Ask it to end, and make it so if it does not in time."""
        self.terminate()
        if not self._is_gone_within(timeout_s):
            self.kill()

    def kill(self) -> None:
        """End it at once (``kill -9``)."""
        self._send(signal.SIGKILL)
        self._is_gone_within(20)

    @property
    def pid(self) -> int | None:
        """Its process id; None if it does not run."""
        if self._process is None:
            return _running(self._folder / _PID_FILE)
        if self._process.poll() is None:
            return self._process.pid
        self._process = None
        return None

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return (self._folder / "log.txt").read_text(errors="replace")[-2000:]

    @property
    def program(self) -> str:
        """The program that it runs."""
        return self._command[0]

    def _send(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(pid, number)

    def _is_gone_within(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def start_all(children: Sequence[Child], is_ready: Callable[[], bool], timeout_s: float) -> None:
    """Launch all of `children` and return when `is_ready` tells so.

    Raises
    ------
    EngineMissing
        If one cannot be run here, ends, or they are not ready in time; none is running then.
    """
    deadline = time.monotonic() + timeout_s
    try:
        for child in children:
            child.launch()
        while not is_ready():
            dead = [child for child in children if child.pid is None]
            if dead or time.monotonic() > deadline:
                late = (dead or children)[0]
                raise EngineMissing(f"{late.program} did not become ready:\n{late.last_words}")
            time.sleep(0.05)
    except BaseException:
        for child in children:
            child.kill()
        raise


def running_below(folder: Path) -> Iterator[int]:
    """Yield the ids of all processes that were started in `folder` or in a folder in it, and run."""
    for path in sorted(folder.rglob(_PID_FILE)):
        pid = _running(path)
        if pid is not None:
            yield pid


def _running(pid_file: Path) -> int | None:
    """Return the id in `pid_file` if that very process runs: the system may have given the number to another since."""
    try:
        number, birth = pid_file.read_text().split()
        pid = int(number)
    except (OSError, ValueError):
        return None
    return pid if _birth(pid) == birth else None


def _birth(pid: int) -> str:
    """Return the time at which a process was started, in the system's ticks; empty if it does not run."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in ("Z", "X") else fields[18]
