"""Urgent instances have a topic and a consumer of their own all the way: thousands of others do not delay them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec

from radstream.bus.embedded import EmbeddedBus
from radstream.bus.loop import ConsumeLoop
from radstream.bus.port import Message
from radstream.catalog.port import Document
from radstream.contract.events import to_json
from radstream.contract.topics import INSTANCE_INDEXED, INSTANCE_INDEXED_URGENT, all_topics
from services.render.__main__ import handlers_of
from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import RenderArchive

ROUTINE, BATCH = 2_000, 4


@dataclass
class Previews:
    """Counts the previews that are made."""

    made: int = 0
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def arrive(self, _document: Document) -> bool:
        self.made += 1
        self.first.set()
        return False


async def publish(bus: EmbeddedBus, archive: RenderArchive) -> None:
    """Put an urgent event on the log behind `ROUTINE` others."""
    event = await archive.add_file(pixel_files()["CT_small.dcm"].content)
    others = [Message(INSTANCE_INDEXED.name, f"1.2.{number}", to_json(event), {}) for number in range(ROUTINE)]
    urgent = msgspec.structs.replace(event, priority="urgent")
    await bus.publish([*others, Message(INSTANCE_INDEXED_URGENT.name, "1.3", to_json(urgent), {})])


async def test_an_urgent_instance_behind_2000_others_has_its_preview_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    archive, bus = RenderArchive(sandbox), EmbeddedBus(tmp_path)
    await bus.create_topics(all_topics())
    await publish(bus, archive)
    routine, urgent, stop = Previews(), Previews(), asyncio.Event()
    handlers = handlers_of(archive.backends, cast(Any, routine), cast(Any, urgent))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for topic in (INSTANCE_INDEXED.name, INSTANCE_INDEXED_URGENT.name):
            group.create_task(ConsumeLoop(bus, "render", topic, handlers[topic], max_batch=BATCH).run(stop))
        await urgent.first.wait()
        made_before = routine.made
        stop.set()
    assert made_before <= 8 * BATCH
    await bus.close()
