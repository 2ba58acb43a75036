from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from radstream.contract.errors import Unavailable, UnsupportedInstance
from radstream.sandbox import pool
from radstream.telemetry import WORKER_DEATHS
from services.render.sandbox import Sandbox
from services.render.task import Order, RenderedImage, Task
from tests.pixel_files import pixel_files
from tests.processes import children

# A worker that does what the transfer syntax of its task says, and otherwise what the real one does.
NAUGHTY = """
import ctypes, os, signal, sys, time
from radstream.sandbox import worker
from services.render import work

def render_frame(order, header, frame, admit=None):
    deed = order.transfer_syntax_uid
    if deed == "crash": ctypes.string_at(0)
    if deed == "abort": os.abort()
    if deed == "exit": os._exit(3)
    if deed == "eat": return [bytearray(1 << 28) for _ in range(64)]
    if deed == "spin":
        while True: pass
    if deed == "sleep": time.sleep(600)
    if deed == "nap": time.sleep(0.3)
    if deed == "raise": raise KeyError("Doe^Jane")
    if deed == "recurse": return render_frame(order, header, frame)
    if deed == "print": [os.write(descriptor, b"chatter" * 1000) for descriptor in (1, 2)]
    if deed == "write":
        with open(frame.decode(), "w") as file: file.write("x")
    if deed == "once" and not os.path.exists(frame.decode()):
        os.mkdir(frame.decode())
        os.abort()
    import numpy as np
    return [(np.zeros((2, 3), np.uint8), b"")]

work.render_frame = render_frame
worker.main()
"""


def mr_small() -> Task:
    file = pixel_files()["MR_small.dcm"]
    at = file.content.index(b"\xe0\x7f\x10\x00OW")
    return Task(Order(transfer_syntax_uid=file.transfer_syntax_uid), file.content[:at], file.frame(0)[0])


def task(deed: str, frame: bytes = b"") -> Task:
    return Task(Order(transfer_syntax_uid=deed), b"", frame)


def deaths() -> float:
    return float(WORKER_DEATHS._value.get())


@pytest.fixture
async def naughty(tmp_path: Path) -> AsyncIterator[Callable[..., Sandbox]]:
    """Make sandboxes of workers that do as their task says."""
    made: list[Sandbox] = []

    def make(workers: int = 1, **options: Any) -> Sandbox:
        made.append(Sandbox(workers, command=(sys.executable, "-c", NAUGHTY), **options))
        return made[-1]

    yield make
    for sandbox in made:
        await sandbox.close()


async def refused(sandbox: Sandbox, deed: Task) -> str:
    with pytest.raises(UnsupportedInstance) as caught:
        await sandbox.run(deed)
    return str(caught.value)


async def test_a_frame_becomes_a_picture() -> None:
    async with Sandbox() as sandbox:
        picture = await sandbox.run(mr_small())
    assert (picture.media_type, picture.rows, picture.columns) == ("image/jpeg", 64, 64)
    assert picture.body.startswith(b"\xff\xd8")


async def test_a_reason_comes_back_as_an_error() -> None:
    async with Sandbox() as sandbox:
        good = mr_small()
        assert "ends before the frame" in await refused(sandbox, Task(good.order, good.header, good.frame[:-1]))
        assert "not decoded" in await refused(sandbox, Task(Order(transfer_syntax_uid="1.2.3"), good.header, b""))
        assert "missing" in await refused(sandbox, Task(good.order, b"", good.frame))


@pytest.mark.parametrize("deed", ["crash", "abort", "exit"])
async def test_a_worker_that_dies_fails_its_task_only(naughty: Callable[..., Sandbox], deed: str) -> None:
    sandbox, before = naughty(), deaths()
    assert "the decoder died twice" in await refused(sandbox, task(deed))
    assert deaths() == before + 2
    assert isinstance(await sandbox.run(task("well")), RenderedImage)


async def test_a_death_by_accident_is_forgiven(naughty: Callable[..., Sandbox], tmp_path: Path) -> None:
    before = deaths()
    picture = await naughty().run(task("once", str(tmp_path / "mark").encode()))
    assert picture.rows == 2
    assert deaths() == before + 1


