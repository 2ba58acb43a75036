"""The story that every door ends in: take the bytes, make them durable, tell the log, and only then say success.

The order of effects (DESIGN, promise 1): the exact bytes of the data set become a durable blob under an immutable key;
then their event is acknowledged by the log, or a durable pending marker takes its place; then `finish` returns. If the
process dies in between, the sender was told nothing and keeps its copy, and what it sends again changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Literal

from radstream.backends import Backends
from radstream.blobs.port import BlobStore, BlobWriter, Buffer, Stored
from radstream.contract.blob_keys import InstanceKey
from radstream.contract.errors import RadstreamError, RejectedInstance, Unavailable
from radstream.contract.events import InstanceStored, new_event_id, to_timestamp
from radstream.contract.uids import parse_uid
from radstream.dicom.header import HeaderScanner
from radstream.dicom.part10 import encode_meta, parse_meta
from radstream.dicom.syntaxes import encoding_of
from radstream.settings import Settings
from radstream.telemetry import ACCEPT_SECONDS, INSTANCES_ACCEPTED, get_logger
from services.ingest.announce import Announcer
from services.ingest.identity import (
    MISMATCH,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    Identity,
    Origin,
    Reference,
    identity_in,
    reference_in,
    refuse_mismatch,
)

log = get_logger(__name__)

HELD_LIMIT_BYTES: Final = 1 << 20
"""How much is held until the SOP Class and Instance UID are known; they stand within the first kilobyte or two."""

HEADER_LIMIT_BYTES: Final = 64 << 20
"""A header longer than this is announced as unknown, so that nobody reads it into memory at once."""

META_READ_BYTES: Final = 4096
"""More than any meta group that `encode_meta` writes."""


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
        self.announcer = Announcer(backends.bus, backends.blobs, settings.publish_deadline_s)

    def begin(self, origin: Origin) -> Acceptance:
        """Return the acceptance of one instance, to be given the bytes of its data set."""
        return Acceptance(self.blobs, self.announcer, self.site, origin)

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

    def __init__(self, blobs: BlobStore, announcer: Announcer, site: str, origin: Origin) -> None:
        self._blobs = blobs
        self._announcer = announcer
        self._site = site
        self._origin = origin
        self._started_at = time.perf_counter()
        self._scanner = HeaderScanner(origin.transfer_syntax_uid)
        self._held = bytearray()
        self._prefix = b""
        self._writer: BlobWriter | None = None
        self._refusal: RadstreamError | None = None

    @property
    def reference(self) -> Reference | None:
        """The SOP Class and Instance UID as far as they are known, for an answer that names the instance."""
        try:
            return reference_in(self._scanner.values)
        except RejectedInstance:
            return None

    @property
    def is_refused(self) -> bool:
        """True if nothing that may still come can save the instance; `finish` says why."""
        return self._refusal is not None

    def write(self, data: Buffer) -> None:
        """Take the next bytes of the data set; the buffer may be used again when this returns."""
        if self._refusal is None:
            try:
                self._take(data)
            except RadstreamError as error:
                self._refuse(error)

    async def drain(self) -> None:
        """Wait until the blob store can take more; never raises an error of the instance or the store."""
        if self._refusal is None and self._writer is not None:
            try:
                await self._writer.drain()
            except RadstreamError as error:
                self._refuse(error)
        if self._refusal is not None:
            await self._drop()

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
            A Pixel Data that is too short is no reason: it is stored as it came.
        Unavailable
            If the blob store cannot take the instance, or neither log nor blob store its event.
        """
        try:
            accepted = await self._finish()
        except RadstreamError as error:
            Accepting.count_refusal(self._origin, error)
            raise
        finally:
            await self._drop()
        INSTANCES_ACCEPTED.labels(self._origin.door, accepted.outcome).inc()
        ACCEPT_SECONDS.labels(self._origin.door).observe(time.perf_counter() - self._started_at)
        log.debug("instance_accepted", blob_key=accepted.event.blob_key, state=accepted.outcome)
        return accepted

    async def abort(self) -> None:
        """Forget the instance: its sender went away."""
        await self._drop()

    def _take(self, data: Buffer) -> None:
        self._scanner.feed(data)
        if self._writer is None and not self._open_if_known():
            self._hold(data)
        elif self._writer is not None:
            self._writer.write(data)

    def _hold(self, data: Buffer) -> None:
        if self._scanner.is_done or len(self._held) + len(data) > HELD_LIMIT_BYTES:
            raise RejectedInstance("no SOP Class and SOP Instance UID at the start of the data set", MISMATCH)
        self._held += data

    def _open_if_known(self) -> bool:
        """Begin the blob, with what was held until now, as soon as its meta group can be written."""
        if not {SOP_CLASS_UID, SOP_INSTANCE_UID} <= self._scanner.values.keys():
            return False
        reference = reference_in(self._scanner.values)
        syntax = parse_uid(self._origin.transfer_syntax_uid)
        self._prefix = encode_meta(reference.sop_class_uid, reference.sop_instance_uid, syntax)
        self._writer = self._blobs.writer(prefix=self._prefix)
        self._writer.write(self._held)
        self._held = bytearray()
        return True

    async def _finish(self) -> Accepted:
        identity = self._complete()
        stored = await self._commit(identity)
        event = await self._event(identity, stored)
        is_announced = await self._announcer.announce(event)
        return Accepted(event, is_new=stored.created, is_marked=not is_announced)

    def _complete(self) -> Identity:
        """Return the identity of the data set, now that its end is known; raise if it cannot be kept."""
        if self._refusal is not None:
            raise self._refusal
        self._scanner.finish()
        if self._writer is None:
            self._open_if_known()
        identity = identity_in(self._scanner.values)
        refuse_mismatch(self._origin, identity)
        return identity

    async def _commit(self, identity: Identity) -> Stored:
        writer, self._writer = self._writer, None
        assert writer is not None  # it was opened when the UIDs were known, and they are
        place = (identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid)
        return await writer.commit(lambda sha256: str(InstanceKey(self._site, *place, sha256)))

    async def _event(self, identity: Identity, stored: Stored) -> InstanceStored:
        syntax, header_bytes = await self._layout(stored)
        return InstanceStored(
            event_id=new_event_id(),
            occurred_at=to_timestamp(stored.info.stored_at),
            site=self._site,
            study_instance_uid=identity.study_instance_uid,
            series_instance_uid=identity.series_instance_uid,
            sop_instance_uid=identity.sop_instance_uid,
            sop_class_uid=identity.sop_class_uid,
            transfer_syntax_uid=parse_uid(syntax),
            blob_key=stored.info.key,
            size_bytes=stored.info.size_bytes,
            sha256=stored.sha256,
            header_bytes=header_bytes,
            calling_ae_title=self._origin.calling_ae_title,
            priority=self._origin.priority,
        )

    async def _layout(self, stored: Stored) -> tuple[str, int]:
        """Return the transfer syntax and the header's length of the blob that is in the store."""
        syntax, prefix_bytes = self._origin.transfer_syntax_uid, len(self._prefix)
        if not stored.created:  # the first one's meta group stays, even if it named another transfer syntax
            meta = parse_meta(await self._blobs.read(stored.info.key, 0, META_READ_BYTES))
            if meta is None or meta.transfer_syntax_uid != parse_uid(syntax):
                return (meta.transfer_syntax_uid if meta else syntax), 0
        return syntax, self._header_bytes(prefix_bytes, stored.info.size_bytes)

    def _header_bytes(self, prefix_bytes: int, size_bytes: int) -> int:
        if encoding_of(self._origin.transfer_syntax_uid).is_deflated:
            return 0
        offset = self._scanner.pixel_data_offset
        header_bytes = size_bytes if offset is None else prefix_bytes + offset
        return header_bytes if header_bytes <= HEADER_LIMIT_BYTES else 0

    def _refuse(self, error: RadstreamError) -> None:
        self._refusal = error
        self._held = bytearray()

    async def _drop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.abort()
