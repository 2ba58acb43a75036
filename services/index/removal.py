"""What was deleted leaves the catalog, and what it hid comes up.

The record alone decides (`radstream.blobs.decisions`): the catalog is made to agree with what the blob store says of a
study, series or instance, so that a deletion may be handled before, after or between the arrivals that it is about, and
as often as one likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from radstream.backends import Backends
from radstream.blobs.decisions import Deletions, arrivals_at, arrived, deletions_of
from radstream.blobs.port import BlobInfo
from radstream.bus.port import Record
from radstream.catalog.filters import And, Equals, In, Or, Predicate, Range
from radstream.catalog.port import Delete, Operation, Set
from radstream.contract.blob_keys import InstanceKey, parse_instance_key
from radstream.contract.decision_keys import Target, target_of
from radstream.contract.documents import series_key
from radstream.contract.errors import MalformedEvent, NotFound, RejectedInstance
from radstream.contract.events import InstanceStored, StudyDeleted, from_json
from radstream.contract.uids import Uid
from radstream.telemetry import get_logger
from services.index.describe import describe
from services.index.document import Document
from services.index.settle import Touched

log = get_logger(__name__)

AT_ONCE: Final = 64
"""Instances that come back together."""

_BEHIND_ALL: Final = "~"
"""Behind every character of a blob key."""


class Index(Protocol):
    """What brings instances into the catalog and makes series and studies agree."""

    async def bring(self, events: Sequence[InstanceStored]) -> None:
        """Make stored instances known."""

    async def take_out(self, operations: Sequence[Operation], touched: Touched) -> None:
        """Carry out `operations`, then make agree what may have lost instances by them."""


class Removal:
    """Takes what was deleted out of the catalog."""

    def __init__(self, backends: Backends, index: Index) -> None:
        self._blobs = backends.blobs
        self._catalog = backends.catalog
        self._index = index

    async def on_study_deleted(self, records: Sequence[Record]) -> None:
        """Handle a batch of records of `study-deleted`.

        Raises
        ------
        MalformedEvent
            If one of them holds no such event.
        Unavailable
            If the blob store, the catalog or the log does not answer.
        """
        for record in records:
            event = from_json(record.value, StudyDeleted)
            uids = (event.study_instance_uid, event.series_instance_uid, event.sop_instance_uid)
            await self.agree(Target(event.site, *uids))

    async def look_again(self, events: Sequence[InstanceStored]) -> None:
        """Put right what a deletion that was handled by somebody else meanwhile has made wrong of `events`."""
        deletions = await deletions_of(self._blobs, studies_of(events))
        if not deletions.all:
            return
        rows = await self._instances(In("_id", sorted({event.sop_instance_uid for event in events})))
        shown = {row["_id"]: row for row in rows}
        for event in events:
            if _is_wrong(event, shown.get(event.sop_instance_uid), deletions):
                await self.agree(target_of(event.instance_key))

    async def agree(self, target: Target) -> None:
        """Make the catalog say of `target` what the blob store says; on return all of it is durable."""
        deletions = await deletions_of(self._blobs, [(target.site, target.study_instance_uid)])
        rows = await self._instances(_where(target))
        gone = [row for row in rows if _is_deleted(row["order"], deletions)]
        conflicts = await self._conflicts(target)
        hidden = [one for one in conflicts if deletions.cover(_key(one["_id"]), one["stored_at"])]
        operations: list[Operation] = [Delete("instances", row["_id"]) for row in gone]
        operations += [Delete("conflicts", one["_id"]) for one in hidden]
        operations += await self._without(hidden)
        # Those of what stays, too: an attempt before this one may have ended between an instance and its series.
        series = frozenset({row["series_key"] for row in rows} | await self._series(target))
        touched = Touched(series_keys=series, exact=series, studies=frozenset({target.study_instance_uid}))
        await self._index.take_out(operations, touched)
        left = [one for one in conflicts if one not in hidden]
        await self._come_up(target, [one["_id"] for one in left if target.holds(_key(one["visible_blob_key"]))])

    async def _instances(self, where: Predicate) -> list[Document]:
        return await self._catalog.find("instances", where, fields=("blob_key", "series_key", "order", "others"))

    async def _conflicts(self, target: Target) -> list[Document]:
        """Return the recorded conflicts of which one side is at `target`."""
        low = target.instances_prefix
        sides = [Range(field, low, low + _BEHIND_ALL) for field in ("_id", "visible_blob_key")]
        return await self._catalog.find("conflicts", Or(sides), fields=("visible_blob_key", "stored_at"))

    async def _without(self, hidden: Sequence[Document]) -> list[Operation]:
        """Return what takes `hidden` versions out of the instances that are shown in their place."""
        keys = {one["_id"] for one in hidden}
        uids = sorted({_key(key).sop_instance_uid for key in keys})
        rows = await self._instances(In("_id", uids)) if uids else []
        kept = {row["_id"]: [one for one in row["others"] if one.partition(" ")[2] not in keys] for row in rows}
        return [Set("instances", row["_id"], {"others": kept[row["_id"]]}) for row in rows]

    async def _series(self, target: Target) -> set[str]:
        """Return the keys of the series at `target`, or that it is in."""
        study, series = target.study_instance_uid, target.series_instance_uid
        if series is not None:
            return {series_key(study, series)}
        return {row["_id"] for row in await self._catalog.find("series", Equals("StudyInstanceUID", study), fields=())}

    async def _come_up(self, target: Target, hidden: Sequence[str]) -> None:
        """Bring in what is at `target` and not deleted, and what was `hidden` by what is gone."""
        batch: list[BlobInfo] = []
        async for info, deleted_at in arrivals_at(self._blobs, target):
            batch += [info] if deleted_at is None else []
            if len(batch) == AT_ONCE:
                await self._bring(batch)
                batch = []
        await self._bring(batch)
        if hidden:
            # Known or not: who brought them may have been stopped before their series was there.
            await self._index_all([info for key in hidden for info in await self._stored(key)])
            rows = await self._instances(In("_id", sorted({_key(key).sop_instance_uid for key in hidden})))
            await self._catalog.apply(
                [Delete("conflicts", row["blob_key"]) for row in rows if row["blob_key"] in hidden]
            )

    async def _stored(self, key: str) -> list[BlobInfo]:
        try:
            return [await arrived(self._blobs, await self._blobs.stat(key))]
        except NotFound:
            return []

    async def _bring(self, infos: Sequence[BlobInfo]) -> None:
        """Bring in those of `infos` that the catalog does not know."""
        if not infos:
            return
        rows = await self._instances(In("_id", sorted({_key(info.key).sop_instance_uid for info in infos})))
        known = {key for row in rows for key in _versions(row)}
        await self._index_all([info for info in infos if info.key not in known])

    async def _index_all(self, infos: Sequence[BlobInfo]) -> None:
        events = [event for info in infos for event in await self._described(info)]
        if events:
            await self._index.bring(events)

    async def _described(self, info: BlobInfo) -> list[InstanceStored]:
        try:
            return [await describe(self._blobs, info)]
        except (MalformedEvent, RejectedInstance, NotFound) as error:
            log.warning("blob_not_described", blob_key=info.key, error_type=type(error).__name__, reason=str(error))
            return []


def studies_of(events: Sequence[InstanceStored]) -> set[tuple[str, Uid]]:
    """Return site and Study Instance UID of `events`."""
    return {(event.site, event.study_instance_uid) for event in events}


def _is_wrong(event: InstanceStored, row: Document | None, deletions: Deletions) -> bool:
    """Tell whether an instance document shows what is deleted, or lacks what arrived after that."""
    if row is not None and _is_deleted(row["order"], deletions):
        return True
    is_missing = row is None or event.blob_key not in _versions(row)
    return is_missing and not deletions.cover(event.instance_key, event.occurred_at)


def _key(blob_key: str) -> InstanceKey:
    return parse_instance_key(blob_key)


def _versions(row: Document) -> set[str]:
    """Return the blob keys of what an instance document shows and hides."""
    return {row["blob_key"], *(order.partition(" ")[2] for order in row["others"])}


def _is_deleted(order: str, deletions: Deletions) -> bool:
    """Tell whether the version with an `order` (see `documents.instance_order`) is deleted."""
    stored_at, _, blob_key = order.partition(" ")
    return deletions.cover(_key(blob_key), stored_at)


def _where(target: Target) -> Predicate:
    """Return what holds for the instances in the catalog that are at `target`."""
    if target.series_instance_uid is None:
        return Equals("StudyInstanceUID", target.study_instance_uid)
    of_series = Equals("series_key", series_key(target.study_instance_uid, target.series_instance_uid))
    return of_series if target.sop_instance_uid is None else And((Equals("_id", target.sop_instance_uid), of_series))
