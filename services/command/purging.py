"""`radstream purge`: the blobs of what was deleted long enough ago are removed for good; the decisions stay.

An instance whose bytes are sent again while this goes on must not be lost: who stores it notes so, then looks whether a
purge is going on; a purge says so first, then looks at the notes (docs/adr/0011).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from radstream.backends import Backends
from radstream.blobs.decisions import arrivals_at, deleted_targets
from radstream.blobs.port import BlobInfo
from radstream.contract.blob_keys import parse_instance_key
from radstream.contract.decision_keys import Target, purging_key, target_of
from radstream.settings import Settings
from services.render.forget import forget


@dataclass
class Purged:
    """What was removed, or would be."""

    instances: int = 0
    size_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.instances} instances, {self.size_bytes:,} bytes"


async def purge(backends: Backends, settings: Settings, until: datetime, *, is_rehearsal: bool = False) -> Purged:
    """Remove the blobs of instances that were deleted before `until`, and what was made of them.

    Parameters
    ----------
    is_rehearsal : bool
        Only count.

    Raises
    ------
    Unavailable
        If an engine does not answer. Until it is called again and ends well, deleted instances that are sent again are
        refused.
    """
    purged = Purged()
    if is_rehearsal:
        async for info in _deleted(backends, settings.site, until):
            _count(purged, info)
        return purged
    await backends.blobs.put(purging_key(settings.site), b"{}")
    async for info in _deleted(backends, settings.site, until):
        await forget(backends.previews, target_of(parse_instance_key(info.key)))
        await backends.blobs.delete(info.key)
        _count(purged, info)
    await backends.blobs.delete(purging_key(settings.site))
    return purged


async def _deleted(backends: Backends, site: str, until: datetime) -> AsyncIterator[BlobInfo]:
    """Yield the blobs that were deleted before `until`; of each it is looked up after the last one was handled."""
    studies = {target.study_instance_uid async for target in deleted_targets(backends.blobs, site)}
    for study in sorted(studies):
        async for info, deleted_at in arrivals_at(backends.blobs, Target(site, study)):
            if deleted_at is not None and deleted_at < until:
                yield info


def _count(purged: Purged, info: BlobInfo) -> None:
    purged.instances += 1
    purged.size_bytes += info.size_bytes
