"""Each service as a process of its own, as an orchestrator runs it: its health door, and its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.system import free_port

pytestmark = pytest.mark.e2e

SERVICES = ("ingest", "index", "render", "api", "gateway")


class Alone:
    """A service with the ports of its own."""

    def __init__(self, home: Path, name: str, **settings: str) -> None:
        self.http_port, self.health_port = free_port(), free_port()
        own = {
            "HOME": str(home),
            "HTTP_PORT": str(self.http_port),
            "HEALTH_PORT": str(self.health_port),
            "DIMSE_PORT": str(free_port()),
            **{f"{owner}_URLS": "http://127.0.0.1:9" for owner in ("INGEST", "RENDER", "API")},
            **settings,
        }
        environment = os.environ | {f"RADSTREAM_{key}": value for key, value in own.items()}
        self.process = subprocess.Popen([sys.executable, "-m", "services.command", name], env=environment)

    def ask(self, path: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.health_port}{path}", timeout=10)

    def until(self, path: str, holds: Callable[[httpx2.Response], bool]) -> httpx2.Response:
        deadline_s = time.monotonic() + 40
        while time.monotonic() < deadline_s:
            assert self.process.poll() is None
            try:
                answer = self.ask(path)
            except httpx2.TransportError:
                time.sleep(0.05)
                continue
            if holds(answer):
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{path} never said so")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


Start = Callable[..., Alone]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Alone] = []

    def begin(name: str, **settings: str) -> Alone:
        started.append(Alone(tmp_path, name, **settings))
        return started[-1]

    yield begin
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait()


def is_ok(answer: httpx2.Response) -> bool:
    return answer.status_code == 200


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_says_that_it_is_alive_and_ready_and_what_it_counts(start: Start, name: str) -> None:
    service = start(name)
    assert service.until("/healthz", is_ok).json()["status"] == "alive"
    assert service.until("/readyz", is_ok).json()["status"] == "ready"
    assert "# TYPE radstream_records_handled_total counter" in service.ask("/metrics").text
    if name in ("ingest", "render", "api"):
        base = f"http://127.0.0.1:{service.http_port}"
        tells = [httpx2.get(base + path).status_code for path in ("/healthz", "/readyz", "/metrics")]
        assert tells == [404, 404, 404]  # what faces clients tells nothing of the engines
    assert service.stop() == 0


def test_an_engine_that_is_away_makes_a_service_unready_and_leaves_it_alive(start: Start) -> None:
    service = start("index", CATALOG_URL="mongodb://127.0.0.1:9/radstream?serverSelectionTimeoutMS=500")
    answer = service.until("/readyz", lambda answer: answer.status_code == 503)
    assert answer.json()["checks"]["catalog"] != "ok"
    assert is_ok(service.ask("/healthz"))
    assert service.stop() == 0


def test_ingest_is_ready_while_log_and_catalog_are_away(start: Start) -> None:
    service = start("ingest", CATALOG_URL="mongodb://127.0.0.1:9/radstream", BUS_URL="kafka://127.0.0.1:9/")
    service.until("/readyz", is_ok)
    assert service.stop() == 0


def test_the_gateway_says_that_a_service_is_away_and_when_to_ask_again(start: Start) -> None:
    service = start("gateway")
    service.until("/readyz", is_ok)
    answer = httpx2.get(f"http://127.0.0.1:{service.http_port}/dicom-web/studies", timeout=10)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
