"""The story that every door ends in: take the bytes, make them durable, tell the log, and only then say success.

The order of effects (DESIGN, promise 1): the exact bytes of the data set are made durable and become a blob under an
immutable key; then their event is acknowledged by the log, or a durable pending marker takes its place, and the key is
made durable at the same time; when both are, `finish` returns. If the process dies in between, the sender was told
nothing and keeps its copy, and what it sends again changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

from radstream.backends import Backends
from radstream.blobs.decisions import store_again
from radstream.blobs.port import Buffer
from radstream.contract.errors import RadstreamError, Unavailable
from radstream.contract.events import InstanceStored, new_event_id, to_timestamp
from radstream.contract.uids import parse_uid
from radstream.settings import Settings
from radstream.telemetry import ACCEPT_SECONDS, INSTANCES_ACCEPTED, get_logger
from services.ingest.announce import Announcer
from services.ingest.arrival import Arrival, Kept
from services.ingest.identity import Origin, Reference, refuse_mismatch
from services.ingest.pressure import Pressure

log = get_logger(__name__)


@dataclass(frozen=True)
class Accepted:
    """An instance that is durable and will be indexed.

    Parameters
    ----------
    event : InstanceStored
        What the log was told, or will be.
    is_new : bool
        False if the same bytes were stored before.
    is_marked : bool
        The log did not answer: a pending marker stands in for the event.
    """

    event: InstanceStored
    is_new: bool
    is_marked: bool

    @property
    def outcome(self) -> Literal["created", "known", "marked"]:
        """The label of `radstream_instances_accepted`."""
        if self.is_marked:
            return "marked"
        return "created" if self.is_new else "known"


class Accepting:
    """What all doors of a process share.

    Parameters
    ----------
    backends : Backends
        Only the log and the blob store are used: ingest does not depend on the catalog.
    """

    def __init__(self, backends: Backends, settings: Settings) -> None:
        self.blobs = backends.blobs
        self.site = settings.site
        self.max_instance_bytes = settings.max_instance_bytes
        self.announcer = Announcer(backends.bus, backends.blobs, settings.publish_deadline_s)
        self.pressure = Pressure(backends, settings)

    def begin(self, origin: Origin) -> Acceptance:
        """Return the acceptance of one instance, to be given the bytes of its data set."""
        return Acceptance(self, origin)

    @staticmethod
    def count_refusal(origin: Origin, error: RadstreamError) -> None:
        """Count and log that an instance was refused, also one that was so before its acceptance could begin."""
        outcome = "unavailable" if isinstance(error, Unavailable) else "rejected"
        INSTANCES_ACCEPTED.labels(origin.door, outcome).inc()
        tell = log.info if origin.door == "import" else log.warning  # an import counts them for the person who waits
        tell(
            "instance_refused",
            reason=str(error),
            error_type=type(error).__name__,
            calling_ae_title=origin.calling_ae_title,
            transfer_syntax_uid=origin.transfer_syntax_uid,
        )


class Acceptance:
    """One instance on its way in; exactly one of `finish` and `abort` ends it.

    Errors wait for `finish`: once an instance is refused, the rest of its bytes is taken and forgotten, so that a
    sender that cannot be interrupted (C-STORE) gets its answer. Memory does not grow with the data set.
    """

    def __init__(self, accepting: Accepting, origin: Origin) -> None:
        self._accepting = accepting
        self._origin = origin
        self._started_at = time.perf_counter()
        self._arrival = Arrival(accepting.blobs, origin.transfer_syntax_uid, accepting.max_instance_bytes)
        self._arrival.refusal = accepting.pressure.refusal()

    @property
    def reference(self) -> Reference | None:
        """The SOP Class and Instance UID as far as they are known, for an answer that names the instance."""
        return self._arrival.reference

    @property
    def is_refused(self) -> bool:
        """True if nothing that may still come can save the instance; `finish` says why."""
        return self._arrival.refusal is not None

    def write(self, data: Buffer) -> None:
        """Take the next bytes of the data set; the buffer may be used again when this returns."""
        self._arrival.write(data)

    async def drain(self) -> None:
        """Wait until the blob store can take more; never raises an error of the instance or the store."""
        await self._arrival.drain()

    async def finish(self) -> Accepted:
        """Make the instance durable and tell the log, in this order.

        Returns
        -------
        Accepted
            Only now may the sender be told success.

        Raises
        ------
        RejectedInstance
            0xA900 for missing, malformed or other than announced UIDs, 0xC000 for a data set whose header is not one.
            0xA700 for one that is longer than `max_instance_bytes`. A Pixel Data that is too short is no reason: it is
            stored as it came.
        Unavailable
            If the blob store cannot take the instance, or neither log nor blob store its event.
        """
        try:
            accepted = await self._accept()
        except RadstreamError as error:
            Accepting.count_refusal(self._origin, error)
            raise
        finally:
            await self._arrival.drop()
        INSTANCES_ACCEPTED.labels(self._origin.door, accepted.outcome).inc()
        ACCEPT_SECONDS.labels(self._origin.door).observe(time.perf_counter() - self._started_at)
        log.debug("instance_accepted", blob_key=accepted.event.blob_key, state=accepted.outcome)
        return accepted

    async def abort(self) -> None:
        """Forget the instance: its sender went away."""
        await self._arrival.drop()

    async def _accept(self) -> Accepted:
        identity = self._arrival.complete()
        refuse_mismatch(self._origin, identity)
        kept = await self._arrival.keep(self._accepting.site, identity)
        if not kept.is_new:
            kept = replace(kept, info=await store_again(self._accepting.blobs, kept.info))
        event = self._event(kept)
        is_announced = await self._accepting.announcer.announce(event)  # while the name is being made durable
        await self._arrival.settle()
        return Accepted(event, is_new=kept.is_new, is_marked=not is_announced)

    def _event(self, kept: Kept) -> InstanceStored:
        return InstanceStored(
            event_id=new_event_id(),
            occurred_at=to_timestamp(kept.info.stored_at),
            site=self._accepting.site,
            study_instance_uid=kept.identity.study_instance_uid,
            series_instance_uid=kept.identity.series_instance_uid,
            sop_instance_uid=kept.identity.sop_instance_uid,
            sop_class_uid=kept.identity.sop_class_uid,
            transfer_syntax_uid=parse_uid(kept.transfer_syntax_uid),
            blob_key=kept.info.key,
            size_bytes=kept.info.size_bytes,
            sha256=kept.sha256,
            header_bytes=kept.header_bytes,
            calling_ae_title=self._origin.calling_ae_title,
            priority=self._origin.priority,
        )
