"""`radstream gateway`: the edge of a cluster, one door in front of all web doors.

An Ingress routes by path alone; here a POST to a path goes to another service than a GET of it. So the Ingress, where
there is one, ends TLS and hands everything to this.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

from radstream.contract.errors import UnsafeConfiguration
from radstream.settings import Settings
from radstream.web.app import create_app
from radstream.web.server import serve
from services.command.forwarding import ForwardedHeaders
from services.command.gateway import Gateway

OWNERS: Final = ("ingest", "render", "api")


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Hand each URL to the service that owns it until `stop` is set; requests that have begun are finished.

    It is ready as soon as it listens: that a service is away is an answer (503 with Retry-After), not a reason to have
    no door.

    Raises
    ------
    UnsafeConfiguration
        If it is not told where a service is, or the port is taken.
    """
    gateway = Gateway({name: _upstreams(settings, name) for name in OWNERS})
    app = ForwardedHeaders(gateway.app(), settings)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(serve(app, settings.host, settings.http_port, stop, drain_s=settings.drain_s))
            if settings.health_port:
                health = create_app("Radstream gateway: health", [], {})
                group.create_task(serve(health, settings.host, settings.health_port, stop))
    finally:
        await gateway.close()


def _upstreams(settings: Settings, name: str) -> tuple[str, ...]:
    """Return the base URLs of a service."""
    urls: tuple[str, ...] = getattr(settings, f"{name}_urls")
    if not urls or not all(_is_base(url) for url in urls):
        raise UnsafeConfiguration(f"set RADSTREAM_{name.upper()}_URLS to where {name} is, such as http://{name}:8042")
    return tuple(url.rstrip("/") for url in urls)


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.path in {"", "/"} and parts.port != 0
        )
    except ValueError:
        return False
