"""Several processes on one file, some of which are killed: what was acknowledged is there, and the file is sound."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from radstream.catalog.filters import EVERYTHING, Equals
from radstream.catalog.port import Document
from radstream.catalog.sqlite import SqliteCatalog

WRITER = """
import asyncio, sys
from pathlib import Path
from radstream.catalog.port import Put, PutEarliest
from radstream.catalog.sqlite import SqliteCatalog

async def write(catalog, number):
    study = {"PatientID": f"P{number}", "ModalitiesInStudy": ["CT", str(number)], "attributes": b"%d" % number * 300}
    shared = {"order": f"{number:09}", "sha256": f"sha {number:09}"}
    await catalog.apply([Put("studies", f"1.{number}", study), PutEarliest("instances", "shared", shared)])
    print(number, flush=True)

async def main(folder, first, count):
    catalog = SqliteCatalog(Path(folder))
    await catalog.create_collections()
    for number in range(int(first), int(first) + int(count), 3):
        await asyncio.gather(*(write(catalog, each) for each in range(number, number + 3)))
    await catalog.close()

asyncio.run(main(*sys.argv[1:]))
"""


def start_writer(folder: Path, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def everything(folder: Path) -> tuple[list[Document], Document]:
    """Return all studies, each checked to be whole, and the instance that all write."""
    catalog = SqliteCatalog(folder)
    studies = await catalog.find("studies", EVERYTHING, fields=("PatientID", "ModalitiesInStudy", "attributes"))
    for study in studies:
        number = study["_id"].removeprefix("1.")
        assert study["PatientID"] == f"P{number}"
        assert study["ModalitiesInStudy"] == ["CT", number]
        assert study["attributes"] == number.encode() * 300
        assert await catalog.count("studies", Equals("ModalitiesInStudy", number)) == 1
    (shared,) = await catalog.find("instances", EVERYTHING, fields=("order", "others", "sha256"))
    await catalog.close()
    return studies, shared


def assert_sound(folder: Path, orders: Sequence[int], shared: Document) -> None:
    first, *others = sorted(f"{number:09}" for number in orders)
    assert (shared["order"], shared["sha256"]) == (first, f"sha {first}")
    assert set(others) <= set(shared["others"])
    with closing(sqlite3.connect(folder / "catalog.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_several_processes_create_and_write_at_once(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path / "new", 1000 * number, 48) for number in range(4)]
    for writer in writers:
        out, _ = await asyncio.to_thread(writer.communicate, timeout=100)
        assert writer.returncode == 0
        assert out.count("\n") == 48
    numbers = [1000 * writer + number for writer in range(4) for number in range(48)]
    studies, shared = await everything(tmp_path / "new")
    assert sorted(study["_id"] for study in studies) == sorted(f"1.{number}" for number in numbers)
    assert_sound(tmp_path / "new", numbers, shared)
    assert len(shared["others"]) == len(numbers) - 1


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    chance = random.Random(9)
    witness = SqliteCatalog(tmp_path)  # a process that stays, and sees the others die
    await witness.create_collections()
    for round_ in range(6):
        writers = [start_writer(tmp_path, 100_000 * (2 * round_ + half), 90_000) for half in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged += [int(writer.stdout.readline()) for _ in range(chance.randrange(1, 40))]
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            rest, _ = writer.communicate()
            acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        assert await witness.count("studies", EVERYTHING) >= len(acknowledged)
    await witness.close()
    studies, shared = await everything(tmp_path)
    assert {f"1.{number}" for number in acknowledged} <= {study["_id"] for study in studies}
    assert_sound(tmp_path, [int(study["_id"].removeprefix("1.")) for study in studies], shared)
