"""Pending markers become events as soon as the log answers again.

One process of a site sweeps at a time, by a lease in the cache bucket. The lease only saves work: an event that is
published twice has no further effect, so nothing depends on clocks or on who holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Final

from radstream.backends import Backends
from radstream.blobs.port import BlobStore
from radstream.bus.port import Message
from radstream.contract.blob_keys import pending_prefix
from radstream.contract.decision_keys import pending_deletion_prefix
from radstream.contract.errors import MalformedEvent, NotFound, RadstreamError
from radstream.contract.events import InstanceStored, StudyDeleted, from_json
from radstream.contract.topics import INSTANCE_STORED, STUDY_DELETED
from radstream.settings import Settings
from radstream.telemetry import get_logger
from services.ingest.announce import Announcer, message_of

log = get_logger(__name__)

PERIOD_S: Final = 3.0
BATCH: Final = 256
LEASE_S: Final = 10.0
"""A lease older than this belongs to a process that died."""


class Sweep:
    """Moves the pending markers of a site to the log."""

    def __init__(self, backends: Backends, settings: Settings) -> None:
        self._blobs = backends.blobs
        self._announcer = Announcer(backends.bus, backends.blobs, settings.publish_deadline_s)
        self._lease = Lease(backends.previews, f"{settings.site}/leases/pending-sweep", LEASE_S)
        self._prefix = pending_prefix(settings.site)
        self._deletions = pending_deletion_prefix(settings.site)
        self._patience = timedelta(seconds=settings.publish_deadline_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every few seconds until `stop` is set."""
        while not stop.is_set():
            try:
                await self.round()
            except RadstreamError as error:
                log.warning("sweep_failed", error_type=type(error).__name__, reason=str(error))
            await until(stop, PERIOD_S)

    async def round(self) -> int:
        """Publish and remove the markers that are due, and return how many; ends early if the log does not answer.

        Raises
        ------
        Unavailable
            If the blob store does not answer.
        """
        due = await self._due(1)  # alone, to see whether the log answers before hundreds are read
        if not due or not await self._lease.take():
            return 0
        moved = 0
        try:
            while due and await self._move(due):
                moved += len(due)
                due = await self._due(BATCH)
        finally:
            await self._lease.give_back()
        if moved:
            log.info("pending_markers_published", count=moved)
        return moved

    async def _due(self, most: int) -> list[str]:
        """Return the keys of some markers that are old enough: a late acknowledgement may make younger ones void."""
        latest = datetime.now(UTC) - self._patience
        keys: list[str] = []
        async for info in self._blobs.list(self._prefix):
            if info.stored_at <= latest:
                keys.append(info.key)
            if len(keys) == most:
                break
        return keys

    async def _move(self, keys: list[str]) -> bool:
        """Publish the markers under `keys`, then remove them; False if the log did not take them."""
        found = await asyncio.gather(*map(self._message, keys))  # together: minutes of markers are not seconds of work
        messages = [message for message in found if message is not None]
        if messages and not await self._announcer.publish(messages):
            return False
        await asyncio.gather(*map(self._blobs.delete, keys))
        return True

    async def _message(self, key: str) -> Message | None:
        """Return the record of a marker, or None if another process was faster."""
        try:
            value = await self._blobs.read(key)
        except NotFound:
            return None
        is_deletion = key.startswith(self._deletions)
        try:
            return message_of(from_json(value, StudyDeleted) if is_deletion else from_json(value, InstanceStored))
        except MalformedEvent:
            # The index sets it aside with its reason, as it does with every record that nobody can read.
            log.error("pending_marker_malformed", blob_key=key)
            return Message(STUDY_DELETED.name if is_deletion else INSTANCE_STORED.name, key, value)


class Lease:
    """A claim that the others respect for a while: a blob that only one process can create.

    Parameters
    ----------
    blobs : BlobStore
        Of the cache: losing the lease does no harm.
    lifetime_s : float
        After which it is taken from a holder that did not give it back.
    """

    def __init__(self, blobs: BlobStore, key: str, lifetime_s: float) -> None:
        self._blobs = blobs
        self._key = key
        self._lifetime = timedelta(seconds=lifetime_s)

    async def take(self) -> bool:
        """Tell whether the lease is ours now."""
        stored = await self._blobs.put(self._key, b"")
        if not stored.created and datetime.now(UTC) - stored.info.stored_at > self._lifetime:
            await self._blobs.delete(self._key)
            stored = await self._blobs.put(self._key, b"")
        return stored.created

    async def give_back(self) -> None:
        """Let another process take the lease."""
        await self._blobs.delete(self._key)


async def until(stop: asyncio.Event, timeout_s: float) -> None:
    """Wait until `stop` is set, but no longer than `timeout_s`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await stop.wait()
