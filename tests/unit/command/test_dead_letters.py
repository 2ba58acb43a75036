"""Dead letters are listed with their reasons, put back as they were, or given up; each only once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.bus.dead_letters import dead_letter
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Message, Record
from radstream.contract.errors import MalformedEvent, NotFound
from radstream.contract.topics import INSTANCE_STORED, all_topics
from services.command.dead_letters import discard, find, find_all, name_of, replay

RECORD = Record(INSTANCE_STORED.name, 0, 7, "1.2.3", b"{}", {"traceparent": "00-a", "ce_id": "x"}, 0)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[EmbeddedBus]:
    opened = EmbeddedBus(tmp_path / "bus")
    await opened.create_topics(all_topics())
    await opened.publish([dead_letter(RECORD, "index", MalformedEvent("not an event"), 1)])
    yield opened
    await opened.close()


async def test_a_dead_letter_is_listed_with_its_reason(bus: EmbeddedBus) -> None:
    (letter,) = await find_all(bus)
    assert name_of(letter) == "instance-stored-index-dlq:0"
    assert letter.headers["error-text"] == "not an event"
    assert letter.headers["original-offset"] == "7"


async def test_a_replayed_one_is_back_in_its_topic_as_it_was_and_no_longer_listed(bus: EmbeddedBus) -> None:
    await replay(bus, await find(bus, ["instance-stored-index-dlq:0"]))
    (record,) = await bus.read(INSTANCE_STORED.name)
    assert (record.key, record.value, record.headers) == (RECORD.key, RECORD.value, RECORD.headers)
    assert await find_all(bus) == []


async def test_a_discarded_one_is_no_longer_listed(bus: EmbeddedBus) -> None:
    await discard(bus, await find(bus, ["all"]))
    assert await find_all(bus) == []
    assert await bus.read(INSTANCE_STORED.name) == []


async def test_one_that_fails_again_is_listed_again(bus: EmbeddedBus) -> None:
    await replay(bus, await find(bus, ["all"]))
    (record,) = await bus.read(INSTANCE_STORED.name)
    await bus.publish([dead_letter(record, "index", MalformedEvent("still not an event"), 1)])
    (letter,) = await find_all(bus)
    assert letter.headers["error-text"] == "still not an event"


async def test_a_name_that_is_none_is_said_so(bus: EmbeddedBus) -> None:
    with pytest.raises(NotFound, match="dlq:99"):
        await find(bus, ["instance-stored-index-dlq:99"])


async def test_many_are_listed_whole(bus: EmbeddedBus) -> None:
    messages: list[Message] = [dead_letter(RECORD, "index", MalformedEvent("bad"), 1) for _ in range(1200)]
    await bus.publish(messages)
    assert len(await find_all(bus)) == 1201
