"""How fast one index process and two drain a backlog, on real engines: ``python -m bench.drain``. Prints Markdown.

The instances are stored once. For each trial their events are put on a new, empty log while the index processes wait,
the catalog is a new one too, and the clock runs until all of them can be found. One process and two take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import httpx2

from bench.data import ct_slice
from bench.receivers import memory_bytes
from deploy.engines.__main__ import FOLDER
from deploy.engines.kafka import Kafka
from deploy.engines.mongod import Mongod
from deploy.engines.seaweedfs import SeaweedFs
from radstream.backends import Backends, open_backends
from radstream.bus.port import Message
from radstream.catalog.filters import EVERYTHING
from radstream.contract.topics import INSTANCE_STORED
from radstream.dicom.part10 import parse_meta
from radstream.settings import load_settings
from radstream.telemetry import start_logging
from services.ingest.accept import Accepting
from services.ingest.identity import Origin

PER_STUDY = 50
WARM_UP = 200
SIZE = 64
"""Rows and columns: the index reads headers only."""

AT_ONCE = 8
PORTS = 28400


class Engines:
    """Kafka, S3 and MongoDB, started in a folder; each trial has names of its own on them."""

    def __init__(self, data: Path) -> None:
        self._kafka = Kafka(FOLDER, data / "kafka", PORTS)
        self._s3 = SeaweedFs(FOLDER, data / "s3", PORTS + 2)
        self._mongod = Mongod(FOLDER, data / "mongod", PORTS + 12)

    @contextmanager
    def running(self) -> Iterator[None]:
        with ExitStack() as stack:
            for engine in (self._kafka, self._s3, self._mongod):
                engine.install()
                engine.start()
                stack.callback(engine.stop)
            yield

    def urls(self, name: str) -> dict[str, str]:
        """Return the settings of a trial; the blobs are the same for all of them."""
        return {
            "bus_url": f"{self._kafka.url}/{name}-",
            "blobs_url": self._s3.bucket_url("drained"),
            "previews_url": self._s3.bucket_url("drained-previews"),
            "catalog_url": self._mongod.database_url(name),
        }


async def store(urls: dict[str, str], count: int, folder: Path) -> list[Message]:
    """Store `count` instances, as ingest does; return their events."""
    own = {"bus_url": str(folder / "bus"), "catalog_url": str(folder / "catalog"), "publish_deadline_s": 60}
    settings = load_settings(home=folder, **{**urls, **own})
    async with open_backends(settings) as backends:
        accepting, turn = Accepting(backends, settings), asyncio.Semaphore(AT_ONCE)

        async def accept(number: int) -> None:
            study = f"2.25.{10**20 + number // PER_STUDY}"
            async with turn:
                await _accept(accepting, ct_slice(study, f"{study}.1", number % PER_STUDY, size=SIZE))

        await asyncio.gather(*(accept(number) for number in range(count)))
        records = await backends.bus.read(INSTANCE_STORED.name, limit=count)
    return [Message(record.topic, record.key, record.value, record.headers) for record in records]


async def _accept(accepting: Accepting, file: bytes) -> None:
    meta = parse_meta(file)
    assert meta is not None
    acceptance = accepting.begin(Origin("import", meta.transfer_syntax_uid))
    acceptance.write(file[meta.data_set_offset :])
    await acceptance.finish()


@contextmanager
def index_processes(number: int, urls: dict[str, str], folder: Path) -> Iterator[list[int]]:
    """Run so many index processes, ready on entry; yield their process ids."""
    ports = [_free_port() for _ in range(number)]
    environment = {**os.environ, **{f"RADSTREAM_{name.upper()}": url for name, url in urls.items()}}
    command = [sys.executable, "-m", "services.command", "index", "--home", str(folder), "--http-port"]
    running = [
        subprocess.Popen([*command, str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for port in ports
    ]
    try:
        for port in ports:
            _wait_until_ready(port)
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(30)


def _wait_until_ready(port: int) -> None:
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        try:
            if httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError("an index process does not become ready")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def drain(processes: int, urls: dict[str, str], events: Sequence[Message], folder: Path) -> tuple[float, int]:
    """Return how many instances a second become findable, and the largest resident set of a process in bytes."""
    async with open_backends(load_settings(home=folder, **urls)) as backends:
        with index_processes(processes, urls, folder) as pids:
            await backends.bus.publish(events[:WARM_UP])
            await _until_found(backends, WARM_UP)
            started_s = time.monotonic()
            for start in range(WARM_UP, len(events), 500):
                await backends.bus.publish(events[start : start + 500])
            await _until_found(backends, len(events))
            seconds = time.monotonic() - started_s
            return (len(events) - WARM_UP) / seconds, max(map(memory_bytes, pids))


async def _until_found(backends: Backends, count: int) -> None:
    async with asyncio.timeout(600):
        while await backends.catalog.count("instances", EVERYTHING) < count:  # noqa: ASYNC110 - others fill it
            await asyncio.sleep(0.1)


async def measure(engines: Engines, count: int, rounds: int, folder: Path) -> None:
    """Print the rates of one process and of two, their ratio, and what they needed of memory."""
    events = await store(engines.urls("stored"), count, folder / "stored")
    rates: dict[int, list[float]] = {1: [], 2: []}
    largest = 0
    for turn in range(rounds):
        for processes in (1, 2) if turn % 2 == 0 else (2, 1):
            urls = engines.urls(f"drain-{uuid.uuid4().hex[:8]}")
            rate, memory = await drain(processes, urls, events, folder)
            rates[processes].append(rate)
            largest = max(largest, memory)
    one, two = median(rates[1]), median(rates[2])
    print(f"| index processes | instances/s, median of {rounds} | least and most |\n|---|---|---|")
    for processes, each in rates.items():
        print(f"| {processes} | {median(each):.0f} | {min(each):.0f}-{max(each):.0f} |")
    print(f"\nTwo drain {count} instances {two / one:.2f} times as fast as one.")
    print(f"Engines and processes share {os.cpu_count()} cores. Largest index process: {largest >> 20} MiB.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drain", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="instances")
    parser.add_argument("--rounds", type=int, default=3, help="trials of one process, and of two")
    options = parser.parse_args()
    start_logging("bench", "CRITICAL")
    with tempfile.TemporaryDirectory(prefix="radstream-drain-") as data:
        engines = Engines(Path(data))
        with engines.running():
            asyncio.run(measure(engines, options.count, options.rounds, Path(data)))


if __name__ == "__main__":
    main()
