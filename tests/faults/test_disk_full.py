"""The disk is full to the last byte: what comes is refused rightly, what was acknowledged stays, it heals alone.

A small tmpfs is the disk; where it cannot be mounted, nothing of this is shown, and the tests say so.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from radstream.dicom.part10 import encode_meta
from radstream.dimse.client import Association
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance
from tests.samples import data_set_of
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

DISK_BYTES = 128 << 20
OUT_OF_RESOURCES, INSUFFICIENT_STORAGE = 0xA700, 507
HEALED_S = 30.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode:
        pytest.skip(f"DID NOT RUN: a tmpfs cannot be mounted here ({mount.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that takes all room there is."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self) -> None:
        """Write until not one byte more fits."""
        with self._path.open("ab", buffering=0) as file:
            for piece_bytes in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(piece_bytes))
        assert os.statvfs(self._path).f_bavail == 0

    def remove(self) -> None:
        self._path.unlink()


class Trial:
    """What was sent to a system, and what it said."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.acknowledged: list[Instance] = []
        self.refusals: Counter[int] = Counter()
        self._number = 0

    def store(self, count: int, *, size: int = 512) -> int:
        """Store by either door in turn; return how many were taken."""
        before = len(self.acknowledged)
        for _ in range(count):
            self._number += 1
            instance = make_instance(1, self._number, size=size)
            status = asyncio.run(self._c_store(instance)) if self._number % 2 else self._stow(instance)
            if status in (0, 200):
                self.acknowledged.append(instance)
            else:
                self.refusals[status] += 1
        return len(self.acknowledged) - before

    async def _c_store(self, instance: Instance) -> int:
        async with Association.request(
            "127.0.0.1",
            self.system.dimse_port,
            calling_ae_title="FULL",
            called_ae_title="RADSTREAM",
            contexts=[(MR_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])],
        ) as association:
            uid, data_set = instance.sop_instance_uid, instance.data_set
            return await association.c_store(MR_IMAGE_STORAGE, uid, EXPLICIT_VR_LITTLE_ENDIAN, data_set)

    def _stow(self, instance: Instance) -> int:
        meta = encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)
        answer = httpx2.post(
            f"{self.system.dicom_web}/studies",
            content=meta + instance.data_set,
            headers={"Content-Type": "application/dicom"},
            timeout=30,
        )
        if answer.status_code == INSUFFICIENT_STORAGE:
            assert answer.headers["Retry-After"]
            (failure,) = answer.json()["00081198"]["Value"]
            assert failure["00081197"]["Value"] == [OUT_OF_RESOURCES]
        return answer.status_code

    def check_blobs(self) -> None:
        """Every acknowledged instance that can be found comes back byte for byte."""
        for instance in self.acknowledged:
            answer = self.system.get(instance.url, headers={"Accept": 'application/dicom; transfer-syntax="*"'})
            assert answer.status_code == 200, (instance.url, answer.status_code, answer.text)
            assert data_set_of(answer.content) == instance.data_set

    def check_catalog(self) -> None:
        rows = self.system.get(f"studies/{self.acknowledged[0].study_instance_uid}/instances?limit=1000").json()
        found = sorted(row["00080018"]["Value"][0] for row in rows)
        assert found == sorted(instance.sop_instance_uid for instance in self.acknowledged)

    def wait_until_healed(self) -> float:
        """Return how long it took until an instance was taken by each door."""
        begun_at = time.monotonic()
        while self.store(2, size=64) < 2:
            assert time.monotonic() - begun_at < HEALED_S, self.system.log()[-4000:]
            time.sleep(0.5)
        return time.monotonic() - begun_at


@pytest.mark.parametrize("on_disk", ["everything", "blobs"])
def test_a_full_disk_refuses_loses_nothing_and_heals(disk: Path, tmp_path: Path, on_disk: str) -> None:
    environment = {"RADSTREAM_MIN_FREE_BYTES": "0", "RADSTREAM_STUDY_QUIET_S": "2"}
    if on_disk == "blobs":
        environment["RADSTREAM_BLOBS_URL"] = str(disk / "blobs")
    system = System(disk / "home" if on_disk == "everything" else tmp_path / "home", environment).start()
    trial, ballast = Trial(system), Ballast(disk)
    try:
        processes = system.children()
        assert trial.store(20) == 20
        system.wait_until_indexed()
        ballast.fill()
        trial.store(20)
        trial.store(10, size=64)
        print(f"refused: {dict(trial.refusals)}, taken: {len(trial.acknowledged)}")
        assert set(trial.refusals) == {OUT_OF_RESOURCES, INSUFFICIENT_STORAGE}
        assert system.children() == processes, "a process died"
        ballast.remove()
        print(f"healed in {trial.wait_until_healed():.1f} s")
        assert trial.store(10) == 10
        system.wait_until_quiet(60)
        trial.check_catalog()
        trial.check_blobs()
        assert system.children() == processes, "a process died"
    finally:
        assert system.stop() == 0, system.log()[-4000:]
    for path in system.home.rglob("*.sqlite"):
        assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchall() == [("ok",)], path


def test_a_disk_that_fills_up_is_left_its_reserve(disk: Path) -> None:
    system = System(disk / "home", {"RADSTREAM_MIN_FREE_BYTES": str(DISK_BYTES // 2)}).start()
    trial = Trial(system)
    try:
        trial.store(DISK_BYTES // (512 * 1024))
        print(f"refused: {dict(trial.refusals)}, taken: {len(trial.acknowledged)}")
        assert set(trial.refusals) == {OUT_OF_RESOURCES, INSUFFICIENT_STORAGE}
        system.wait_until_quiet(60)
        trial.check_catalog()
        trial.check_blobs()
    finally:
        assert system.stop() == 0, system.log()[-4000:]
