"""What Kafka's client complains about, as errors of ours. Nothing of aiokafka's gets past this room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka.errors import (
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordTooLargeError,
    UnknownProducerId,
    UnknownTopicOrPartitionError,
)

from radstream.contract.errors import MalformedEvent, NotFound, Unavailable

FATAL: Final = (OutOfOrderSequenceNumber, UnknownProducerId, ProducerFenced, InvalidProducerEpoch)
"""After one of these a producer can never send again: its sequence numbers are not those that the broker expects."""

_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordTooLargeError)


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Raise our errors instead of the client's.

    Parameters
    ----------
    what : str
        What is asked of the log, for the error's text.
    """
    try:
        yield
    except _TOO_LARGE as error:
        raise MalformedEvent("a record is longer than the log takes") from error
    except UnknownTopicOrPartitionError as error:
        raise NotFound("the log has no such topic") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka did not {what} ({type(error).__name__})") from error
