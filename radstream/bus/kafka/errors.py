"""What Kafka's client complains about, as errors of ours. Nothing of aiokafka's gets past this room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    UnknownTopicOrPartitionError,
)

from radstream.contract.errors import MalformedEvent, NotFound, Unavailable

TAKEN_AWAY: Final = (CommitFailedError, IllegalStateError)
"""A partition is no longer ours: what was polled of it comes to its new owner."""

CLIENT_ERRORS: Final = (KafkaError, ConsumerStoppedError, OSError, TimeoutError)

_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordTooLargeError)


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Raise `Unavailable` instead of the client's errors; its cause is what the client said.

    Parameters
    ----------
    what : str
        What is asked of the log, for the error's text.
    """
    try:
        yield
    except CLIENT_ERRORS as error:
        raise Unavailable(f"Kafka did not {what} ({type(error).__name__})") from error


@contextmanager
def acknowledging() -> Iterator[None]:
    """Raise our errors instead of those of a producer; a record or its topic may be at fault."""
    try:
        with answering("acknowledge"):
            yield
    except Unavailable as error:
        if isinstance(error.__cause__, _TOO_LARGE):
            raise MalformedEvent("a record is longer than the log takes") from error
        if isinstance(error.__cause__, UnknownTopicOrPartitionError):
            raise NotFound("the log has no such topic") from error
        raise
