"""The story: from `instance-stored` to documents that can be found, and to everybody who has to know.

The order of effects makes every crash harmless (DESIGN, promise 1): the catalog first, then the events that follow,
then (in the consume loop) the offset. Whatever is repeated ends in the same documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from radstream.backends import Backends
from radstream.blobs.decisions import deletions_of
from radstream.bus.port import Message, Record
from radstream.catalog.filters import In
from radstream.catalog.port import Operation, PutEarliest
from radstream.contract.blob_keys import parse_instance_key
from radstream.contract.documents import instance_order
from radstream.contract.errors import MalformedEvent, NotFound, RejectedInstance, Unavailable
from radstream.contract.events import (
    Event,
    InstanceConflicted,
    InstanceIndexed,
    InstanceStored,
    derive,
    from_json,
    from_timestamp,
    headers_of,
    to_json,
)
from radstream.contract.topics import (
    INSTANCE_CONFLICTED,
    INSTANCE_INDEXED,
    INSTANCE_INDEXED_URGENT,
    STUDY_REOPENED,
    Topic,
)
from radstream.dicom.searchable import Searchable
from services.index.conflicts import Hidden, hidden_versions, records_of, unrecorded
from services.index.describe import describe
from services.index.document import Document, Parents, Reading, instance_document, parents_of
from services.index.header import aside, read_instance
from services.index.removal import Removal, studies_of
from services.index.settle import Clock, Plan, Settler, Touched

AT_ONCE: Final = 8
"""Headers that are read at the same time."""

BATCH_BYTES: Final = 16 << 20
"""Headers of so many bytes are brought into the catalog before more are read."""


@dataclass(frozen=True)
class Arrival:
    """An event, with the trace that it belongs to."""

    event: InstanceStored
    traceparent: str = ""


@dataclass(frozen=True)
class Version:
    """A stored version of an instance with the documents made of it."""

    arrival: Arrival
    instance: Document
    parents: Parents

    @property
    def event(self) -> InstanceStored:
        """What said that it is stored."""
        return self.arrival.event


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Indexing:
    """Brings stored instances into the catalog.

    Parameters
    ----------
    searchable : sequence of Searchable
        See `parents_of`.

    Attributes
    ----------
    settler : Settler
    removal : Removal
    turn : asyncio.Lock
        Held while the catalog is made to agree: two batches of this process never count the same study at once.
    """

    def __init__(self, backends: Backends, searchable: Sequence[Searchable] = (), now: Clock = utc_now) -> None:
        self._backends = backends
        self._searchable = searchable
        self.settler = Settler(backends.catalog, now, searchable)
        self._reading = asyncio.Semaphore(AT_ONCE)
        self.turn = asyncio.Lock()
        self.removal = Removal(backends, self)

    async def on_instance_stored(self, records: Sequence[Record]) -> None:
        """Handle a batch of records of `instance-stored` or `instance-stored-urgent`.

        Raises
        ------
        MalformedEvent
            If one of them holds no such event.
        NotFound
            If the blob of one of them is not there.
        Unavailable
            If the blob store, the catalog or the log does not answer.
        """
        await self.index([_arrival(record) for record in records])

    async def index(self, arrivals: Sequence[Arrival]) -> None:
        """Make the instances of `arrivals` known; on return all of it is durable. Errors as `on_instance_stored`.

        What was deleted is passed over; what is deleted meanwhile is seen by who looks second, here or in `removal`.
        """
        for batch in _portions(arrivals):
            events = [arrival.event for arrival in batch]
            deletions = await deletions_of(self._backends.blobs, studies_of(events))
            kept = [one for one in batch if not deletions.cover(one.event.instance_key, one.event.occurred_at)]
            if kept:
                await self._catalog(await self._read_all(kept))
            await self.removal.look_again(events)

    async def bring(self, events: Sequence[InstanceStored]) -> None:
        """Make stored instances known, as `index` does."""
        await self.index([Arrival(event) for event in events])

    async def take_out(self, operations: Sequence[Operation], touched: Touched) -> None:
        """Carry out `operations`, then make agree what may have lost instances by them, and all above.

        Raises
        ------
        Unavailable
        """
        async with self.turn:
            if operations:
                await self._backends.catalog.apply(operations)
            plan = await self.settler.plan(touched)
            await self._announce_changes((), plan, ())
            await self.settler.carry_out(plan)

    async def _read_all(self, arrivals: Sequence[Arrival]) -> list[Version]:
        """Return the versions of `arrivals`; of several errors the one that can be waited out is raised."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._read(arrival)) for arrival in arrivals]
        except ExceptionGroup as errors:
            raise next((e for e in errors.exceptions if isinstance(e, Unavailable)), errors.exceptions[0]) from errors
        return [task.result() for task in tasks]

    async def _read(self, arrival: Arrival) -> Version:
        event = arrival.event
        async with self._reading:
            reading = await read_instance(self._backends.blobs, event)
        return await aside(event.header_bytes or event.size_bytes, lambda: _version(arrival, reading, self._searchable))

    async def _catalog(self, versions: Sequence[Version]) -> None:
        """Write, look at what is visible now, make the rest agree, tell."""
        async with self.turn:
            await self._backends.catalog.apply(list(_first_operations(versions)))
            shown = await self._shown(versions)
            hidden = hidden_versions(shown.values())
            recorded = await self._recorded(hidden)
            plan = await self.settler.plan(_touched(versions, shown, hidden))
            plan.operations += records_of(hidden, recorded)
            await self._announce_changes(versions, plan, unrecorded(hidden, recorded))
            await self.settler.carry_out(plan)
        visible = [version for version in versions if _is_visible(version, shown)]
        await self._publish(
            (_indexed(version.event), derive(version.event, InstanceIndexed), version.arrival.traceparent)
            for version in visible
        )

    async def _shown(self, versions: Sequence[Version]) -> dict[str, Document]:
        """Return the visible version of each instance by its SOP Instance UID."""
        uids = sorted({version.event.sop_instance_uid for version in versions})
        fields = ("blob_key", "series_key", "others", "stored_at", "SOPClassUID")
        rows = await self._backends.catalog.find("instances", In("_id", uids), fields=fields)
        return {row["_id"]: row for row in rows}

    async def _recorded(self, hidden: Sequence[Hidden]) -> dict[str, str]:
        """Return the recorded ones of `hidden`, by blob key, with the blob key of the version that is shown."""
        if not hidden:
            return {}
        keys = [version.blob_key for version in hidden]
        rows = await self._backends.catalog.find("conflicts", In("_id", keys), fields=("visible_blob_key",))
        return {row["_id"]: row["visible_blob_key"] for row in rows}

    async def _announce_changes(self, versions: Sequence[Version], plan: Plan, conflicts: Sequence[Hidden]) -> None:
        """Tell of conflicts and reopened studies before the catalog says that this was done."""
        events = {version.event.blob_key: version.event for version in versions}
        told: list[tuple[Topic, Event, str]] = [(STUDY_REOPENED, event, "") for event in plan.reopened]
        for hidden in conflicts:
            event = events.get(hidden.blob_key) or await self._described(hidden.blob_key)
            if event is not None:
                conflict = derive(event, InstanceConflicted, visible_blob_key=hidden.visible_blob_key)
                told.append((INSTANCE_CONFLICTED, conflict, ""))
        await self._publish(told)

    async def _described(self, blob_key: str) -> InstanceStored | None:
        """Return the event of a version that was displaced by one of the batch; None if its blob says nothing."""
        try:
            return await describe(self._backends.blobs, await self._backends.blobs.stat(blob_key))
        except (NotFound, RejectedInstance):
            return None

    async def _publish(self, events: Iterable[tuple[Topic, Event, str]]) -> None:
        messages = [
            Message(topic.name, event.study_instance_uid, to_json(event), headers_of(event, traceparent=traceparent))
            for topic, event, traceparent in events
        ]
        if messages:
            await self._backends.bus.publish(messages)


