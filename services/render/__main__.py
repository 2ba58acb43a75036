"""Joins the parts of render: the consumer that makes previews, and the web door if this service has one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from radstream.backends import Backends, open_backends
from radstream.bus.loop import ConsumeLoop, Handler
from radstream.contract.topics import INSTANCE_INDEXED, INSTANCE_INDEXED_URGENT, STUDY_COMPLETED, STUDY_DELETED
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.render import http, uri
from services.render.forget import Forgetting
from services.render.handle import Rendering
from services.render.kept import Kept
from services.render.pictures import Pictures
from services.render.reconstruction.volumes import Volumes
from services.render.sandbox import Sandbox
from services.render.stand_ins import StandIns

GROUP: Final = "render"
MAX_BATCH: Final = 16
"""They are looked up, told of and committed together; a batch fills up by itself while the one before is at work."""

DOORS: Final = ("events", "http")


async def run(settings: Settings, stop: asyncio.Event, doors: Sequence[str] = DOORS) -> None:
    """Make previews of what is indexed until `stop` is set, then finish the batch at hand.

    Parameters
    ----------
    doors : sequence of {"events", "http"}
        With "http", /rendered and /thumbnail are served on the web port too.
    """
    creating = ("log", "catalog", "preview cache")  # which it reads before it writes anything
    async with (
        open_backends(settings, creating) as backends,
        Sandbox(settings.render_workers) as sandbox,
        Sandbox() as urgent,  # whose worker starts when it is needed, and never waits for what can wait
    ):
        kept, kept_urgent = _kept(backends, settings, sandbox), _kept(backends, settings, urgent)
        handlers = handlers_of(backends, kept, kept_urgent, 4 * settings.render_workers)
        loops = {
            topic: ConsumeLoop(backends.bus, GROUP, topic, handle, max_batch=MAX_BATCH)
            for topic, handle in handlers.items()
        }
        async with asyncio.TaskGroup() as group:
            if "events" in doors:
                for loop in loops.values():
                    group.create_task(loop.run(stop))
            if "http" in doors:
                group.create_task(_serve(backends, settings, stop, sandbox, loops))


def handlers_of(backends: Backends, kept: Kept, urgent: Kept, at_once: int = 4) -> dict[str, Handler]:
    """Return by topic what handles its records; urgent ones have a consumer and a worker of their own."""
    return {
        INSTANCE_INDEXED.name: Rendering(backends, kept, at_once).on_instance_indexed,
        INSTANCE_INDEXED_URGENT.name: Rendering(backends, urgent).on_instance_indexed,
        STUDY_COMPLETED.name: StandIns(backends.catalog, kept).on_study_completed,
        STUDY_DELETED.name: Forgetting(backends.previews).on_study_deleted,
    }


def _kept(backends: Backends, settings: Settings, sandbox: Sandbox) -> Kept:
    return Kept(Pictures(backends, settings, sandbox), backends.previews, settings.keep_rendered)


async def _serve(
    backends: Backends, settings: Settings, stop: asyncio.Event, sandbox: Sandbox, loops: Mapping[str, ConsumeLoop]
) -> None:
    checks = {"blob store": backends.blobs.check, "catalog": backends.catalog.check}
    checks |= {f"consumer of {topic}": loop.check for topic, loop in loops.items()}
    alive = {f"consumer of {topic}": loop.check_alive for topic, loop in loops.items()}
    async with Transcoding(backends.previews, settings) as transcoding, Volumes(backends, settings) as volumes:
        routers = [
            http.router(backends, settings, sandbox, volumes),
            uri.router(backends, settings, sandbox, transcoding),
        ]
        await open_doors("Radstream render", routers, settings, stop, checks=checks, signs_of_life=alive)
