"""The command as a person uses it: refusals that say what to set, single services, the operator's tools."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.samples import samples
from tests.system import System, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def radstream(*arguments: object, on: System | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command, on the engines of a system if one is given."""
    command = [sys.executable, "-m", "services.command", *map(str, arguments)]
    environment = {**os.environ, **(on.environment if on else {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=environment)


def test_an_address_that_others_reach_is_refused_with_a_sentence(tmp_path: Path) -> None:
    refused = radstream("up", "--home", str(tmp_path), "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "--allow-open" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_setting_that_means_nothing_is_refused_with_its_name() -> None:
    environment = {**os.environ, "RADSTREAM_AE_TITLE": "A TITLE THAT IS TOO LONG"}
    command = [sys.executable, "-m", "services.command", "up"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert refused.returncode == 2
    assert "ae_title" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_two_supervisors_do_not_share_a_home(system: System) -> None:
    second = radstream("up", "--home", str(system.home), "--http-port", str(free_port()))
    assert second.returncode == 2
    assert "another `radstream up`" in second.stderr


def test_the_start_page_is_served(system: System) -> None:
    page = httpx2.get(f"{system.base}/")
    assert page.status_code == 200
    assert "Radstream" in page.text
    assert (
        "script-src" in page.headers["content-security-policy"]
        or "default-src" in page.headers["content-security-policy"]
    )


def test_doctor_finds_a_running_system_well(system: System) -> None:
    environment = {"RADSTREAM_HTTP_PORT": str(system.http_port), "RADSTREAM_DIMSE_PORT": str(system.dimse_port)}
    found = subprocess.run(
        [sys.executable, "-m", "services.command", "doctor", "--home", str(system.home)],
        env={**os.environ, **environment, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "C-ECHO answered 0x0000" in found.stdout


def test_doctor_says_what_is_wrong_with_a_system_that_does_not_run(tmp_path: Path) -> None:
    found = radstream("doctor", "--home", str(tmp_path / "home"))
    assert found.returncode == 1
    assert "radstream up" in found.stdout


def test_import_takes_in_a_folder_and_knows_it_the_second_time(system: System, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    for sample in [sample for sample in samples() if sample.is_storable][:12]:
        (folder / sample.name).write_bytes(sample.path.read_bytes())
    (folder / "readme.txt").write_text("not DICOM")
    first = radstream("import", str(folder), "--home", str(system.home), on=system)
    assert first.returncode == 0, first.stderr
    assert "12 stored" in first.stdout
    assert "1 not DICOM" in first.stdout
    again = radstream("import", str(folder), "--home", str(system.home), on=system)
    assert "0 stored" in again.stdout
    assert "12 known" in again.stdout
    system.wait_until_indexed()
    assert len(system.get("instances?limit=1000").json()) >= 10


def test_up_drains_and_stops_in_seconds(tmp_path: Path) -> None:
    system = System(tmp_path / "home").start()
    children = system.children()
    services = {
        "up": {"dimse", "web", "catalog", "previews"},
        "cluster": {"gateway", "ingest", "index", "render", "api"},
    }
    assert {name.partition("-")[0] for name in children} == services[system.command]
    started = time.monotonic()
    assert system.stop() == 0
    assert time.monotonic() - started < 10
    assert not any(Path(f"/proc/{pid}").exists() for pid in children.values())


def test_the_services_stop_with_their_supervisor_even_if_it_is_killed(tmp_path: Path) -> None:
    system = System(tmp_path / "home").start()
    children = system.children()
    assert system.process is not None
    system.process.kill()
    system.process.wait()
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in children.values()):
        assert time.monotonic() < deadline, "a service outlived its supervisor"
        time.sleep(0.1)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Start each service as a process of its own on one home; yield the web port of each."""
    ports = {name: free_port() for name in ("ingest", "index", "render", "api")}
    running = []
    for name, port in ports.items():
        command = [sys.executable, "-m", "services.command", name, "--home", str(tmp_path / "home")]
        command += ["--http-port", str(port), "--dimse-port", str(free_port())]
        running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    yield ports
    for process in running:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(15) for process in running] == [0, 0, 0, 0]


def eventually(url: str, status: int = 200, timeout_s: float = 40) -> httpx2.Response:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            answer = httpx2.get(url, timeout=10)
            if answer.status_code == status and answer.content != b"[]":
                return answer
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline, f"no {status} from {url}"
        time.sleep(0.1)


def test_each_service_runs_alone(services: dict[str, int]) -> None:
    sample = next(sample for sample in samples() if sample.name == "CT_small.dcm")
    for name in ("ingest", "index", "render", "api"):
        eventually(f"http://127.0.0.1:{services[name]}/readyz")
    door = System(Path(), http_port=services["ingest"])
    assert door.stow(sample.path.read_bytes()).status_code == 200
    api = f"http://127.0.0.1:{services['api']}/dicom-web"
    assert len(eventually(f"{api}/studies").json()) == 1
    study = f"http://127.0.0.1:{services['render']}/dicom-web/studies/{sample.study_instance_uid}"
    assert eventually(f"{study}/thumbnail").headers["content-type"] == "image/jpeg"
