"""One supervisor for the processes of the embedded mode: starts them, restarts what dies, stops them in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from radstream.telemetry import get_logger

log = get_logger(__name__)

FIRST_DELAY_S: Final = 0.1
LONGEST_DELAY_S: Final = 5.0
STEADY_AFTER_S: Final = 3.0
"""A process that has run this long is forgiven its earlier deaths."""


@dataclass(frozen=True)
class Program:
    """A process to keep running.

    Parameters
    ----------
    name : str
        The service, as it stands in the logs.
    arguments : sequence of str
        Of `python -m services.command`.
    environment : mapping of str to str
        Its own, beside that of all programs.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Keeps programs running until `stop` is set.

    Parameters
    ----------
    environment : mapping of str to str
        Of the programs: the settings of this process.
    drain_s : float
        How long a program may take to stop before it is killed.
    """

    def __init__(self, programs: Sequence[Program], environment: Mapping[str, str], *, drain_s: float = 10.0) -> None:
        self._programs = programs
        self._environment = {**os.environ, **environment}
        self._drain_s = drain_s

    async def run(self, stop: asyncio.Event) -> None:
        """Start every program, restart what dies, and return when `stop` is set and all of them are gone."""
        async with asyncio.TaskGroup() as group:
            for program in self._programs:
                group.create_task(self._keep_running(program, stop))

    async def _keep_running(self, program: Program, stop: asyncio.Event) -> None:
        delay_s = FIRST_DELAY_S
        while not stop.is_set():
            started_at = asyncio.get_running_loop().time()
            process = await self._start(program)
            await _either(process.wait(), stop.wait())
            if stop.is_set():
                await self._end(process)
                return
            lived_s = asyncio.get_running_loop().time() - started_at
            delay_s = FIRST_DELAY_S if lived_s > STEADY_AFTER_S else min(delay_s * 2, LONGEST_DELAY_S)
            log.warning("process_died", path=program.name, exit_code=process.returncode, delay_s=delay_s)
            await _either(asyncio.sleep(delay_s), stop.wait())

    async def _start(self, program: Program) -> Process:
        # The pipe to its standard input is never written to: it breaks when this process ends, even by SIGKILL.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.command", *program.arguments, "--supervised"),
            stdin=PIPE,
            env={**self._environment, **program.environment},
        )
        log.info("process_started", path=program.name, pid=process.pid)
        return process

    async def _end(self, process: Process) -> None:
        """Ask `process` to stop, and kill it if it does not."""
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._drain_s)
        except TimeoutError:
            log.error("process_killed", pid=process.pid)
            process.kill()
            await process.wait()


async def _either(*awaitables: object) -> None:
    """Wait until the first of `awaitables` is done, and cancel the others."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
