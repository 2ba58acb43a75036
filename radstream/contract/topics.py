"""Every topic of the log: who produces it, who consumes it, how long it is kept. One source for every adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Topic:
    """A kebab-case fact.

    Parameters
    ----------
    name : str
    producers, consumers : tuple of str
        Names of services; a consumer's name is its consumer group.
    retention_days : int
        Records older than this may be deleted. Everything can be rebuilt from the blobs.
    partitions : int
        On Kafka; the embedded log always has one.
    """

    name: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    retention_days: int = 7
    partitions: int = 12


INSTANCE_STORED: Final = Topic("instance-stored", ("ingest",), ("index",))
INSTANCE_STORED_URGENT: Final = Topic("instance-stored-urgent", ("ingest",), ("index",))
INSTANCE_INDEXED: Final = Topic("instance-indexed", ("index",), ("render",))
INSTANCE_INDEXED_URGENT: Final = Topic("instance-indexed-urgent", ("index",), ("render",))
INSTANCE_RENDERED: Final = Topic("instance-rendered", ("render",), ())
INSTANCE_CONFLICTED: Final = Topic("instance-conflicted", ("index",), (), retention_days=90)
STUDY_COMPLETED: Final = Topic("study-completed", ("index",), ("render",))
STUDY_REOPENED: Final = Topic("study-reopened", ("index",), ())
STUDY_DELETED: Final = Topic("study-deleted", ("ingest",), ("index", "render"), retention_days=90)

TOPICS: Final = (
    INSTANCE_STORED,
    INSTANCE_STORED_URGENT,
    INSTANCE_INDEXED,
    INSTANCE_INDEXED_URGENT,
    INSTANCE_RENDERED,
    INSTANCE_CONFLICTED,
    STUDY_COMPLETED,
    STUDY_REOPENED,
    STUDY_DELETED,
)

DEAD_LETTER_RETENTION_DAYS: Final = 90


def dead_letter_topic(topic: str, group: str) -> str:
    """Return the name of the topic that keeps what `group` could not handle of `topic`."""
    return f"{topic}-{group}-dlq"


def all_topics() -> tuple[Topic, ...]:
    """Return every topic there is, dead letters included."""
    dead_letters = tuple(
        Topic(dead_letter_topic(topic.name, group), (group,), (), DEAD_LETTER_RETENTION_DAYS, partitions=1)
        for topic in TOPICS
        for group in topic.consumers
    )
    return TOPICS + dead_letters
