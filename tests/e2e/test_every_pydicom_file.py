"""Every readable file of pydicom's test data, by STOW-RS and by DCMTK's storescu: kept exactly, found once, shown."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.samples import Sample, data_set_of, samples
from tests.system import System, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

# Transfer syntax: the option with which DCMTK's storescu proposes it.
STORESCU_OPTIONS = {
    "1.2.840.10008.1.2": ["-xi"],
    "1.2.840.10008.1.2.1": ["-xe"],
    "1.2.840.10008.1.2.1.99": ["-xd"],
    "1.2.840.10008.1.2.2": ["-xb"],
    "1.2.840.10008.1.2.4.50": ["-xy"],
    "1.2.840.10008.1.2.4.51": ["-xx"],
    "1.2.840.10008.1.2.4.70": ["-xs"],
    "1.2.840.10008.1.2.4.80": ["-xt"],
    "1.2.840.10008.1.2.4.81": ["-xu"],
    "1.2.840.10008.1.2.4.90": ["-xv"],
    "1.2.840.10008.1.2.4.91": ["-xw"],
    "1.2.840.10008.1.2.4.100": ["-xm"],
    "1.2.840.10008.1.2.4.102": ["-xn"],
    "1.2.840.10008.1.2.5": ["-xr"],
}


def instance_url(sample: Sample) -> str:
    return (
        f"studies/{sample.study_instance_uid}/series/{sample.series_instance_uid}/instances/{sample.sop_instance_uid}"
    )


def retrieve(system: System, path: str) -> bytes:
    answer = system.get(path, headers={"Accept": 'application/dicom; transfer-syntax="*"'})
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return answer.content


def first_of_each_uid(storable: list[Sample]) -> list[Sample]:
    """Several files carry one SOP Instance UID with other bytes: the first that arrives is the one that is shown."""
    return list({sample.sop_instance_uid: sample for sample in reversed(storable)}.values())


@pytest.fixture(scope="module")
def stored(system: System) -> list[Sample]:
    accepted = []
    for sample in samples():
        answer = system.stow(sample.path.read_bytes())
        if sample.is_storable:
            assert answer.status_code == 200, (sample.name, answer.text)
            accepted.append(sample)
        else:
            assert answer.status_code in {400, 409}, (sample.name, answer.status_code, answer.text)
    system.wait_until_indexed()
    return accepted


def test_there_are_files_to_send() -> None:
    assert sum(sample.is_storable for sample in samples()) > 140


def test_what_was_stored_comes_back_byte_for_byte(system: System, stored: list[Sample]) -> None:
    for sample in first_of_each_uid(stored):
        assert data_set_of(retrieve(system, instance_url(sample))) == sample.data_set, sample.name


def test_each_instance_is_found_once(system: System, stored: list[Sample]) -> None:
    for sample in first_of_each_uid(stored):
        found = system.get(f"instances?SOPInstanceUID={sample.sop_instance_uid}").json()
        assert len(found) == 1, sample.name
        assert found[0]["00080018"]["Value"] == [sample.sop_instance_uid]


def test_counts_are_those_of_what_was_sent(system: System, stored: list[Sample]) -> None:
    shown = Counter(sample.study_instance_uid for sample in first_of_each_uid(stored))
    found = {
        study["0020000D"]["Value"][0]: study["00201208"]["Value"][0]
        for study in system.get("studies?limit=1000").json()
    }
    assert found == shown


def test_metadata_is_whole_and_has_no_empty_value(system: System, stored: list[Sample]) -> None:
    for sample in first_of_each_uid(stored):
        answer = system.get(f"{instance_url(sample)}/metadata")
        assert answer.status_code == 200, sample.name
        (metadata,) = answer.json()
        assert metadata["00080018"]["Value"] == [sample.sop_instance_uid]
        assert b'"Value":[]' not in answer.content, sample.name


def test_each_rendering_exists_or_says_why_not(system: System, stored: list[Sample]) -> None:
    outcomes: Counter[int] = Counter()
    for sample in first_of_each_uid(stored):
        answer = system.get(f"{instance_url(sample)}/rendered", headers={"Accept": "image/jpeg"})
        outcomes[answer.status_code] += 1
        if answer.status_code == 200:
            assert answer.content.startswith(b"\xff\xd8"), sample.name
        else:
            assert answer.status_code == 406, (sample.name, answer.status_code, answer.text)
            assert answer.json()["detail"], sample.name
    assert outcomes[200] > 60, outcomes


@pytest.fixture(scope="module")
def dimse_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    running = System(tmp_path_factory.mktemp("home") / "radstream").start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture(scope="module")
def storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """DCMTK's own receiver, writing what storescu puts on the wire bit for bit: storescu re-encodes what it reads."""
    folder, port = tmp_path_factory.mktemp("storescp"), free_port()
    command = ["/usr/bin/storescp", "+B", "-aet", "ANY", "+xa", "-od", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port, folder
    process.terminate()
    process.wait()


def storescu(sample: Sample, port: int, title: str) -> int:
    command = ["/usr/bin/storescu", "-R", *STORESCU_OPTIONS[sample.transfer_syntax_uid], "-aec", title]
    command += ["127.0.0.1", str(port), str(sample.path)]
    run = subprocess.run(command, env={**os.environ, "TCP_NODELAY": "1"}, capture_output=True, timeout=60, check=False)
    return run.returncode


@pytest.mark.dcmtk
def test_storescu_sends_each_file_and_it_comes_back_as_on_the_wire(
    dimse_system: System, storescp: tuple[int, Path]
) -> None:
    port, folder = storescp
    sent: dict[str, tuple[Sample, str]] = {}
    skipped = Counter[str]()
    for sample in samples():
        if not sample.is_storable or sample.transfer_syntax_uid not in STORESCU_OPTIONS:
            skipped["not storable, or a syntax that storescu cannot propose"] += 1
            continue
        before = set(folder.iterdir())
        if storescu(sample, port, "ANY") != 0 or not (new := set(folder.iterdir()) - before):
            skipped["storescu cannot send it"] += 1
            continue
        reference = new.pop()
        digest = hashlib.sha256(data_set_of(reference.read_bytes())).hexdigest()
        reference.unlink()
        assert storescu(sample, dimse_system.dimse_port, "RADSTREAM") == 0, sample.name
        sent.setdefault(sample.sop_instance_uid, (sample, digest))
    dimse_system.wait_until_indexed()
    assert len(sent) > 80, skipped
    for sample, digest in sent.values():
        ours = data_set_of(retrieve(dimse_system, instance_url(sample)))
        assert hashlib.sha256(ours).hexdigest() == digest, sample.name
