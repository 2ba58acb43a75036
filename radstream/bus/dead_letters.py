"""What a group could not handle, set aside with its reason, and what became of it later. Pure.

The log cannot change a record: that a dead letter was put back or given up is one more record in the same topic, which
names the one that it resolves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from radstream import __version__
from radstream.bus.port import Message, Record
from radstream.contract.errors import RadstreamError
from radstream.contract.topics import dead_letter_topic

RESOLVES: Final = "resolves-offset"
OUTCOME: Final = "outcome"
Outcome = Literal["replayed", "discarded"]

_REASON: Final = (
    *("original-topic", "original-partition", "original-offset"),
    *("error-type", "error-text", "attempts", "service-version"),
)


def dead_letter(record: Record, group: str, error: Exception, attempts: int) -> Message:
    """Return `record` as message for the dead letters of its topic and `group`.

    Key, value and headers (`traceparent` among them) are those of the record, so that it can be put back as it was;
    the added headers say where it lay and why it is here.
    """
    reasons = (
        *(record.topic, str(record.partition), str(record.offset)),
        *(type(error).__name__, safe_text(error), str(attempts), __version__),
    )
    reason = dict(zip(_REASON, reasons, strict=True))
    return Message(dead_letter_topic(record.topic, group), record.key, record.value, {**record.headers, **reason})


def put_back(letter: Record) -> Message:
    """Return the message that a dead letter was, for the topic that it came from."""
    headers = {name: value for name, value in letter.headers.items() if name not in _REASON}
    return Message(letter.headers["original-topic"], letter.key, letter.value, headers)


def resolution(letter: Record, outcome: Outcome) -> Message:
    """Return the message that says what became of a dead letter."""
    return Message(letter.topic, letter.key, b"", {RESOLVES: str(letter.offset), OUTCOME: outcome})


def unresolved(records: Iterable[Record]) -> list[Record]:
    """Return the dead letters among the records of a topic of dead letters of which nothing has become yet."""
    letters = list(records)
    resolved = {record.headers[RESOLVES] for record in letters if RESOLVES in record.headers}
    return [record for record in letters if RESOLVES not in record.headers and str(record.offset) not in resolved]


def safe_text(error: Exception) -> str:
    """Return the text of `error` if it is one of ours; of any other only the class: its text may quote a patient."""
    return str(error) if isinstance(error, RadstreamError) else type(error).__name__
