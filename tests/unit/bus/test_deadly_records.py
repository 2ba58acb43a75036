"""A record that ends its process again and again is found and set aside; chance, outages and stops accuse nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from radstream.bus.port import Attempt, Record
from radstream.bus.suspicion import MOST_DEATHS
from radstream.contract.errors import Unavailable
from tests.loop_engines import FakeBus, Handled, consume_all, make_loop, running, until


class Killed(BaseException):
    """Stands for `kill -9`: the log is told nothing more."""


class Deadly:
    """A handler that ends its process whenever it meets a value, so many times."""

    def __init__(self, bus: FakeBus, value: str, times: int = 1000) -> None:
        self.calls: list[list[str]] = []
        self._bus, self._value, self._times = bus, value, times

    async def __call__(self, records: Sequence[Record]) -> None:
        self.calls.append([record.value.decode() for record in records])
        if self._value in self.calls[-1] and self._times:
            self._times -= 1
            self._bus.fail("note", 1)
            raise Killed


async def consume_in_many_lives(bus: FakeBus, handle: Deadly) -> int:
    """Consume all, a new loop for each one that ended; return how many ended."""
    for deaths in range(20):
        bus.position = bus.committed
        bus.failing.clear()
        stop = asyncio.Event()
        task = asyncio.create_task(make_loop(bus, handle, max_batch=8).run(stop))
        await until(lambda task=task: task.done() or bus.committed == len(bus.records))  # type: ignore[misc]
        stop.set()
        await asyncio.wait([task])
        if task.exception() is None:
            return deaths
        assert isinstance(task.exception(), Killed)
    raise AssertionError("the record kills for ever")


@pytest.mark.parametrize("value", ["a", "c", "f"])
async def test_it_is_set_aside_with_its_reason_and_its_neighbours_pass(value: str) -> None:
    bus = FakeBus(*"abcdef")
    handle = Deadly(bus, value)
    deaths = await consume_in_many_lives(bus, handle)
    [letter] = bus.dead
    assert letter.value == value.encode()
    assert letter.headers["error-type"] == "DeadlyRecord"
    assert letter.headers["error-text"] == f"{MOST_DEATHS} processes ended while they handled it"
    assert letter.headers["attempts"] == str(MOST_DEATHS)
    assert deaths <= MOST_DEATHS + 1
    done = {each for call in handle.calls if value not in call for each in call}
    assert done == set("abcdef") - {value}


async def test_one_that_comes_late_is_found_too_though_nothing_was_noted_of_its_batch() -> None:
    bus = FakeBus(*(f"{number}" for number in range(40)))
    assert await consume_in_many_lives(bus, Deadly(bus, "33")) <= MOST_DEATHS + 2
    assert [letter.value for letter in bus.dead] == [b"33"]


async def test_two_of_them_in_a_batch_are_both_found() -> None:
    bus = FakeBus(*"abab")
    await consume_in_many_lives(bus, Deadly(bus, "b"))
    assert [letter.value for letter in bus.dead] == [b"b", b"b"]


async def test_a_process_that_is_killed_by_chance_costs_no_record() -> None:
    bus = FakeBus(*"abcdef")
    handle = Deadly(bus, "c", times=MOST_DEATHS - 1)
    assert await consume_in_many_lives(bus, handle) == MOST_DEATHS - 1
    assert bus.dead == []
    assert {value for call in handle.calls for value in call} == set("abcdef")


async def test_nothing_is_noted_once_the_first_batches_have_passed() -> None:
    bus, handle = FakeBus(*(f"{number}" for number in range(100))), Handled()
    await consume_all(bus, handle, max_batch=10)
    assert bus.journal.count("note") == 1
    assert len(handle.calls) == 10


async def test_a_process_that_is_killed_while_it_waits_accuses_nobody() -> None:
    bus = FakeBus(*"ab")
    handle = Handled(lambda _value, _call: Unavailable("catalog"))
    async with running(make_loop(bus, handle)):
        await until(lambda: len(handle.calls) > 3)
    assert bus.noted.number == 0
    assert await bus.unfinished_attempts() == {}


async def test_an_error_of_the_handler_is_no_death() -> None:
    bus = FakeBus(*"ab")
    handle = Handled(lambda _value, call: KeyError("x") if call < 3 else None)
    await consume_all(bus, handle)
    assert bus.dead == []
    assert await bus.unfinished_attempts() == {}


async def test_our_own_note_is_no_death_when_a_commit_has_failed() -> None:
    bus, handle = FakeBus(*"ab"), Handled()
    bus.fail("commit", 5)
    await consume_all(bus, handle)
    assert handle.calls == [["a", "b"]] * 6
    assert bus.dead == []


async def test_a_partition_that_was_with_somebody_else_is_looked_at_again() -> None:
    bus, handle = FakeBus(*"abcdef"), Handled()
    loop = make_loop(bus, handle, max_batch=2)
    async with running(loop):
        await until(lambda: bus.committed == 6)
        # Somebody else had it: moved it on, died of the next record, and died again.
        bus.records += [Record("instance-stored", 0, offset, "k", b"more", {}, 0) for offset in range(6, 10)]
        bus.position = bus.committed = 8
        bus.noted = Attempt(8, MOST_DEATHS)
        await until(lambda: bus.committed == 10)
    assert [letter.headers["original-offset"] for letter in bus.dead] == ["8"]


async def test_the_log_is_waited_for_where_it_cannot_be_told_of_an_attempt() -> None:
    bus, handle = FakeBus("a"), Handled()
    bus.fail("note", 3)
    await consume_all(bus, handle)
    assert handle.calls == [["a"]]
