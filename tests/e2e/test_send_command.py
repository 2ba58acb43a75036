"""`radstream send` and `radstream echo` between running archives, and to DCMTK."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.test_command import radstream
from tests.samples import Sample, data_set_of, samples
from tests.system import System, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def unique_samples() -> dict[str, Sample]:
    """Return one file for each SOP Instance UID."""
    return {sample.sop_instance_uid: sample for sample in reversed(samples()) if sample.is_storable}


def to(system: System) -> list[str]:
    return ["--port", str(system.dimse_port)]


@pytest.mark.dcmtk
def test_every_file_of_pydicom_goes_into_the_archive_and_a_study_out_of_it(system: System, tmp_path: Path) -> None:
    chosen = unique_samples()
    folder = tmp_path / "files"
    folder.mkdir()
    for number, sample in enumerate(chosen.values()):
        (folder / f"{number}.dcm").write_bytes(sample.path.read_bytes())
    sent = radstream("send", folder, *to(system), "--associations", 3)
    assert f"{len(chosen)} stored (0 with a warning), 0 failed" in sent.stdout, sent.stdout + sent.stderr
    assert sent.returncode == 0
    system.wait_until_indexed()
    study = max((sample.study_instance_uid for sample in chosen.values()), key=lambda uid: _of(chosen, uid))
    received = tmp_path / "received"
    received.mkdir()
    port = free_port()
    options = ["+B", "+xa", "-od", received, "-aet", "OTHER", port]
    receiver = subprocess.Popen(["/usr/bin/storescp", *map(str, options)])
    try:
        _until_it_answers(port)
        out = radstream(
            "send", "--study", study, "--home", system.home, "--port", port, "--called-ae-title", "OTHER", on=system
        )
        assert out.returncode == 0, out.stdout + out.stderr
    finally:
        receiver.terminate()
        receiver.wait()
    expected = {sample.data_set for sample in chosen.values() if sample.study_instance_uid == study}
    assert {data_set_of(path.read_bytes()) for path in received.iterdir()} == expected


def _of(chosen: dict[str, Sample], study_instance_uid: str) -> int:
    return sum(sample.study_instance_uid == study_instance_uid for sample in chosen.values())


def _until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 30
    while radstream("echo", "--port", port).returncode:
        assert time.monotonic() < deadline


def test_echo_tells_success_and_why_not(system: System) -> None:
    assert radstream("echo", *to(system)).stdout == "C-ECHO answered 0x0000\n"
    refused = radstream("echo", *to(system), "--called-ae-title", "OTHER")
    assert refused.returncode == 2
    assert "called AE title not recognized" in refused.stderr
    nobody = radstream("echo", "--port", free_port())
    assert nobody.returncode == 2
    assert "does not answer" in nobody.stderr


def test_a_study_that_is_not_here_is_said_in_a_sentence(system: System) -> None:
    missing = radstream("send", "--study", "1.2.3", "--home", system.home, *to(system), on=system)
    assert missing.returncode == 2
    assert "no such study" in missing.stderr
    assert radstream("send").returncode == 2
