"""The embedded log in several processes at once, some of which die by kill -9."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Consumer, Message, Record
from radstream.contract.topics import Topic

ROOT = Path(__file__).parents[3]
TOPIC = Topic("facts", (), ())

PRELUDE = """
import asyncio, sys
from pathlib import Path
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Message
from radstream.contract.topics import Topic
bus = EmbeddedBus(Path(sys.argv[1]))
name = sys.argv[2]
def say(*words):
    print(*words, flush=True)
"""

# Eight publishers in one process; each says what the log has acknowledged.
PUBLISHER = """
async def publish(task):
    step = 0
    while step < int(sys.argv[3]):
        value = f"{name} {task} {step}"
        await bus.publish([Message("facts", "k", value.encode())])
        say(value)
        step += 1
async def main():
    await bus.create_topics([Topic("facts", (), ())])
    await asyncio.gather(*(publish(task) for task in range(8)))
    await bus.close()
asyncio.run(main())
"""

# Says what it has handled, then commits; so what it said last may come again.
MEMBER = """
async def main():
    consumer = bus.consumer("index", ["facts"])
    say("joining")
    while True:
        for record in (records := await consumer.poll(10, 1)):
            say(record.offset)
        await consumer.commit(records)
asyncio.run(main())
"""


def start(script: str, folder: Path, name: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PRELUDE + script, str(folder), name, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@contextmanager
def process(script: str, folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with start(script, folder, name, *arguments) as started:
        try:
            yield started
        finally:
            started.kill()


def lines(started: subprocess.Popen[str], count: int) -> list[str]:
    assert started.stdout is not None
    return [started.stdout.readline().strip() for _ in range(count)]


def killed(started: subprocess.Popen[str]) -> list[str]:
    """Kill -9; return what it had still said, but for a line cut short."""
    started.send_signal(signal.SIGKILL)
    assert started.stdout is not None
    return [line.strip() for line in started.stdout.read().splitlines(keepends=True) if line.endswith("\n")]


async def everything(bus: EmbeddedBus) -> list[Record]:
    found: list[Record] = []
    while page := await bus.read("facts", after=found[-1].offset if found else -1, limit=5000):
        found += page
    return found


@pytest.mark.parametrize("kills", [4])
async def test_kill_of_publishers_loses_no_acknowledged_record_and_leaves_no_gap(tmp_path: Path, kills: int) -> None:
    folder = tmp_path / "bus"
    acknowledged: list[str] = []
    for kill in range(kills):
        with (
            process(PUBLISHER, folder, f"a{kill}", "100000") as one,
            process(PUBLISHER, folder, f"b{kill}", "100000") as two,
        ):
            acknowledged += lines(one, 50) + lines(two, 50)
            acknowledged += killed(one) + killed(two)
    bus = EmbeddedBus(folder)
    found = await everything(bus)
    await bus.close()
    assert len(acknowledged) >= kills * 100
    assert set(acknowledged) <= {record.value.decode() for record in found}
    assert len(found) == len({record.value for record in found})
    assert [record.offset for record in found] == list(range(len(found)))


async def test_many_processes_may_create_one_log_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    started = [start(PUBLISHER, folder, str(index), "5") for index in range(6)]
    for one in started:
        one.communicate(timeout=60)
    assert [one.returncode for one in started] == [0] * 6
    bus = EmbeddedBus(folder)
    found = await everything(bus)
    await bus.close()
    assert sorted(record.value.decode() for record in found) == sorted(
        f"{name} {task} {step}" for name in range(6) for task in range(8) for step in range(5)
    )
    assert [record.offset for record in found] == list(range(240))


async def test_kill_of_the_active_member_hands_its_work_to_the_one_that_stands_by(tmp_path: Path) -> None:
    folder = tmp_path / "bus"
    bus = EmbeddedBus(folder)
    await bus.create_topics([TOPIC])
    await bus.publish([Message("facts", "k", b"") for _ in range(5)])
    with process(MEMBER, folder, "active") as active:
        assert await asyncio.to_thread(lines, active, 6) == ["joining", "0", "1", "2", "3", "4"]
        standing_by = bus.consumer("index", ["facts"])
        assert await standing_by.poll(10, 0.5) == []
        await bus.publish([Message("facts", "k", b"") for _ in range(200)])
        handled = {int(line) for line in await asyncio.to_thread(lines, active, 20)}
        handled |= {int(line) for line in await asyncio.to_thread(killed, active)}
        taken_over = await until_drained(bus, standing_by)
    await standing_by.close()
    await bus.close()
    assert handled | taken_over | set(range(5)) == set(range(205))


async def test_a_killed_member_leaves_no_socket_that_wakes_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "bus"
    bus = EmbeddedBus(folder)
    await bus.create_topics([TOPIC])
    with process(MEMBER, folder, "active") as active:
        await bus.publish([Message("facts", "k", b"")])
        assert await asyncio.to_thread(lines, active, 2) == ["joining", "0"]
        assert len(list((folder / "wake" / "facts").iterdir())) == 1
        await asyncio.to_thread(killed, active)
        active.wait()
    await bus.publish([Message("facts", "k", b"")])
    await bus.close()  # news is sent after the publisher was answered
    assert list((folder / "wake" / "facts").iterdir()) == []


async def until_drained(bus: EmbeddedBus, consumer: Consumer) -> set[int]:
    offsets: set[int] = set()
    async with asyncio.timeout(30):
        while await bus.lag("index", ["facts"]):
            records = await consumer.poll(100, 0.2)
            offsets |= {record.offset for record in records}
            await consumer.commit(records)
    return offsets
