"""`PutEarliest`: whatever arrives in whatever order and however often, the end is the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.catalog.filters import EVERYTHING, Equals
from radstream.catalog.port import Catalog, Delete, Document, PutEarliest, Set

FIELDS = ("order", "others", "sha256", "Rows", "flags", "qido", "frames")


def version(order: str, key: str = "1") -> PutEarliest:
    """A document of which every field tells its order."""
    fields = {"sha256": f"sha {order}", "Rows": len(order), "flags": [order], "qido": b"", "frames": order.encode()}
    return PutEarliest("instances", key, {"order": order, **fields})


async def the_one(catalog: Catalog) -> Document:
    (found,) = await catalog.find("instances", Equals("_id", "1"), fields=FIELDS)
    return found


async def test_of_two_versions_the_earlier_stays_whichever_comes_first(catalog: Catalog) -> None:
    await catalog.apply([version("a", "1"), version("b", "1"), version("b", "2"), version("a", "2")])
    for found in await catalog.find("instances", EVERYTHING, fields=FIELDS):
        assert (found["order"], found["others"], found["sha256"]) == ("a", ["b"], "sha a")


async def test_without_others_the_loser_is_not_noted(catalog: Catalog) -> None:
    orders = ("b", "c", "a")
    await catalog.apply([PutEarliest("studies", "1", {"order": each, "PatientID": each}) for each in orders])
    (found,) = await catalog.find("studies", EVERYTHING, fields=("order", "PatientID"))
    assert (found["order"], found["PatientID"]) == ("a", "a")


async def test_fields_that_are_not_given_keep_their_values(catalog: Catalog) -> None:
    await catalog.apply([PutEarliest("studies", "1", {"order": "b", "PatientID": "B"})])
    await catalog.apply([Set("studies", "1", {"NumberOfStudyRelatedInstances": 3})])
    await catalog.apply([PutEarliest("studies", "1", {"order": "a", "PatientID": "A"})])
    (found,) = await catalog.find("studies", EVERYTHING, fields=("PatientID", "NumberOfStudyRelatedInstances"))
    assert (found["PatientID"], found["NumberOfStudyRelatedInstances"]) == ("A", 3)


async def test_the_loser_changes_nothing_but_the_others(catalog: Catalog) -> None:
    await catalog.apply([version("a")])
    before = await the_one(catalog)
    await catalog.apply([version("b")])
    assert await the_one(catalog) == before | {"others": ["b"]}


async def test_the_same_order_again_takes_the_newer_reading(catalog: Catalog) -> None:
    await catalog.apply([PutEarliest("instances", "1", {"order": "a", "sha256": "old", "qido": b"1"})])
    await catalog.apply([PutEarliest("instances", "1", {"order": "a", "sha256": "new"})])
    found = await the_one(catalog)
    assert (found["sha256"], found["others"], found["qido"]) == ("new", [], b"1")


async def test_what_has_no_order_yet_is_replaced(catalog: Catalog) -> None:
    await catalog.apply([PutEarliest("instances", "1", {"order": "a"}), Set("instances", "1", {"order": None})])
    await catalog.apply([version("z")])
    found = await the_one(catalog)
    assert (found["order"], found["others"]) == ("z", [])


async def test_an_order_and_others_are_any_text(catalog: Catalog) -> None:
    orders = ["$literal", "", "a\0b", "é", "\U0001f600", "$order"]
    await catalog.apply([version(order) for order in orders])
    found = await the_one(catalog)
    assert (found["order"], found["others"]) == ("", sorted(orders)[1:])


async def test_those_that_were_known_to_have_lost_are_kept(catalog: Catalog) -> None:
    await catalog.apply([PutEarliest("instances", "1", {"order": "b", "others": ["d", "c"]})])
    await catalog.apply([PutEarliest("instances", "1", {"order": "a", "others": ["e"]})])
    found = await the_one(catalog)
    assert (found["order"], found["others"]) == ("a", ["b", "c", "d", "e"])


async def test_all_at_once_end_alike(catalog: Catalog) -> None:
    chance = random.Random(5)
    for _ in range(10):
        await catalog.apply([Delete("instances", "1")])
        shuffled = [version(order) for order in "cabde"] * 2
        chance.shuffle(shuffled)
        await asyncio.gather(*(catalog.apply([each]) for each in shuffled))
        found = await the_one(catalog)
        assert (found["order"], found["others"], found["sha256"]) == ("a", ["b", "c", "d", "e"], "sha a")


_ORDERS = st.lists(st.sampled_from(["", "a", "aa", "b", "é", "20260101 x", "\U0001f600"]), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=_ORDERS, sizes=st.lists(st.integers(1, 4), min_size=8, max_size=8))
async def test_any_sequence_ends_as_the_set_of_its_versions(
    catalog: Catalog, orders: Sequence[str], sizes: Sequence[int]
) -> None:
    await catalog.apply([Delete("instances", "1")])
    rest = [version(order) for order in orders]
    for size in sizes:  # in batches of any size
        batch, rest = rest[:size], rest[size:]
        await catalog.apply(batch)
    first, *others = sorted(set(orders))
    assert await the_one(catalog) == {"_id": "1", **version(first).document, "others": others}
    assert await catalog.count("instances", EVERYTHING) == 1
