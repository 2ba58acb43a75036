"""The same stored instances give the same catalog, in whatever order, batches and repetitions their events come."""

from __future__ import annotations

import asyncio
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.catalog.filters import EVERYTHING
from radstream.catalog.port import Catalog
from radstream.catalog.sqlite import SqliteCatalog
from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceConflicted, InstanceStored
from tests.index_engines import Archive
from tests.memory_catalog import SCHEMA, MemoryCatalog

VOLATILE = {"last_indexed_at"}
TRAILS = {"removals"}
"""Collections that tell what happened, and not what there is."""

versions = st.fixed_dictionaries(
    {
        "SOPInstanceUID": st.sampled_from(["1.2.3.1", "1.2.3.2", "1.2.3.3", "1.2.3.4"]),
        "StudyInstanceUID": st.sampled_from(["1.2.1.1", "1.2.1.2"]),
        "SeriesInstanceUID": st.sampled_from(["1.2.2.1", "1.2.2.2"]),
        "PatientID": st.sampled_from(["", "P1", "P2"]),
        "PatientName": st.sampled_from(["Smith^John", "Müller^Anna"]),
        "Modality": st.sampled_from(["CT", "SR"]),
        "SOPClassUID": st.sampled_from(["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"]),
        "StudyDate": st.sampled_from(["20260101", "20260102"]),
    }
)


async def contents(catalog: Catalog) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, collection in SCHEMA.items():
        if name in TRAILS:
            continue
        fields = [field.name for field in collection.fields if field.name not in VOLATILE]
        found[name] = {row["_id"]: row for row in await catalog.find(name, EVERYTHING, fields=fields)}
    return found


def batches(draw: st.DrawFn, events: list[InstanceStored]) -> list[list[InstanceStored]]:
    """Return the events in any order, some of them again, cut anywhere."""
    again = draw(st.lists(st.sampled_from(events), max_size=4))
    order = draw(st.permutations([*events, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)) | {0, len(order)})
    return [order[start:end] for start, end in pairwise(cuts)]


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[dict[str, str]], Archive, list[list[list[InstanceStored]]], list[int]]:
    instances = draw(st.lists(versions, min_size=1, max_size=8))
    archive = Archive()
    events = [archive.store(after_s=number, **attributes) for number, attributes in enumerate(instances)]
    return instances, archive, [batches(draw, events) for _ in range(2)], draw(st.lists(st.integers(0, 12), max_size=6))


async def index_all(
    archive: Archive, run: list[list[InstanceStored]], failures: list[int]
) -> tuple[dict[str, Any], set[str]]:
    """Index every batch; where the catalog fails half-way, the batch comes again, as the consume loop does it."""
    fresh = Archive(blobs=archive.blobs, catalog=MemoryCatalog())
    waiting = list(failures)
    for batch in run:
        fresh.catalog.fails_after = waiting.pop() if waiting else None
        try:
            await fresh.index(*batch)
        except Unavailable:
            fresh.catalog.fails_after = None
            await fresh.index(*batch)
        fresh.catalog.fails_after = None
    announced = {event.blob_key for event in fresh.published("instance-conflicted", InstanceConflicted)}
    return await contents(fresh.catalog), announced


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_any_order_gives_the_same_catalog(
    run: tuple[list[dict[str, str]], Archive, list[list[list[InstanceStored]]], list[int]],
) -> None:
    instances, archive, orders, failures = run
    first, announced = asyncio.run(index_all(archive, orders[0], []))
    second, announced_again = asyncio.run(index_all(archive, orders[1], failures))
    assert first == second
    assert announced == announced_again == set(first["conflicts"])
    check_truth(archive, instances, first)


def check_truth(archive: Archive, instances: list[dict[str, str]], found: dict[str, Any]) -> None:
    """Compare with what the rules say when they are applied to all instances at once."""
    earliest: dict[str, tuple[Any, str]] = {}
    for key, (_, stored_at) in archive.blobs.contents.items():
        uid = key.split("/")[4]
        earliest[uid] = min(earliest.get(uid, (stored_at, key)), (stored_at, key))
    shown = {uid: key for uid, (_, key) in earliest.items()}
    assert {uid: document["blob_key"] for uid, document in found["instances"].items()} == shown
    assert set(found["conflicts"]) == set(archive.blobs.contents) - set(shown.values())
    assert set(found["series"]) == {"/".join(key.split("/")[2:4]) for key in shown.values()}
    assert set(found["studies"]) == {key.split("/")[2] for key in shown.values()}
    assert set(found["patients"]) == {study["patient_key"] for study in found["studies"].values()}
    for uid, study in found["studies"].items():
        first = min(key for key in earliest.values() if key[1].split("/")[2] == uid)
        assert study["order"].endswith(first[1])
        assert study["NumberOfStudyRelatedInstances"] == sum(key.split("/")[2] == uid for key in shown.values())
    for key, patient in found["patients"].items():
        assert patient["order"] == min(s["order"] for s in found["studies"].values() if s["patient_key"] == key)
    assert len(instances) >= len(found["instances"])


async def index_in_sqlite(archive: Archive, run: list[list[InstanceStored]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        catalog = SqliteCatalog(Path(folder))
        try:
            await catalog.create_collections()
            again = Archive(blobs=archive.blobs, catalog=catalog)
            for batch in run:
                await again.index(*batch)
            return await contents(catalog)
        finally:
            await catalog.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_the_embedded_catalog_ends_as_the_one_in_memory(
    run: tuple[list[dict[str, str]], Archive, list[list[list[InstanceStored]]], list[int]],
) -> None:
    _, archive, orders, _ = run
    in_memory, _ = asyncio.run(index_all(archive, orders[0], []))
    assert asyncio.run(index_in_sqlite(archive, orders[1])) == in_memory
