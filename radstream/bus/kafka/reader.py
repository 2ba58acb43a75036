"""Reading outside of any group, as dead letters are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from radstream.bus.kafka.errors import CLIENT_ERRORS, answering
from radstream.bus.kafka.records import decode
from radstream.bus.port import Record

_READ_FOR_S: Final = 10.0


async def read(servers: Sequence[str], prefix: str, topic: str, after: int, limit: int) -> list[Record]:
    """Return up to `limit` records of partition 0 of a topic that exists, beyond offset `after`.

    Raises
    ------
    Unavailable
    """
    partition = TopicPartition(prefix + topic, 0)
    reader = AIOKafkaConsumer(bootstrap_servers=list(servers), enable_auto_commit=False)
    with answering("give records"):
        try:
            async with asyncio.timeout(_READ_FOR_S):
                await reader.start()
                reader.assign([partition])
                end = (await reader.end_offsets([partition]))[partition]
                first = (await reader.beginning_offsets([partition]))[partition]
                reader.seek(partition, max(after + 1, first))
                return await _read_until(reader, prefix, partition, end, limit)
        finally:
            with suppress(*CLIENT_ERRORS):
                await reader.stop()


async def _read_until(
    reader: AIOKafkaConsumer, prefix: str, partition: TopicPartition, end: int, limit: int
) -> list[Record]:
    records: list[Record] = []
    while len(records) < limit and await reader.position(partition) < end:
        batches = await reader.getmany(partition, timeout_ms=500, max_records=limit - len(records))
        records += decode(batches, prefix)
    return records
