"""What no service can handle is set aside with its reason while its neighbours pass; mended, it is found."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from radstream.bus.port import Message
from radstream.contract.events import InstanceStored
from services.ingest.announce import message_of
from tests.e2e.test_every_pydicom_file import retrieve
from tests.e2e.test_versions import send
from tests.index_engines import Archive
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, Instance, make_instance
from tests.samples import data_set_of
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STUDY = 71
"""All in one study, thus one partition: what stands behind a poison event waits for it."""


@dataclass
class Poisoned:
    """A system in whose log bad events lie between the good ones of two instances."""

    system: System
    absent: Instance = field(default_factory=lambda: make_instance(STUDY, 2))
    damaged: Instance = field(default_factory=lambda: make_instance(STUDY, 3))
    neighbours: tuple[Instance, Instance] = field(
        default_factory=lambda: (make_instance(STUDY, 1), make_instance(STUDY, 4))
    )

    def fill(self) -> None:
        assert send(self.system, self.neighbours[0]) == 200
        absent, _ = as_ingest_stores(self.absent)
        damaged, content = as_ingest_stores(self.damaged)
        self.restore(damaged.blob_key, b"\xff" * len(content))  # a disk that forgot
        malformed = Message("instance-stored", absent.study_instance_uid, b'{"event_id": ')
        self.system.ask(lambda b: b.bus.publish([malformed, message_of(absent), message_of(damaged)]))
        assert send(self.system, self.neighbours[1]) == 200
        self.system.wait_until_indexed()

    def restore(self, blob_key: str, content: bytes) -> None:
        """Put a blob where it belongs, as from a backup."""
        assert self.system.ask(lambda b: b.blobs.put(blob_key, content)).created

    def found(self) -> set[str]:
        answer = self.system.get(f"instances?StudyInstanceUID={self.absent.study_instance_uid}")
        return {row["00080018"]["Value"][0] for row in answer.json()} if answer.status_code == 200 else set()

    def dead_letters(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services.command", "dead-letters", *arguments]
        environment = {**os.environ, **self.system.environment}
        return subprocess.run(
            [*command, "--home", str(self.system.home)],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env=environment,
        )

    def listed(self) -> dict[str, str]:
        """Return what is listed: by its name the line of each dead letter."""
        outcome = self.dead_letters("list")
        assert outcome.returncode == 0, outcome.stderr
        lines = [line.strip() for line in outcome.stdout.splitlines()]
        return {line.split()[0]: line for line in lines if "-dlq:" in line}

    def named(self, reason: str) -> str:
        [name] = [name for name, line in self.listed().items() if reason in line]
        return name


def as_ingest_stores(instance: Instance) -> tuple[InstanceStored, bytes]:
    """Return event and blob of an instance, without storing it anywhere."""
    archive = Archive()
    event = asyncio.run(archive.ingest(instance.data_set, EXPLICIT_VR_LITTLE_ENDIAN))
    return event, archive.blobs.contents[event.blob_key][0]


@pytest.fixture(scope="module")
def poisoned(system: System) -> Poisoned:
    made = Poisoned(system)
    made.fill()
    return made


def test_neighbours_of_bad_events_pass(poisoned: Poisoned) -> None:
    assert poisoned.found() == {instance.sop_instance_uid for instance in poisoned.neighbours}


def test_each_is_listed_and_shown_with_its_reason(poisoned: Poisoned) -> None:
    assert len(poisoned.listed()) == 3
    for reason in ("MalformedEvent", "NotFound", "RejectedInstance"):
        shown = poisoned.dead_letters("show", poisoned.named(reason)).stdout
        assert f"error-type: {reason}" in shown
        assert "original-topic: instance-stored" in shown
        assert "error-text: " in shown


def test_what_was_not_mended_is_set_aside_again_and_nothing_else_is_moved(poisoned: Poisoned) -> None:
    name = poisoned.named("NotFound")
    assert poisoned.dead_letters("replay", name).returncode == 0
    poisoned.system.wait_until_indexed()
    assert poisoned.named("NotFound") != name
    assert len(poisoned.listed()) == 3


def test_after_its_blob_is_back_a_replayed_one_is_found(poisoned: Poisoned) -> None:
    event, content = as_ingest_stores(poisoned.absent)
    poisoned.restore(event.blob_key, content)
    assert poisoned.dead_letters("replay", poisoned.named("NotFound")).stdout.strip() == "1 replayed"
    poisoned.system.wait_until_indexed()
    assert poisoned.absent.sop_instance_uid in poisoned.found()
    assert data_set_of(retrieve(poisoned.system, poisoned.absent.url)) == poisoned.absent.data_set
    assert len(poisoned.listed()) == 2


def test_after_its_blob_is_mended_a_replayed_one_is_found(poisoned: Poisoned) -> None:
    event, content = as_ingest_stores(poisoned.damaged)
    poisoned.system.ask(lambda b: b.blobs.delete(event.blob_key))
    poisoned.restore(event.blob_key, content)
    assert poisoned.dead_letters("replay", poisoned.named("RejectedInstance")).returncode == 0
    poisoned.system.wait_until_indexed()
    assert poisoned.damaged.sop_instance_uid in poisoned.found()
    assert data_set_of(retrieve(poisoned.system, poisoned.damaged.url)) == poisoned.damaged.data_set


def test_what_cannot_be_mended_is_given_up_and_no_longer_listed(poisoned: Poisoned) -> None:
    name = poisoned.named("MalformedEvent")
    assert poisoned.dead_letters("discard", name).stdout.strip() == "1 discarded"
    assert poisoned.listed() == {}
    again = poisoned.dead_letters("discard", name)
    assert again.returncode == 2
    assert "no dead letter" in again.stderr
    assert "Traceback" not in again.stderr
