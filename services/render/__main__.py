"""Joins the parts of render: the consumer that makes previews, and the web door if this service has one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from radstream.backends import Backends, open_backends
from radstream.bus.loop import ConsumeLoop
from radstream.contract.topics import INSTANCE_INDEXED
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.render import http, uri
from services.render.handle import Rendering
from services.render.pictures import Pictures
from services.render.sandbox import Sandbox

GROUP: Final = "render"
DOORS: Final = ("events", "http")


async def run(settings: Settings, stop: asyncio.Event, doors: Sequence[str] = DOORS) -> None:
    """Make previews of what is indexed until `stop` is set, then finish the batch at hand.

    Parameters
    ----------
    doors : sequence of {"events", "http"}
        With "http", /rendered and /thumbnail are served on the web port too.
    """
    creating = ("log", "catalog", "preview cache")  # which it reads before it writes anything
    async with open_backends(settings, creating) as backends, Sandbox(settings.render_workers) as sandbox:
        rendering = Rendering(backends, Pictures(backends, settings, sandbox))
        # Small batches: their pictures are made side by side, and what is done is committed soon.
        loop = ConsumeLoop(
            backends.bus,
            GROUP,
            INSTANCE_INDEXED.name,
            rendering.on_instance_indexed,
            max_batch=4 * settings.render_workers,
        )
        async with asyncio.TaskGroup() as group:
            if "events" in doors:
                group.create_task(loop.run(stop))
            if "http" in doors:
                group.create_task(_serve(backends, settings, stop, sandbox, loop))


async def _serve(
    backends: Backends, settings: Settings, stop: asyncio.Event, sandbox: Sandbox, loop: ConsumeLoop
) -> None:
    checks = {"blob store": backends.blobs.check, "catalog": backends.catalog.check, "consumer": loop.check}
    alive = {"consumer": loop.check_alive}
    async with Transcoding(backends.previews, settings) as transcoding:
        routers = [
            http.router(backends, settings, sandbox),
            uri.router(backends, settings, sandbox, transcoding),
        ]
        await open_doors("Radstream render", routers, settings, stop, checks=checks, signs_of_life=alive)
