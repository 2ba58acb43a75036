"""Records to publish to any bus, and to read back."""

from __future__ import annotations

import time
import uuid

from radstream.bus.port import Bus, Consumer, Message, Record
from radstream.contract.topics import Topic

PATIENCE_S = 30.0


async def new_topic(bus: Bus) -> str:
    name = f"topic-{uuid.uuid4().hex}"
    await bus.create_topics([Topic(name, (), (), partitions=1)])
    return name


def messages(topic: str, *values: str) -> list[Message]:
    return [Message(topic, "1.2.3", value.encode()) for value in values]


def values(records: list[Record]) -> list[str]:
    return [record.value.decode() for record in records]


async def take(consumer: Consumer, count: int) -> list[Record]:
    """Poll until `count` records have come."""
    records: list[Record] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"only {len(records)} of {count} records came"
        records += await consumer.poll(count - len(records), 0.5)
    return records
