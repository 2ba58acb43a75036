"""An engine's process: started in its folder, waited for, stopped or killed by its id."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.engines.engine import EngineMissing


class Child:
    """A process that lives until it is stopped.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        Where it works, and writes ``log.txt``; made if it is missing.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `is_ready` tells so.

        Raises
        ------
        EngineMissing
            If the program cannot be run here, ends, or is not ready in time; it is not running then.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log.txt").open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self._command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            except OSError as error:
                raise EngineMissing(f"{self._command[0]} cannot be run: {error.strerror}") from error
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise EngineMissing(f"{self._command[0]} did not become ready:\n{self._last_words()}")
            time.sleep(0.05)

    def stop(self, timeout_s: float = 20) -> None:
        """Ask it to end, and make it so if it does not in time."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it at once (``kill -9``)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int | None:
        """Its process id; None if it does not run."""
        return None if self._process is None else self._process.pid

    def _last_words(self) -> str:
        return (self._folder / "log.txt").read_text(errors="replace")[-2000:]
