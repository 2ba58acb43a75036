"""Dead letters of all topics: looked at, put back after a fix, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radstream.bus.dead_letters import put_back, resolution, unresolved
from radstream.bus.port import Bus, Record
from radstream.contract.errors import MalformedRequest, NotFound
from radstream.contract.topics import TOPICS, dead_letter_topic

DEAD_LETTER_TOPICS: Final = tuple(dead_letter_topic(topic.name, group) for topic in TOPICS for group in topic.consumers)

_PAGE: Final = 500


async def find_all(bus: Bus) -> list[Record]:
    """Return every dead letter of which nothing has become yet.

    Raises
    ------
    Unavailable
        If the log does not answer.
    """
    letters = []
    for topic in DEAD_LETTER_TOPICS:
        records: list[Record] = []
        while page := await bus.read(topic, after=records[-1].offset if records else -1, limit=_PAGE):
            records += page
        letters += unresolved(records)
    return letters


async def find(bus: Bus, names: Sequence[str]) -> list[Record]:
    """Return the dead letters of `names`.

    Raises
    ------
    NotFound
        If there is none of that name, or something has become of it.
    Unavailable
    """
    letters = {name_of(letter): letter for letter in await find_all(bus)}
    if list(names) == ["all"]:
        return list(letters.values())
    missing = [name for name in names if name not in letters]
    if missing:
        raise NotFound(f"no dead letter of the name {missing[0]}")
    return [letters[name] for name in names]


async def replay(bus: Bus, letters: Sequence[Record]) -> None:
    """Put dead letters back into the topics that they came from. Twice is the same as once: handlers are idempotent.

    Raises
    ------
    MalformedRequest
        If one of them does not say where it came from.
    Unavailable
    """
    for letter in letters:
        if "original-topic" not in letter.headers:
            raise MalformedRequest(f"{name_of(letter)} does not say where it came from")
        await bus.publish([put_back(letter), resolution(letter, "replayed")])


async def discard(bus: Bus, letters: Sequence[Record]) -> None:
    """Give dead letters up; they stay readable in their topic until its retention ends. Errors as of `find_all`."""
    await bus.publish([resolution(letter, "discarded") for letter in letters])


def name_of(letter: Record) -> str:
    """Return the name under which a dead letter is listed: topic:offset."""
    return f"{letter.topic}:{letter.offset}"
