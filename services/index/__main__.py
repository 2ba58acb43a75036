"""Joins the parts of index: a consumer for each topic of stored instances, and the watch for studies at rest."""

from __future__ import annotations

import asyncio
from typing import Final

from radstream.backends import open_backends
from radstream.bus.loop import ConsumeLoop
from radstream.contract.topics import INSTANCE_STORED, INSTANCE_STORED_URGENT
from radstream.settings import Settings
from services.index.handle import Indexing
from services.index.lifecycle import Lifecycle

GROUP: Final = "index"
MAX_BATCH: Final = 32
LINGER_S: Final = 0.025
"""A little patience for a fuller batch: it saves a third of the work while a series arrives."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Catalog what is stored until `stop` is set, then finish the batch at hand."""
    async with open_backends(settings) as backends, asyncio.TaskGroup() as group:
        indexing = Indexing(backends)
        for topic, linger_s in ((INSTANCE_STORED.name, LINGER_S), (INSTANCE_STORED_URGENT.name, 0.0)):
            loop = ConsumeLoop(
                backends.bus, GROUP, topic, indexing.on_instance_stored, max_batch=MAX_BATCH, linger_s=linger_s
            )
            group.create_task(loop.run(stop))
        group.create_task(Lifecycle(backends, indexing, settings.study_quiet_s).run(stop))
