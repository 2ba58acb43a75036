"""The api service: QIDO-RS, WADO-RS and the start page, until it is told to stop."""

from __future__ import annotations

import asyncio

from radstream.backends import open_backends
from radstream.settings import Settings
from radstream.web.app import create_app
from radstream.web.server import serve
from services.api import qido, start_page, wado


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve everything that goes out until `stop` is set; requests that have begun are finished.

    Raises
    ------
    UnsafeConfiguration
        If the port is taken.
    """
    async with open_backends(settings) as backends:
        routers = [door.router(backends, settings) for door in (qido, wado, start_page)]
        checks = {"blob store": backends.blobs.check, "catalog": backends.catalog.check}
        app = create_app("Radstream api", routers, checks)
        await serve(app, settings.host, settings.http_port, stop)
