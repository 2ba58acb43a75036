"""The web doors of a process: one for its work, and one that tells how it is, together or apart.

Apart (`RADSTREAM_HEALTH_PORT`), the second is for probes and metrics only: what faces clients does not tell them which
engine is away, and a policy can let the one through to whom the other is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from radstream.settings import Settings
from radstream.telemetry import Check
from radstream.web.app import create_app
from radstream.web.server import serve


async def open_doors(
    title: str,
    routers: Sequence[APIRouter],
    settings: Settings,
    stop: asyncio.Event,
    *,
    checks: Mapping[str, Check],
    signs_of_life: Mapping[str, Check] | None = None,
) -> None:
    """Serve `routers`, /healthz, /readyz and /metrics until `stop` is set; then finish what has begun.

    Parameters
    ----------
    routers : sequence of APIRouter
        None of them: a process that works without a web door, and only tells how it is.
    checks, signs_of_life : mapping of str to Check
        See `radstream.web.health.router`.

    Raises
    ------
    UnsafeConfiguration
        If a port is taken.
    """
    if not settings.health_port:
        app = create_app(title, routers, checks, signs_of_life)
        return await serve(app, settings.host, settings.http_port, stop, drain_s=settings.drain_s)
    async with asyncio.TaskGroup() as group:
        health = create_app(f"{title}: health", [], checks, signs_of_life)
        group.create_task(serve(health, settings.host, settings.health_port, stop))
        if routers:
            work = create_app(title, routers, None)
            group.create_task(serve(work, settings.host, settings.http_port, stop, drain_s=settings.drain_s))
    return None
