"""`radstream cluster`: every service as a process of its own, several of most, behind one gateway on one machine.

Meant for the engines of a cluster, chosen by the settings; it is how a cluster is tried, not how it is run for good.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from radstream.backends import KAFKA
from radstream.settings import Settings, to_environment
from services.command.edge import OWNERS
from services.command.supervisor import Program, Supervisor
from services.command.up import GRACE_S, greet, own

COPIES: Final = {"ingest": 2, "index": 2, "render": 2, "api": 1}

_SHARED: Final = {
    "RADSTREAM_SHARE_DIMSE_PORT": "true",
    "RADSTREAM_TRUST_FORWARDED": "true",
    "RADSTREAM_HEALTH_PORT": "0",  # each has it on its own web door
}


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run every service behind the gateway until `stop` is set.

    Raises
    ------
    UnsafeConfiguration
        If the home folder cannot be used, or another supervisor uses it.
    """
    ports = {name: [_free_port() for _ in range(copies)] for name, copies in COPIES.items()}
    environment = to_environment(settings) | _SHARED
    with own(settings.home):
        async with asyncio.TaskGroup() as group:
            greeting = group.create_task(greet(settings, "its engines"))
            programs = [*_programs(ports, settings), _gateway(ports, settings)]
            supervisor = Supervisor(programs, environment, drain_s=settings.drain_s + GRACE_S)
            await supervisor.run(stop)
            greeting.cancel()


def _programs(ports: dict[str, list[int]], settings: Settings) -> list[Program]:
    """Return a program for each copy, with the port of its own web door."""
    return [
        Program(f"{name}-{number}", (name, "--http-port", str(port)), _membership(f"{name}-{number}", settings))
        for name, own_ports in ports.items()
        for number, port in enumerate(own_ports)
    ]


def _gateway(ports: dict[str, list[int]], settings: Settings) -> Program:
    """Return the program of the door in front of all others."""
    urls = {name: ",".join(f"http://127.0.0.1:{port}" for port in ports[name]) for name in OWNERS}
    environment = {f"RADSTREAM_{name.upper()}_URLS": text for name, text in urls.items()}
    environment["RADSTREAM_TRUST_FORWARDED"] = str(settings.trust_forwarded)
    return Program("gateway", ("gateway", "--http-port", str(settings.http_port)), environment)


def _membership(name: str, settings: Settings) -> dict[str, str]:
    """Return a name for a copy as member of its groups on Kafka.

    Whoever dies is back within seconds: a group that knows it by name waits for it, where it would else wait for the
    dead one's whole session before it shares out the work anew.
    """
    url = settings.engine_url("bus")
    if not url.startswith(KAFKA):
        return {}
    return {"RADSTREAM_BUS_URL": f"{url}{'&' if '?' in url else '?'}instance_id={name}"}


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