async def test_a_worker_killed_while_idle_is_replaced(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty()
    await sandbox.run(task("well"))
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    assert (await sandbox.run(task("well"))).rows == 2


async def test_a_worker_killed_at_work_is_replaced_and_the_task_repeated(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty()
    await sandbox.run(task("well"))
    (pid,) = children()
    running = asyncio.create_task(sandbox.run(task("nap")))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    assert (await running).rows == 2


async def test_a_worker_that_eats_memory_is_stopped_at_its_cap(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty(memory_bytes=1 << 30)
    assert await refused(sandbox, task("eat")) == "this needs more memory than a worker may have"
    assert (await sandbox.run(task("well"))).rows == 2


async def test_a_worker_that_loops_for_ever_is_killed_by_its_processor_time(naughty: Callable[..., Sandbox]) -> None:
    sandbox, before = naughty(processor_s=1), deaths()
    assert "more processor time" in await refused(sandbox, task("spin"))
    assert deaths() == before + 1, "what takes too long is not tried again"
    assert (await sandbox.run(task("well"))).rows == 2


async def test_a_worker_that_hangs_is_killed_at_the_deadline(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty(deadline_s=1.0)
    await sandbox.start()
    assert "took longer than 1 s" in await refused(sandbox, task("sleep"))
    await sandbox.start()
    assert (await sandbox.run(task("well"))).rows == 2


async def test_unknown_errors_keep_their_text_to_themselves(naughty: Callable[..., Sandbox]) -> None:
    assert await refused(naughty(), task("raise")) == "failed with KeyError"


async def test_too_deep_recursion_is_a_reason(naughty: Callable[..., Sandbox]) -> None:
    assert await refused(naughty(), task("recurse")) == "sequences are nested too deeply"


async def test_what_a_decoder_prints_does_not_reach_the_answer(naughty: Callable[..., Sandbox]) -> None:
    assert (await naughty().run(task("print"))).rows == 2


async def test_a_worker_writes_no_files(naughty: Callable[..., Sandbox], tmp_path: Path) -> None:
    target = tmp_path / "stolen"
    assert await refused(naughty(), task("write", str(target).encode())) == "failed with OSError"
    assert target.read_bytes() == b""


async def test_several_workers_work_at_once(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty(2)
    await asyncio.gather(*(sandbox.run(task("well")) for _ in range(2)))
    begun = time.monotonic()
    await asyncio.gather(*(sandbox.run(task("nap")) for _ in range(2)))
    assert len(children()) == 2
    assert time.monotonic() - begun < 30  # a bound against hanging, no measurement


async def test_more_tasks_than_may_wait_are_refused(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty(most_waiting=2)
    running = [asyncio.create_task(sandbox.run(task("nap"))) for _ in range(3)]
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable):
        await sandbox.run(task("well"))
    assert [picture.rows for picture in await asyncio.gather(*running)] == [2, 2, 2]


async def test_a_caller_that_goes_away_takes_no_worker_along(naughty: Callable[..., Sandbox]) -> None:
    sandbox, before = naughty(), deaths()
    await sandbox.run(task("well"))
    leaving = [asyncio.create_task(sandbox.run(task("nap"))) for _ in range(3)]
    await asyncio.sleep(0.1)
    for each in leaving:
        each.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert (await sandbox.run(task("well"))).rows == 2
    assert deaths() == before


async def test_closing_ends_every_worker(naughty: Callable[..., Sandbox]) -> None:
    sandbox = naughty(2)
    await sandbox.start()
    running = asyncio.create_task(sandbox.run(task("sleep")))
    await asyncio.sleep(0.1)
    assert len(children()) == 2
    await sandbox.close()
    assert children() == []
    with pytest.raises(asyncio.CancelledError):
        await running


PARENT = """
import asyncio, sys
from services.render.sandbox import Sandbox
from services.render.task import Order, Task

async def main():
    sandbox = Sandbox(command=(sys.executable, "-c", sys.argv[1]))
    running = asyncio.create_task(sandbox.run(Task(Order(transfer_syntax_uid="well"), b"", b"")))
    await running
    print(sandbox._pool._workers[0]._process.pid, flush=True)
    await sandbox.run(Task(Order(transfer_syntax_uid="spin"), b"", b""))

asyncio.run(main())
"""


def test_a_worker_in_an_endless_loop_dies_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, NAUGHTY], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.2)
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_gets_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADSTREAM_BLOBS_URL", "s3://access:secret@host/bucket")
    monkeypatch.setenv("LANG", "C")
    environment = pool._environment_without_secrets()
    assert environment["LANG"] == "C"
    assert not any("secret" in value for value in environment.values())
