"""Versions of an instance that are not shown: recorded one by one, and announced once. Pure.

The catalog keeps, with each instance, the `order` of every version that it does not show. What is recorded follows from
that list alone, so events may come in any order and any number of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from radstream.catalog.port import Operation, Put
from radstream.contract.blob_keys import InstanceKey, parse_instance_key
from radstream.contract.documents import series_key
from services.index.document import Document


@dataclass(frozen=True)
class Hidden:
    """A version that is not shown."""

    blob_key: str
    visible_blob_key: str
    stored_at: str

    @property
    def instance_key(self) -> InstanceKey:
        """The blob key in parts."""
        return parse_instance_key(self.blob_key)

    @property
    def series_key(self) -> str:
        """The series it would be in."""
        return series_key_of(self.instance_key)


def series_key_of(key: InstanceKey) -> str:
    """Return the key of the series that an instance is in."""
    return series_key(key.study_instance_uid, key.series_instance_uid)


def hidden_versions(shown: Iterable[Document]) -> list[Hidden]:
    """Return the versions that instance documents (`blob_key`, `others`) hide.

    A version never hides itself: after a restore from a backup the same blob may come with another time.
    """
    found: dict[str, Hidden] = {}
    for document in shown:
        for order in sorted(document["others"]):
            stored_at, _, blob_key = order.partition(" ")
            if blob_key != document["blob_key"]:
                found.setdefault(blob_key, Hidden(blob_key, document["blob_key"], stored_at))
    return list(found.values())


def unrecorded(hidden: Sequence[Hidden], recorded: Mapping[str, str]) -> list[Hidden]:
    """Return those of `hidden` that are not yet in `recorded` (hidden to visible blob key): nobody was told of them."""
    return [version for version in hidden if version.blob_key not in recorded]


def records_of(hidden: Sequence[Hidden], recorded: Mapping[str, str]) -> list[Operation]:
    """Return what brings the collection `conflicts` up to date."""
    return [
        Put("conflicts", version.blob_key, _document(version))
        for version in hidden
        if recorded.get(version.blob_key) != version.visible_blob_key
    ]


def _document(version: Hidden) -> Document:
    return {
        "SOPInstanceUID": version.instance_key.sop_instance_uid,
        "StudyInstanceUID": version.instance_key.study_instance_uid,
        "hidden_blob_key": version.blob_key,
        "visible_blob_key": version.visible_blob_key,
        "stored_at": version.stored_at,
    }
