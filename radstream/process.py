"""How every process of Radstream starts and stops: logging, event loop, signals, an end when its supervisor ends."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from radstream.settings import Settings
from radstream.telemetry import get_logger, start_logging

Run = Callable[[Settings, asyncio.Event], Awaitable[None]]
"""A service: opens its parts, works until the event is set, drains and returns."""

_MOST_DESCRIPTORS: Final = 65536


def run_service(name: str, run: Run, settings: Settings, *, supervised: bool = False, niceness: int = 0) -> None:
    """Run a service until SIGTERM or Ctrl-C, or until the supervisor is gone; a second signal ends it at once.

    Parameters
    ----------
    name : str
        Stands in every log line.
    supervised : bool
        Standard input is a pipe from the supervisor: its end is the supervisor's end, however that came about.
    niceness : int
        How far this process stands back for others while the processors are busy, 0 to 19.
    """
    start_logging(name, settings.log_level)
    if supervised:
        # Ctrl-C goes to the supervisor alone, which then drains the others. A group, not a session of its own: among
        # sessions Linux shares the processors evenly, whatever their niceness.
        os.setpgid(0, 0)
    os.nice(niceness)
    _allow_descriptors()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_run_until_stopped(run, settings, supervised))


async def _run_until_stopped(run: Run, settings: Settings, supervised: bool) -> None:
    stop = asyncio.Event()
    _stop_at_signals(stop)
    if supervised:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_end_of_input, stop)
    gc.collect()
    gc.freeze()  # what was made until here lives as long as the process: the collector need not look at it again
    await run(settings, stop)


def _allow_descriptors() -> None:
    """Allow as many open files and connections as the system does: the usual soft limit is for programs with select."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _MOST_DESCRIPTORS:
        most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def until_stopped() -> None:
    """Wait for SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    _stop_at_signals(stop)
    await stop.wait()


def _stop_at_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop_or_exit, stop)


def _stop_or_exit(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(130)
    get_logger(__name__).info("stopping")
    stop.set()


def _stop_at_end_of_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where there is one (it is not made for Windows)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
