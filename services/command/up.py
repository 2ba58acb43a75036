"""`radstream up`: the whole system on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from radstream.contract.errors import UnsafeConfiguration
from radstream.settings import Settings, to_environment
from services.command.supervisor import Program, Supervisor

PROGRAMS: Final = (
    Program("dimse", ("dimse",)),
    Program("web", ("web",)),
    Program("index", ("catalog", "--niceness", "10")),  # who sends or looks at images goes before what can wait
    Program("render", ("previews", "--niceness", "19")),
)

GRACE_S: Final = 5.0
"""How long a program may take to stop beside its drain."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run every service under one supervisor until `stop` is set.

    Raises
    ------
    UnsafeConfiguration
        If the home folder cannot be used, or another supervisor uses it.
    """
    with own(settings.home):
        async with asyncio.TaskGroup() as group:
            greeting = group.create_task(greet(settings, str(settings.home)))
            await Supervisor(PROGRAMS, to_environment(settings), drain_s=settings.drain_s + GRACE_S).run(stop)
            greeting.cancel()


@contextlib.contextmanager
def own(home: Path) -> Iterator[None]:
    """Hold the lock of the home folder: two supervisors would fight over its ports."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (home / "supervisor.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as error:
        raise UnsafeConfiguration(f"another `radstream up` already uses {home}; stop it or give --home") from error
    except OSError as error:
        raise UnsafeConfiguration(f"the home folder cannot be used ({error.strerror}); give --home") from error


async def ready(settings: Settings) -> None:
    """Return as soon as all doors answer."""
    doors = [(settings.host, settings.http_port), *((settings.dimse_address, port) for port in settings.dimse_ports)]
    for host, port in doors:
        while not await answers(host, port):  # noqa: ASYNC110 - another process opens the port
            await asyncio.sleep(0.05)


async def greet(settings: Settings, where: str) -> None:
    """Say where to go, and where the data is."""
    started_at = time.monotonic()
    await ready(settings)
    base = f"http://{settings.host}:{settings.http_port}"
    Console(stderr=True, highlight=False).print(
        f"\n[bold]Radstream is up[/bold] after {time.monotonic() - started_at:.1f} s, its data in {where}\n"
        f"  pages     {base}/\n"
        f"  DICOMweb  {base}/dicom-web\n"
        f"  DIMSE     {settings.ae_title}@{settings.dimse_address}:{' and '.join(map(str, settings.dimse_ports))}\n"
        f"  Ctrl-C stops it; nothing that was acknowledged is lost.\n"
    )


async def answers(host: str, port: int) -> bool:
    """Tell whether something listens on a port."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
