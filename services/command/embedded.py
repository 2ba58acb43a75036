"""The processes of the embedded mode: the services without their web doors, and one web process for all routers."""

from __future__ import annotations

import asyncio

from radstream.backends import open_backends
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.api import (
    capabilities,
    dictionary,
    feed,
    ohif,
    operations,
    qido,
    start_page,
    study_list,
    wado,
    workstation,
)
from services.api.arrivals import Arrivals
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
        routers = [
            stow.router(backends, settings),
            delete.router(backends, settings),
            rendered.router(backends, settings, sandbox, volumes),
            uri.router(backends, settings, sandbox, transcoding),
            qido.router(backends, settings),
            wado.router(backends, settings, transcoding),
            capabilities.router(settings),
            study_list.router(backends),
            feed.router(backends, stop),
            dictionary.router(),
            operations.router(backends, settings, arrivals),
            ohif.router(settings),
            workstation.router(),
            start_page.router(backends, settings),
        ]
        checks = {"log": backends.bus.check, "blob store": backends.blobs.check, "catalog": backends.catalog.check}
        await open_doors("Radstream", routers, settings, stop, checks=checks)
