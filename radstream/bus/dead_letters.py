"""What a group could not handle, set aside with its reason. Pure."""

from __future__ import annotations

from radstream import __version__
from radstream.bus.port import Message, Record
from radstream.contract.errors import RadstreamError
from radstream.contract.topics import dead_letter_topic


def dead_letter(record: Record, group: str, error: Exception, attempts: int) -> Message:
    """Return `record` as message for the dead letters of its topic and `group`.

    Key, value and headers (`traceparent` among them) are those of the record, so that it can be put back as it was;
    the added headers say where it lay and why it is here.
    """
    reason = {
        "original-topic": record.topic,
        "original-partition": str(record.partition),
        "original-offset": str(record.offset),
        "error-type": type(error).__name__,
        "error-text": safe_text(error),
        "attempts": str(attempts),
        "service-version": __version__,
    }
    return Message(dead_letter_topic(record.topic, group), record.key, record.value, {**record.headers, **reason})


def safe_text(error: Exception) -> str:
    """Return the text of `error` if it is one of ours; of any other only the class: its text may quote a patient."""
    return str(error) if isinstance(error, RadstreamError) else type(error).__name__
