"""Arrivals, deletions and returns are in one order on every blob store, by its own times."""

from __future__ import annotations

import uuid

import pytest

from radstream.blobs.decisions import (
    arrivals_at,
    arrived,
    decide_deletion,
    deleted_targets,
    deletions_of,
    store_again,
)
from radstream.blobs.port import BlobInfo, BlobStore
from radstream.contract.blob_keys import InstanceKey
from radstream.contract.decision_keys import Target, target_of
from radstream.contract.events import to_timestamp
from radstream.contract.uids import Uid

STUDY = Uid("1.2.1")


@pytest.fixture
def site() -> str:
    """Stores of engines are shared by all tests."""
    return f"s{uuid.uuid4().hex[:20]}"


def key_of(site: str, number: int, series: str = "1.2.2") -> InstanceKey:
    return InstanceKey(site, STUDY, Uid(series), Uid(f"1.2.3.{number}"), f"{number:064x}")


async def keep(store: BlobStore, key: InstanceKey) -> BlobInfo:
    return (await store.put(str(key), b"instance")).info


async def shown(store: BlobStore, site: str) -> list[str]:
    found = [info.key async for info, deleted_at in arrivals_at(store, Target(site, STUDY)) if deleted_at is None]
    return sorted(key.split("/")[4] for key in found)


@pytest.mark.parametrize("below", [(), ("1.2.2",), ("1.2.2", "1.2.3.1")])
async def test_a_deletion_holds_for_what_is_there_and_not_for_what_comes(
    store: BlobStore, site: str, below: tuple[str, ...]
) -> None:
    await keep(store, key_of(site, 1))
    await decide_deletion(store, Target(site, STUDY, *map(Uid, below)))
    assert await shown(store, site) == []
    await keep(store, key_of(site, 2))
    assert await shown(store, site) == ["1.2.3.2"]


async def test_neighbours_are_not_deleted(store: BlobStore, site: str) -> None:
    for number, series in ((1, "1.2.2"), (2, "1.2.2"), (3, "1.2.22")):
        await keep(store, key_of(site, number, series))
    await decide_deletion(store, target_of(key_of(site, 1)))
    assert await shown(store, site) == ["1.2.3.2", "1.2.3.3"]
    await decide_deletion(store, Target(site, STUDY, Uid("1.2.2")))
    assert await shown(store, site) == ["1.2.3.3"]


async def test_the_same_bytes_come_and_go_as_often_as_one_likes(store: BlobStore, site: str) -> None:
    key = key_of(site, 1)
    first = last = await keep(store, key)
    for _ in range(3):
        deletion = await decide_deletion(store, target_of(key))
        assert await shown(store, site) == []
        last = await store_again(store, await keep(store, key))
        assert last.stored_at > deletion.decided_at > first.stored_at
        assert await shown(store, site) == ["1.2.3.1"]
        assert await arrived(store, first) == last
        assert await store_again(store, first) == last


async def test_a_study_without_decisions_has_none(store: BlobStore, site: str) -> None:
    info = await keep(store, key_of(site, 1))
    assert (await deletions_of(store, [(site, STUDY)])).all == ()
    assert await store_again(store, info) == info
    assert [target async for target in deleted_targets(store, site)] == []


async def test_every_deletion_is_found_with_its_time(store: BlobStore, site: str) -> None:
    key = key_of(site, 1)
    info = await keep(store, key)
    targets = [Target(site, STUDY), Target(site, STUDY, Uid("1.2.2")), target_of(key)]
    decided = [await decide_deletion(store, target) for target in targets]
    await store_again(store, info)  # its record is not taken for a deletion
    assert {target async for target in deleted_targets(store, site)} == set(targets)
    found = await deletions_of(store, [(site, STUDY), (site, Uid("1.9"))])
    assert sorted(found.all, key=lambda one: one.decided_at) == decided
    assert found.latest(key) == decided[-1].decided_at
    assert found.cover(key, to_timestamp(info.stored_at))
    assert not found.cover(key_of("elsewhere", 1), to_timestamp(info.stored_at))
