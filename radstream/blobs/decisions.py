"""Decisions in the blob store: made, and looked up by whoever brings blobs into the catalog or takes them out.

Where nothing was decided of a study, one look at one key tells so. A deletion holds for what arrived until then: what
is stored again later is there again. If the same bytes are stored again, their blob keeps its first time, so a record
of its own says when they came back.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from radstream.blobs.port import BlobInfo, BlobStore
from radstream.blobs.presence import exists
from radstream.contract.blob_keys import InstanceKey, parse_instance_key
from radstream.contract.decision_keys import (
    Target,
    decided_key,
    decisions_prefix,
    deletion_key,
    deletions_prefix,
    parse_deletion_key,
    purging_key,
    return_key,
    return_prefix,
)
from radstream.contract.errors import MalformedEvent, NotFound, Unavailable
from radstream.contract.events import to_timestamp
from radstream.contract.uids import Uid

ROUGH: Final = timedelta(seconds=10)
"""A time in a listing may be wrong by less than this."""

_PURGED: Final = "the instance was deleted and is just being purged: send it again"


@dataclass(frozen=True)
class Deletion:
    """That somebody deleted `target`, and when."""

    target: Target
    decided_at: datetime


@dataclass(frozen=True)
class Deletions:
    """All deletions of some studies."""

    all: tuple[Deletion, ...] = ()

    def latest(self, key: InstanceKey) -> datetime | None:
        """Return when the instance under `key` was deleted last; None if it never was."""
        return max((one.decided_at for one in self.all if one.target.holds(key)), default=None)

    def cover(self, key: InstanceKey, stored_at: str) -> bool:
        """Tell whether an instance that arrived at `stored_at` (see `events.to_timestamp`) is deleted."""
        latest = self.latest(key)
        return latest is not None and stored_at <= to_timestamp(latest)


async def decide_deletion(blobs: BlobStore, target: Target) -> Deletion:
    """Make durable that `target` is deleted.

    Raises
    ------
    Unavailable
        If the store cannot take it; then it is not deleted.
    """
    await blobs.put(decided_key(target.site, target.study_instance_uid), b"{}")
    stored = await blobs.put(deletion_key(target, uuid.uuid4().hex), msgspec.json.encode(target))
    return Deletion(target, stored.info.stored_at)


async def deletions_of(blobs: BlobStore, studies: Iterable[tuple[str, Uid]]) -> Deletions:
    """Return the deletions of `studies`, each a site and a Study Instance UID.

    Raises
    ------
    Unavailable
    """
    return Deletions(tuple([one for study in set(studies) async for one in _deletions(blobs, *study)]))


async def _deletions(blobs: BlobStore, site: str, study_instance_uid: Uid) -> AsyncIterator[Deletion]:
    if await exists(blobs, decided_key(site, study_instance_uid)):
        async for info in blobs.list(deletions_prefix(site, study_instance_uid)):
            target = _target(info.key)
            if target is not None:
                yield Deletion(target, (await blobs.stat(info.key)).stored_at)


async def deleted_targets(blobs: BlobStore, site: str) -> AsyncIterator[Target]:
    """Yield what was ever deleted at a site, in any order."""
    async for info in blobs.list(decisions_prefix(site)):
        if (target := _target(info.key)) is not None:
            yield target


def _target(key: str) -> Target | None:
    try:
        return parse_deletion_key(key)
    except MalformedEvent:
        return None


async def arrived(blobs: BlobStore, info: BlobInfo) -> BlobInfo:
    """Return `info`, of an instance, with the exact time that counts: when its bytes came last after a deletion.

    Raises
    ------
    NotFound, Unavailable
    """
    key = parse_instance_key(info.key)
    exact = await blobs.stat(info.key)
    if not await exists(blobs, decided_key(key.site, key.study_instance_uid)):
        return exact
    times = [(await blobs.stat(noted.key)).stored_at async for noted in blobs.list(return_prefix(key))]
    return replace(exact, stored_at=max([exact.stored_at, *times]))


async def store_again(blobs: BlobStore, info: BlobInfo) -> BlobInfo:
    """Return `info` of a blob whose bytes came again, with the time that counts: if it was deleted, it is now.

    Raises
    ------
    Unavailable
        If the store does not answer, or the blob is just being purged: the same bytes may be sent again.
    """
    key = parse_instance_key(info.key)
    deletions = await deletions_of(blobs, [(key.site, key.study_instance_uid)])
    if deletions.latest(key) is None:
        return info
    try:
        last = await arrived(blobs, info)
        if not deletions.cover(key, to_timestamp(last.stored_at)):
            return last
        noted = await blobs.put(return_key(key, uuid.uuid4().hex), b"{}")
        # In this order, a purge either sees the record, or is seen (docs/adr/0011).
        is_purging = await exists(blobs, purging_key(key.site))
        await blobs.stat(info.key)
    except NotFound as error:
        raise Unavailable(_PURGED) from error
    if is_purging:
        raise Unavailable(_PURGED)
    return replace(last, stored_at=noted.info.stored_at)


async def arrivals_at(blobs: BlobStore, target: Target) -> AsyncIterator[tuple[BlobInfo, datetime | None]]:
    """Yield the blobs of all instances at `target`, with the time of their deletion if they are deleted.

    The time of those that are not is the exact one that counts.

    Raises
    ------
    Unavailable
    """
    deletions = await deletions_of(blobs, [(target.site, target.study_instance_uid)])
    returned = {_returned(info.key) async for info in blobs.list(target.returns_prefix)} if deletions.all else set()
    async for info in blobs.list(target.instances_prefix):
        try:
            key = parse_instance_key(info.key)
        except MalformedEvent:
            continue
        latest = deletions.latest(key)
        if latest is not None and info.stored_at + ROUGH < latest and key.sha256 not in returned:
            yield info, latest
            continue
        try:
            exact = await arrived(blobs, info)
        except NotFound:
            continue
        yield exact, latest if deletions.cover(key, to_timestamp(exact.stored_at)) else None


def _returned(key: str) -> str:
    """Return the SHA-256 in the key of a record that something was stored again."""
    return key.split("/")[-2]
