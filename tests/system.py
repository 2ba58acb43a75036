"""Radstream as a user runs it: real processes on loopback, in a folder of the test's own.

With RADSTREAM_TEST_CLUSTER=1 the same processes stand on real engines: Kafka, S3 and MongoDB.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx2
from pymongo import MongoClient

from radstream.backends import Backends, open_backends
from radstream.contract.blob_keys import instances_prefix, pending_prefix
from radstream.settings import Settings, load_settings
from tests.engines import cluster_environment
from tests.stow_door import RELATED, related

T = TypeVar("T")

INDEXED = ("instance-stored", "instance-stored-urgent", "study-deleted")
"""What the index works off."""


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
    command: str = "up"
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        if os.environ.get("RADSTREAM_TEST_CLUSTER"):
            self.environment = {**cluster_environment(), **self.environment}
            self.command = "cluster"

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

    def start(self, timeout_s: float = 120) -> System:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.command", self.command, *self.options],
                env={**os.environ, "TCP_NODELAY": "1", **self.environment},
                stdout=log,
                stderr=log,
            )
        try:
            self.wait_until_ready(timeout_s)
        except BaseException:
            self.kill_all()
            raise
        return self

    def wait_until_ready(self, timeout_s: float = 120) -> None:
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
                return self.command == "up" or self._has_every_service()
        except (httpx2.TransportError, OSError):
            return False

    def _has_every_service(self) -> bool:
        """Tell whether ingest and render listen: `/readyz` of a cluster is that of api."""
        asked = (("POST", "studies"), ("GET", "studies/1/thumbnail"))
        return all(httpx2.request(method, f"{self.dicom_web}/{path}", timeout=2).status_code != 503
                   for method, path in asked)  # fmt: skip

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
                name = arguments[arguments.index(b"services.command") + 1].decode()
                found[name if name not in found else f"{name}-{entry.name}"] = int(entry.name)
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

    def stow(self, *files: bytes, study: str = "") -> httpx2.Response:
        """Store Part 10 files by STOW-RS."""
        url = f"{self.dicom_web}/studies/{study}".removesuffix("/")
        return httpx2.post(url, content=related(*files), headers={"Content-Type": RELATED}, timeout=60)

    @property
    def settings(self) -> Settings:
        names = {name.removeprefix("RADSTREAM_").lower(): value for name, value in self.environment.items()}
        return load_settings(home=self.home, **names)

    def ask(self, question: Callable[[Backends], Awaitable[T]]) -> T:
        """Return the answer to a question to the engines, whichever they are and whatever loop the caller has."""

        async def opened() -> T:
            async with open_backends(self.settings) as backends:
                return await question(backends)

        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, opened()).result()

    def blob_keys(self) -> list[str]:
        """Return the keys of all instances in the store."""

        async def listed(backends: Backends) -> list[str]:
            return [info.key async for info in backends.blobs.list(instances_prefix("main"))]

        return self.ask(listed)

    def delete_catalog(self) -> None:
        """Delete the catalog behind everybody's back."""
        url = self.settings.engine_url("catalog")
        if url.startswith("mongodb://"):
            with MongoClient(url) as client:
                client.drop_database(client.get_default_database().name)
        else:
            shutil.rmtree(url)

    def lag(self, group: str = "index", topics: Sequence[str] = INDEXED) -> int:
        """Return how many records `group` has not done, those that a pending marker stands for included."""

        async def waiting(backends: Backends) -> int:
            pending = [info async for info in backends.blobs.list(pending_prefix("main"))]
            return await backends.bus.lag(group, topics) + len(pending)

        return self.ask(waiting)

    def wait_until_quiet(self, timeout_s: float = 300) -> None:
        """Return when everything that was stored is indexed and has its preview."""
        self.wait_until_indexed(timeout_s)
        deadline = time.monotonic() + timeout_s
        while self.lag("render", ["instance-indexed", "instance-indexed-urgent"]):
            assert time.monotonic() < deadline, "previews are not made"
            time.sleep(0.1)

    def wait_until_indexed(self, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.lag() == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"not indexed in {timeout_s} s:\n{self.log()[-4000:]}")
