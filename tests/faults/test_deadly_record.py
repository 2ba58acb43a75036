"""A record that ends every process that handles it is set aside, on each log; all others are handled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from radstream.backends import open_bus
from radstream.bus.dead_letters import unresolved
from radstream.bus.port import Message, Record
from radstream.bus.suspicion import MOST_DEATHS
from radstream.contract.topics import Topic, dead_letter_topic
from tests.engines import kafka, on_engines

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CONSUMES = r"""
import asyncio, os, sys
from radstream.backends import open_bus
from radstream.bus.loop import ConsumeLoop

url, topic, journal = sys.argv[1:]

async def handle(records):
    for record in records:
        if record.value == b"deadly":
            os._exit(9)
        with open(journal, "a") as file:
            file.write(record.value.decode() + "\n")

async def main():
    bus, stop = open_bus(url), asyncio.Event()
    loop = ConsumeLoop(bus, "index", topic, handle, max_batch=8)
    running = asyncio.create_task(loop.run(stop))
    while await bus.lag("index", [topic]) and not running.done():
        await asyncio.sleep(0.2)
    stop.set()
    await running
    await bus.close()

asyncio.run(main())
"""


@pytest.fixture(params=on_engines(("embedded", "kafka"), {"kafka"}))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "bus") if request.param == "embedded" else f"{kafka().url}/deadly-{uuid.uuid4().hex[:8]}-"


async def publish(url: str, topic: str, values: list[str]) -> None:
    bus = open_bus(url)
    await bus.create_topics([Topic(topic, (), ("index",), partitions=1)])
    await bus.publish([Message(topic, "1.2.3", value.encode()) for value in values])
    await bus.close()


async def dead_letters(url: str, topic: str) -> list[Record]:
    bus = open_bus(url)
    letters = unresolved(await bus.read(dead_letter_topic(topic, "index")))
    await bus.close()
    return letters


def test_a_record_that_ends_its_process_each_time_is_set_aside_and_its_neighbours_pass(
    url: str, tmp_path: Path
) -> None:
    neighbours = [f"{number}" for number in range(20)]
    asyncio.run(publish(url, "stored", [*neighbours[:11], "deadly", *neighbours[11:]]))
    journal = tmp_path / "handled.txt"
    command = [sys.executable, "-c", CONSUMES, url, "stored", str(journal)]
    codes: list[int] = []
    while not codes or codes[-1] == 9:
        assert len(codes) < 10, "it kills for ever"
        codes.append(subprocess.run(command, timeout=100, check=False).returncode)
    print(f"{len(codes) - 1} processes ended")
    assert codes[-1] == 0
    assert MOST_DEATHS <= len(codes) - 1 <= MOST_DEATHS + 2
    assert set(journal.read_text().split()) == set(neighbours)
    [letter] = asyncio.run(dead_letters(url, "stored"))
    assert letter.value == b"deadly"
    assert letter.headers["error-type"] == "DeadlyRecord"