def _indexed(event: InstanceStored) -> Topic:
    """Return the topic that says that what `event` tells of is indexed: who came first stays in front."""
    return INSTANCE_INDEXED_URGENT if event.priority == "urgent" else INSTANCE_INDEXED


def _arrival(record: Record) -> Arrival:
    """Return the event in `record`, if its address and time are those of an instance."""
    event = from_json(record.value, InstanceStored)
    if parse_instance_key(event.blob_key) != event.instance_key:
        raise MalformedEvent("the blob key does not agree with the UIDs of the event")
    try:
        from_timestamp(event.occurred_at)
    except ValueError as error:
        raise MalformedEvent("the event's time of arrival is none") from error
    return Arrival(event, record.headers.get("traceparent", ""))


def _portions(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Yield `arrivals` in portions whose headers are not too long together, at least one in each."""
    portion: list[Arrival] = []
    size_bytes = 0
    for arrival in arrivals:
        header_bytes = arrival.event.header_bytes or min(arrival.event.size_bytes, BATCH_BYTES)
        if portion and size_bytes + header_bytes > BATCH_BYTES:
            yield portion
            portion, size_bytes = [], 0
        portion.append(arrival)
        size_bytes += header_bytes
    if portion:
        yield portion


def _version(arrival: Arrival, reading: Reading, searchable: Sequence[Searchable]) -> Version:
    event = arrival.event
    order = instance_order(event.occurred_at, event.blob_key)
    parents = parents_of(reading.attributes, event.instance_key, order, searchable)
    return Version(arrival, instance_document(event, reading, parents.flags, searchable), parents)


def _first_operations(versions: Sequence[Version]) -> Iterator[Operation]:
    for version in versions:
        yield PutEarliest("instances", version.event.sop_instance_uid, version.instance)
        yield PutEarliest("series", version.parents.series_key, version.parents.series)


def _is_visible(version: Version, shown: dict[str, Document]) -> bool:
    row = shown.get(version.event.sop_instance_uid)
    return row is not None and row["blob_key"] == version.event.blob_key


def _touched(versions: Sequence[Version], shown: dict[str, Document], hidden: Sequence[Hidden]) -> Touched:
    """Return what may have changed: where versions compete, the series of both have to be looked at exactly."""
    exact = {version.series_key for version in hidden}
    exact |= {row["series_key"] for row in shown.values() if row["others"]}
    return Touched(
        series_keys=frozenset({version.parents.series_key for version in versions} | exact),
        exact=frozenset(exact),
        shown=list(shown.values()),
        parents=[version.parents for version in versions],
        urgent=frozenset(v.event.study_instance_uid for v in versions if v.event.priority == "urgent"),
    )
