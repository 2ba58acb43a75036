"""Which presentation contexts are proposed together, and who waits for which."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dimse.backlog import Backlog, Entry
from radstream.dimse.outgoing import Kind
from radstream.dimse.proposals import MAX_CONTEXTS, Proposals
from tests.dimse_wire import settle

KINDS = st.builds(Kind, st.integers(0, 60).map("1.2.{}".format), st.integers(0, 8).map("1.3.{}".format))


@given(st.lists(KINDS, max_size=400), st.lists(st.integers(0, 12).map("1.3.{}".format), max_size=5, unique=True))
def test_every_kind_is_in_its_group_with_all_that_is_offered_and_no_group_is_too_long(
    kinds: list[Kind], offers: list[str]
) -> None:
    proposals = Proposals(offers)
    groups = {kind: proposals.group_of(kind) for kind in kinds}
    for kind, group in groups.items():
        assert proposals.group_of(kind) == group
        contexts = proposals.contexts(group)
        assert len(contexts) == len(set(contexts)) <= MAX_CONTEXTS
        assert {kind, *(Kind(kind.sop_class_uid, uid) for uid in offers)} <= set(contexts)


def entry(name: str, group: int = 0) -> Entry[Any]:
    return Entry(SimpleNamespace(name=name), group)


async def names(backlog: Backlog[Any], group: int | None = None) -> list[str]:
    taken = []
    while (one := await backlog.take(group)) is not None:
        taken.append(one.instance.name)
    return taken


async def test_instances_come_in_order_and_those_given_back_first() -> None:
    backlog: Backlog[Any] = Backlog(10)
    for name in "abc":
        await backlog.put(entry(name))
    first = await backlog.take()
    assert first is not None
    backlog.give_back(first)
    backlog.close()
    assert await names(backlog) == ["a", "b", "c"]


async def test_only_its_own_group_is_taken_while_others_wait() -> None:
    backlog: Backlog[Any] = Backlog(10)
    await backlog.put(entry("a", 0))
    await backlog.put(entry("b", 1))
    await backlog.put(entry("c", 0))
    assert await names(backlog, 0) == ["a", "c"]
    assert len(backlog) == 1
    backlog.close()
    assert await names(backlog) == ["b"]


async def test_who_waits_is_woken_by_what_comes_and_by_the_end() -> None:
    backlog: Backlog[Any] = Backlog(10)
    waiting = [asyncio.ensure_future(backlog.take(0)) for _ in range(3)]
    await settle()
    await backlog.put(entry("a"))
    await settle()
    assert [task.done() for task in waiting].count(True) == 1
    backlog.close()
    assert sorted(taken.instance.name if taken else "" for taken in await asyncio.gather(*waiting)) == ["", "", "a"]


async def test_a_full_backlog_is_waited_for_but_not_by_who_gives_back() -> None:
    backlog: Backlog[Any] = Backlog(1)
    await backlog.put(entry("a"))
    putting = asyncio.ensure_future(backlog.put(entry("b")))
    await settle()
    assert not putting.done()
    taken = await backlog.take()
    assert taken is not None
    await putting
    backlog.give_back(taken)
    backlog.close()
    assert await names(backlog) == ["a", "b"]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_who_gave_up_waiting_takes_nothing(is_closed: bool) -> None:
    backlog: Backlog[Any] = Backlog(5)
    waiting = asyncio.ensure_future(backlog.take())
    await settle()
    waiting.cancel()
    await settle()
    await backlog.put(entry("a"))
    if is_closed:
        backlog.close()
    taken = await backlog.take()
    assert taken is not None
    assert taken.instance.name == "a"
