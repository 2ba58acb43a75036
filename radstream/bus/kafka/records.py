"""Between our messages and Kafka's: text is UTF-8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from radstream.bus.port import Message, Record
from radstream.contract.errors import MalformedEvent

LARGEST_VALUE_BYTES: Final = 1 << 20
LARGEST_RECORD_BYTES: Final = LARGEST_VALUE_BYTES + (64 << 10)
"""With its key and headers."""


def encode(message: Message) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return key and headers of `message` as Kafka takes them.

    Raises
    ------
    MalformedEvent
        If the value is longer than 1 MiB, or a key or header is no Unicode text.
    """
    if len(message.value) > LARGEST_VALUE_BYTES:
        raise MalformedEvent("a record is longer than 1 MiB")
    try:
        for name in message.headers:
            name.encode()
        return message.key.encode(), [(name, value.encode()) for name, value in message.headers.items()]
    except UnicodeEncodeError as error:
        raise MalformedEvent("a key or header is no Unicode text") from error


def decode(batches: Mapping[Any, Iterable[Any]], prefix: str) -> list[Record]:
    """Return the records of what `getmany` returned, partition by partition; their topics without `prefix`."""
    return [_decoded(record, prefix) for batch in batches.values() for record in batch]


def _decoded(record: Any, prefix: str) -> Record:
    return Record(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value or b"",
        headers={name: (value or b"").decode(errors="replace") for name, value in record.headers},
        timestamp_ms=record.timestamp,
    )
