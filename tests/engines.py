"""Real engines for tests: installed and started when first needed, once a test process, on ports of their own."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Container, Iterable
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from deploy.engines.engine import Engine, EngineMissing
from deploy.engines.kafka import Kafka
from deploy.engines.mongod import Mongod
from deploy.engines.seaweedfs import SeaweedFs

PROGRAMS = Path(os.environ.get("RADSTREAM_ENGINES_HOME", Path(__file__).parents[1] / "build" / "engines"))


def on_engines(names: Iterable[str], real: Container[str]) -> list[ParameterSet]:
    """Return `names` as parameters of a fixture; those that are `real` run only where engines are asked for."""
    return [pytest.param(name, marks=[pytest.mark.engines] if name in real else []) for name in names]


def free_ports(number: int) -> int:
    """Return the first of so many ports in a row that nobody listens on just now."""
    for first in range(21000 + os.getpid() % 400 * 20, 32000, number):
        try:
            for port in range(first, first + number):
                with socket.socket() as sock:
                    sock.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


# Waits for the end of this process, whatever ends it, and takes the engine that lives in a folder along.
_UNDERTAKER = """read -r _
find "$1" -name pid | while read -r file; do read -r id _ < "$file"; kill -9 "$id" 2> /dev/null; done
rm -rf "$1"
"""
_undertakers: list[subprocess.Popen[bytes]] = []
_missing: dict[str, str] = {}


def _started(engine: Engine, data: Path) -> None:
    if engine.name not in _missing:
        undertaker = ["sh", "-c", _UNDERTAKER, "undertaker", str(data)]
        _undertakers.append(subprocess.Popen(undertaker, stdin=subprocess.PIPE, start_new_session=True))
        try:
            engine.install()
            engine.start()
        except EngineMissing as missing:
            _missing[engine.name] = str(missing)
    if engine.name in _missing:
        pytest.skip(f"DID NOT RUN on {engine.name}, which is not here: {_missing[engine.name]}")


@functools.cache
def seaweedfs() -> SeaweedFs:
    data = Path(tempfile.mkdtemp(prefix="radstream-s3-"))
    engine = SeaweedFs(PROGRAMS, data, free_ports(10))
    _started(engine, data)
    return engine


@functools.cache
def kafka() -> Kafka:
    data = Path(tempfile.mkdtemp(prefix="radstream-kafka-"))
    engine = Kafka(PROGRAMS, data, free_ports(2))
    _started(engine, data)
    return engine


@functools.cache
def kafka_of_three() -> Kafka:
    data = Path(tempfile.mkdtemp(prefix="radstream-kafka-"))
    engine = Kafka(PROGRAMS, data, free_ports(6), brokers=3)
    _started(engine, data)
    return engine


@functools.cache
def mongod() -> Mongod:
    data = Path(tempfile.mkdtemp(prefix="radstream-mongo-"))
    engine = Mongod(PROGRAMS, data, free_ports(1))
    _started(engine, data)
    return engine


def cluster_environment() -> dict[str, str]:
    """Return the settings of a new, empty installation on Kafka, S3 and MongoDB."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    return {
        "RADSTREAM_BUS_URL": f"{kafka().url}/{name}-",
        "RADSTREAM_BLOBS_URL": seaweedfs().bucket_url(name),
        "RADSTREAM_PREVIEWS_URL": seaweedfs().bucket_url(f"{name}-previews"),
        "RADSTREAM_CATALOG_URL": mongod().database_url(name),
    }
