"""A pool of worker processes in which hostile pixels may do what they like.

A worker that dies, or does not answer in time, takes only its task along: it is replaced, and the task is tried once
more on a fresh one if the death may have been an accident. See `worker` for what confines it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Final, Self

from radstream.contract.errors import Unavailable, UnsupportedInstance
from radstream.sandbox.messages import ANSWER, Outcome, decode_outcome, encode_task
from radstream.telemetry import WORKER_DEATHS, get_logger

log = get_logger(__name__)

MEMORY_BYTES: Final = 2 << 30
PROCESSOR_S: Final = 30
DEADLINE_S: Final = 120.0
"""Of one task on the wall clock. Far more than the processor time, so that a busy machine is no death sentence."""

GRACE_S: Final = 2.0
MOST_WAITING: Final = 256
_MODULE: Final = "radstream.sandbox.worker"
# Workers compute with one thread: BLAS would reserve memory for one per core before doing nothing with them.
_ENVIRONMENT: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

Task = tuple[bytes, bytes, bytes]
"""Order, header and frame, see `worker.Handler`."""


class Sandbox:
    """Has tasks done in worker processes.

    Parameters
    ----------
    handler : str
        What does a task, as ``module:function``; a `worker.Handler`.
    workers : int
        Processes. They start when they are first needed, or by `start`.
    memory_bytes, processor_s, deadline_s : int, int, float
        Caps of a worker's address space, and of a task's time on the processor and on the wall clock.
    most_waiting : int
        Tasks that may wait for a worker; more are refused.
    command : sequence of str, optional
        What to run as worker; for tests.
    """

    def __init__(
        self,
        handler: str,
        workers: int = 1,
        *,
        memory_bytes: int = MEMORY_BYTES,
        processor_s: int = PROCESSOR_S,
        deadline_s: float = DEADLINE_S,
        most_waiting: int = MOST_WAITING,
        command: Sequence[str] = (sys.executable, "-m", _MODULE),
    ) -> None:
        self._command = (*command, handler, str(memory_bytes), str(processor_s))
        self._deadline_s = deadline_s
        self._most_waiting = most_waiting
        self._waiting = 0
        self._workers = [_Worker(self._command) for _ in range(workers)]
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()  # the last one used has the warmest caches
        for worker in self._workers:
            self._idle.put_nowait(worker)
        self._running: set[asyncio.Task[tuple[bytes, bytes]]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start every worker now, so that the first task does not wait for it."""
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def run(self, order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes]:
        """Return note and body of what became of a task. If the caller is cancelled, it ends by itself without it.

        Raises
        ------
        UnsupportedInstance
            If there is no result; the text says why.
        Unavailable
            If too many tasks wait already.
        """
        if self._waiting >= self._most_waiting:
            raise Unavailable("too many frames are waiting to be decoded; ask again later")
        self._waiting += 1
        try:
            worker = await self._idle.get()
        finally:
            self._waiting -= 1
        running = asyncio.create_task(self._run_on(worker, (order, header, frame)))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        running.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, even if nobody waits
        return await asyncio.shield(running)

    async def _run_on(self, worker: _Worker, task: Task) -> tuple[bytes, bytes]:
        try:
            outcome, body = await self._insist(worker, task)
        finally:
            self._idle.put_nowait(worker)
        if outcome.reason:
            raise UnsupportedInstance(outcome.reason)
        return outcome.note, body

    async def _insist(self, worker: _Worker, task: Task) -> tuple[Outcome, bytes]:
        """Have the task answered; once more on a fresh worker if the first one died."""
        try:
            return await worker.ask(task, self._deadline_s)
        except _Died:
            pass
        try:
            return await worker.ask(task, self._deadline_s)
        except _Died as death:
            raise UnsupportedInstance(f"the decoder died twice of this frame ({death})") from death

    async def close(self) -> None:
        """Kill every worker and forget what they were at."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for worker in self._workers:
            await worker.kill()


class _Died(Exception):
    """A worker ended before its answer."""


class _Worker:
    """One place for a worker process, which is started when it is needed and is not there."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: Process | None = None

    async def start(self) -> Process:
        """Return the process, started if there is none that lives."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, env=_environment_without_secrets()
            )
        return self._process

    async def ask(self, task: Task, deadline_s: float) -> tuple[Outcome, bytes]:
        """Return the answer to a task.

        Raises
        ------
        UnsupportedInstance
            If it took too long; the process is gone then.
        _Died
            If the process ended; it is gone.
        """
        process = await self.start()
        try:
            async with asyncio.timeout(deadline_s):
                return await _exchange(process, task)
        except TimeoutError as error:
            await self._bury("deadline", grace_s=0)
            raise UnsupportedInstance(f"the frame took longer than {deadline_s:g} s") from error
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError) as error:
            # RuntimeError is how uvloop says that a pipe is closed.
            how = await self._bury("died", grace_s=GRACE_S)
            if how == -signal.SIGXCPU:
                raise UnsupportedInstance("the frame took more processor time than a worker may have") from error
            raise _Died(f"exit code {how}") from error
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def _bury(self, reason: str, *, grace_s: float) -> int:
        """End what may be left of the process; count and log its death."""
        pid = self._process.pid if self._process is not None else 0
        code = await self.kill(grace_s)
        WORKER_DEATHS.inc()
        log.warning("worker_died", pid=pid, exit_code=code, reason=reason)
        return code

    async def kill(self, grace_s: float = 0) -> int:
        """End the process; returns its exit code, negative for a signal.

        Parameters
        ----------
        grace_s : float
            How long a process that seems to be dying is let alone: to kill it would lose its exit code.
        """
        process, self._process = self._process, None
        if process is None:
            return 0
        if grace_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    return await process.wait()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


async def _exchange(process: Process, task: Task) -> tuple[Outcome, bytes]:
    """Send a task and read its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    for piece in encode_task(*task):
        process.stdin.write(piece)
        await process.stdin.drain()
    document_bytes, body_bytes = ANSWER.unpack(await process.stdout.readexactly(ANSWER.size))
    outcome = decode_outcome(await process.stdout.readexactly(document_bytes))
    return outcome, await process.stdout.readexactly(body_bytes)


def _environment_without_secrets() -> dict[str, str]:
    """Return what a worker needs of our environment: none of our settings, some of which hold keys of the engines."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RADSTREAM_")} | _ENVIRONMENT
