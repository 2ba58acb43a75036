"""Joins the parts of index: a consumer for each topic, and the watch for studies at rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from radstream.backends import Backends, open_backends
from radstream.bus.loop import ConsumeLoop
from radstream.contract.topics import INSTANCE_STORED, INSTANCE_STORED_URGENT, STUDY_DELETED
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.index.handle import Indexing
from services.index.lifecycle import Lifecycle

GROUP: Final = "index"
MAX_BATCH: Final = 64
LINGER_S: Final = {INSTANCE_STORED.name: 0.025, INSTANCE_STORED_URGENT.name: 0.0, STUDY_DELETED.name: 0.0}
"""A little patience for a fuller batch saves a third of the work while a series arrives; urgent ones do not wait."""

DOORS: Final = ("events", "http")


async def run(settings: Settings, stop: asyncio.Event, doors: Sequence[str] = DOORS) -> None:
    """Catalog what is stored until `stop` is set, then finish the batch at hand.

    Parameters
    ----------
    doors : sequence of {"events", "http"}
        With "http", /healthz, /readyz and /metrics are served.
    """
    async with open_backends(settings) as backends, asyncio.TaskGroup() as group:
        indexing = Indexing(backends, settings.searchable)
        loops = {topic: _loop(backends, topic, indexing) for topic in LINGER_S}
        if "events" in doors:
            for loop in loops.values():
                group.create_task(loop.run(stop))
            group.create_task(Lifecycle(backends, indexing, settings.study_quiet_s).run(stop))
        if "http" in doors:
            group.create_task(_serve_health(backends, settings, stop, loops))


def _loop(backends: Backends, topic: str, indexing: Indexing) -> ConsumeLoop:
    handle = indexing.removal.on_study_deleted if topic == STUDY_DELETED.name else indexing.on_instance_stored
    return ConsumeLoop(backends.bus, GROUP, topic, handle, max_batch=MAX_BATCH, linger_s=LINGER_S[topic])


async def _serve_health(
    backends: Backends, settings: Settings, stop: asyncio.Event, loops: Mapping[str, ConsumeLoop]
) -> None:
    checks = {"log": backends.bus.check, "blob store": backends.blobs.check, "catalog": backends.catalog.check}
    checks |= {f"consumer of {topic}": loop.check for topic, loop in loops.items()}
    alive = {f"consumer of {topic}": loop.check_alive for topic, loop in loops.items()}
    await open_doors("Radstream index", [], settings, stop, checks=checks, signs_of_life=alive)
