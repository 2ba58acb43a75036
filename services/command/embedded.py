"""The processes of the embedded mode: the services without their web doors, and one web process for all routers."""

from __future__ import annotations

import asyncio

from radstream.backends import open_backends
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.api.arrivals import Arrivals
from services.api.routers import routers
from services.index import __main__ as index
from services.ingest import __main__ as ingest
from services.ingest import delete, stow
from services.render import __main__ as render
from services.render import http as rendered
from services.render import uri
from services.render.reconstruction.volumes import Volumes
from services.render.sandbox import Sandbox


async def dimse(settings: Settings, stop: asyncio.Event) -> None:
    """Serve C-STORE and C-ECHO until `stop` is set; STOW-RS is in the web process."""
    await ingest.run(settings, stop, doors=("dimse",))


async def catalog(settings: Settings, stop: asyncio.Event) -> None:
    """Catalog what is stored until `stop` is set, without a web door."""
    await index.run(settings, stop, doors=("events",))


async def previews(settings: Settings, stop: asyncio.Event) -> None:
    """Make previews until `stop` is set; the pictures that are asked for are in the web process."""
    await render.run(settings, stop, doors=("events",))


async def web(settings: Settings, stop: asyncio.Event) -> None:
    """Serve every URL of the system until `stop` is set, as the gateway of a cluster would route them."""
    async with (
        open_backends(settings, ("log", "catalog", "preview cache")) as backends,
        Sandbox(settings.render_workers) as sandbox,
        Transcoding(backends.previews, settings) as transcoding,
        Volumes(backends, settings) as volumes,
        Arrivals(backends.bus) as arrivals,
    ):
        doors = [
            stow.router(backends, settings),
            delete.router(backends, settings),
            rendered.router(backends, settings, sandbox, volumes),
            uri.router(backends, settings, sandbox, transcoding),
            *routers(backends, settings, stop, transcoding=transcoding, arrivals=arrivals),
        ]
        checks = {"log": backends.bus.check, "blob store": backends.blobs.check, "catalog": backends.catalog.check}
        await open_doors("Radstream", doors, settings, stop, checks=checks)
