"""The same instance again, other bytes under its UID, and a catalog made anew from the blobs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from radstream.catalog.filters import EVERYTHING
from radstream.catalog.port import Document
from radstream.dicom.part10 import encode_meta
from tests.e2e.test_every_pydicom_file import retrieve
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance
from tests.samples import data_set_of, samples
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def send(system: System, instance: Instance) -> int:
    meta = encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)
    return system.stow(meta + instance.data_set).status_code


def blobs_of(system: System, instance: Instance) -> list[str]:
    return [key for key in system.blob_keys() if instance.sop_instance_uid in key]


def test_the_same_bytes_twice_are_one_instance(system: System) -> None:
    instance = make_instance(1, 1)
    assert [send(system, instance), send(system, instance)] == [200, 200]
    system.wait_until_indexed()
    assert len(system.get(f"instances?SOPInstanceUID={instance.sop_instance_uid}").json()) == 1
    assert len(blobs_of(system, instance)) == 1
    (study,) = system.get(f"studies?StudyInstanceUID={instance.study_instance_uid}").json()
    assert study["00201208"]["Value"] == [1]


def test_other_bytes_are_kept_beside_the_first_which_stays_visible(system: System) -> None:
    first, second = make_instance(2, 1), make_instance(2, 1, altered=b"\xff\xff")
    assert [send(system, first), send(system, second)] == [200, 200]
    system.wait_until_indexed()
    assert data_set_of(retrieve(system, first.url)) == first.data_set
    assert len(blobs_of(system, first)) == 2
    conflicts = conflicts_in(system)
    assert [(c["SOPInstanceUID"], first.sha256 in c["visible_blob_key"]) for c in conflicts] == [
        (first.sop_instance_uid, True)
    ]
    assert second.sha256 in conflicts[0]["hidden_blob_key"]


def conflicts_in(system: System) -> list[Document]:
    fields = ("SOPInstanceUID", "hidden_blob_key", "visible_blob_key")
    return system.ask(lambda backends: backends.catalog.find("conflicts", EVERYTHING, fields=fields))


QUERIES = (
    "studies?limit=1000",
    "studies?limit=1000&includefield=all",
    "studies?PatientName=*a*&limit=1000",
    "series?limit=1000&includefield=all",
    "instances?limit=1000&includefield=all",
)


def answers(system: System) -> dict[str, bytes]:
    """Return what QIDO and the metadata of every study say."""
    studies = [study["0020000D"]["Value"][0] for study in system.get("studies?limit=1000").json()]
    paths = [*QUERIES, *(f"studies/{uid}/metadata" for uid in studies)]
    return {path: system.get(path).content.replace(system.base.encode(), b"") for path in paths}


def test_a_rebuilt_catalog_answers_as_before(tmp_path: Path) -> None:
    system = System(tmp_path / "home").start()
    for sample in [sample for sample in samples() if sample.is_storable][::3]:
        assert system.stow(sample.path.read_bytes()).status_code == 200
    assert send(system, make_instance(2, 1)) == 200
    assert send(system, make_instance(2, 1, altered=b"\xff\xff")) == 200
    system.wait_until_indexed()
    before = answers(system)
    assert len(before) > 20
    assert system.stop() == 0

    system.delete_catalog()
    command = [sys.executable, "-m", "services.command", "rebuild", "--home", str(system.home)]
    environment = {**os.environ, **system.environment}
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
    system.start()
    try:
        assert answers(system) == before
        assert len(conflicts_in(system)) >= 1
    finally:
        assert system.stop() == 0
