"""What was made of deleted instances leaves the cache: previews, and frames in other transfer syntaxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radstream.blobs.port import BlobStore
from radstream.bus.port import Record
from radstream.contract.decision_keys import Target
from radstream.contract.events import StudyDeleted, from_json


@dataclass(frozen=True)
class Forgetting:
    """Empties parts of the cache. What is there again, or still, is made again when somebody asks for it."""

    previews: BlobStore

    async def on_study_deleted(self, records: Sequence[Record]) -> None:
        """Handle a batch of records of `study-deleted`.

        Raises
        ------
        MalformedEvent
            If one of them holds no such event.
        Unavailable
            If the cache does not answer.
        """
        for record in records:
            event = from_json(record.value, StudyDeleted)
            uids = (event.study_instance_uid, event.series_instance_uid, event.sop_instance_uid)
            await forget(self.previews, Target(event.site, *uids))


async def forget(previews: BlobStore, target: Target) -> None:
    """Delete everything that was made of the instances at `target`."""
    for prefix in target.cache_prefixes:
        async for info in previews.list(prefix):
            await previews.delete(info.key)
