"""Radstream as a user runs it: real processes on loopback, in a folder of the test's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class System:
    """The embedded system in `home`."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    dimse_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicom_web(self) -> str:
        return f"{self.base}/dicom-web"

    @property
    def options(self) -> list[str]:
        ports = ["--http-port", str(self.http_port), "--dimse-port", str(self.dimse_port)]
        return ["--home", str(self.home), *ports]

    def start(self, timeout_s: float = 40) -> System:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.command", "up", *self.options],
                env={**os.environ, "TCP_NODELAY": "1", **self.environment},
                stdout=log,
                stderr=log,
            )
        self.wait_until_ready(timeout_s)
        return self

    def wait_until_ready(self, timeout_s: float = 40) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, self.log()[-4000:]
            if self._is_ready():
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready in {timeout_s} s:\n{self.log()[-4000:]}")

    def _is_ready(self) -> bool:
        try:
            if httpx2.get(f"{self.base}/readyz", timeout=2).status_code != 200:
                return False
            with socket.create_connection(("127.0.0.1", self.dimse_port), timeout=2):
                return True
        except (httpx2.TransportError, OSError):
            return False

    def children(self) -> dict[str, int]:
        """Return the process ids of the services, by the name of their program."""
        assert self.process is not None
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except (OSError, IndexError):
                continue
            if parent == self.process.pid and b"services.command" in arguments:
                found[arguments[arguments.index(b"services.command") + 1].decode()] = int(entry.name)
        return found

    def log(self) -> str:
        return (self.home / "log.txt").read_text(errors="replace")

    def stop(self, timeout_s: float = 20) -> int:
        """Stop as an operator does, and return the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise

    def kill_all(self) -> None:
        """`kill -9` of the supervisor and every service, at once."""
        assert self.process is not None
        pids = [self.process.pid, *self.children().values()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def get(self, path: str, **options: object) -> httpx2.Response:
        return httpx2.get(f"{self.dicom_web}/{path}", timeout=60, **options)  # type: ignore[arg-type]

    def lag(self, group: str = "index", topics: Sequence[str] = ("instance-stored", "instance-stored-urgent")) -> int:
        """Return how many records `group` has not done, instances with a pending marker included."""
        script = (
            "import asyncio, sys; from pathlib import Path; from radstream.bus.embedded import EmbeddedBus;"
            "b = EmbeddedBus(Path(sys.argv[1]));"
            "print(asyncio.run(b.lag(sys.argv[2], sys.argv[3:])))"
        )
        run = subprocess.run(
            [sys.executable, "-c", script, str(self.home / "bus"), group, *topics],
            capture_output=True,
            text=True,
            check=True,
        )
        pending = self.home / "blobs" / "main" / "pending"
        return int(run.stdout) + sum(path.is_file() for path in pending.rglob("*.json"))

    def wait_until_quiet(self, timeout_s: float = 300) -> None:
        """Return when everything that was stored is indexed and has its preview."""
        self.wait_until_indexed(timeout_s)
        deadline = time.monotonic() + timeout_s
        while self.lag("render", ["instance-indexed"]):
            assert time.monotonic() < deadline, "previews are not made"
            time.sleep(0.1)

    def wait_until_indexed(self, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.lag() == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"not indexed in {timeout_s} s:\n{self.log()[-4000:]}")
