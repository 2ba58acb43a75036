"""What the consume loop does with every kind of failure, on a log in memory that fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from radstream import __version__
from radstream.bus import loop as loop_module
from radstream.bus.loop import MOST_DEAD_LETTERS_IN_A_ROW
from radstream.bus.port import Record
from radstream.bus.retry import Retry
from radstream.contract.errors import (
    MalformedEvent,
    NotFound,
    RejectedInstance,
    Unavailable,
    UnsupportedInstance,
)
from radstream.contract.topics import Topic
from tests.loop_engines import AT_ONCE, DEAD, FakeBus, Handled, consume_all, make_loop, running, until


async def test_batches_are_handled_and_committed_in_order() -> None:
    bus, handle = FakeBus(*"abcde"), Handled()
    await consume_all(bus, handle, max_batch=2)
    assert handle.calls == [["a", "b"], ["c", "d"], ["e"]]
    assert bus.dead == []
    assert bus.is_closed


async def test_the_topic_of_dead_letters_is_there_before_anything_is_consumed() -> None:
    bus = FakeBus("a")
    bus.fail("create", 2)
    await consume_all(bus, Handled())
    assert bus.topics == [DEAD]
    assert bus.journal.index("poll") > bus.journal.index("create")


async def test_a_dependency_is_waited_for_however_long_and_nothing_is_skipped() -> None:
    bus = FakeBus(*"ab")
    handle = Handled(lambda value, call: Unavailable("catalog") if value == "a" and call <= 50 else None)
    await consume_all(bus, handle)
    assert handle.calls == [["a", "b"]] * 51
    assert bus.dead == []


async def test_nothing_is_committed_while_a_dependency_is_away() -> None:
    bus = FakeBus("a")
    handle = Handled(lambda _value, _call: Unavailable("catalog"))
    async with running(make_loop(bus, handle)):
        await until(lambda: len(handle.calls) > 5)
    assert bus.committed == 0
    assert "commit" not in bus.journal
    assert bus.is_closed


@pytest.mark.parametrize(
    "error",
    [RejectedInstance("no UID"), UnsupportedInstance("no such syntax"), NotFound("no blob"), MalformedEvent("no JSON")],
)
async def test_what_can_never_succeed_is_set_aside_at_once(error: Exception) -> None:
    bus = FakeBus("a")
    handle = Handled(lambda _value, _call: error)
    await consume_all(bus, handle)
    assert len(handle.calls) == 1
    [letter] = bus.dead
    assert letter.headers["error-type"] == type(error).__name__
    assert letter.headers["error-text"] == str(error)
    assert letter.headers["attempts"] == "1"


async def test_a_dead_letter_is_the_record_with_its_reason() -> None:
    bus = FakeBus("fine", "bad", headers={"traceparent": "00-abc-def-01", "ce_id": "1"})
    handle = Handled(lambda value, _call: NotFound("no blob") if value == "bad" else None)
    await consume_all(bus, handle)
    [letter] = bus.dead
    assert (letter.topic, letter.key, letter.value) == (DEAD, "key 1", b"bad")
    assert dict(letter.headers) == {
        "traceparent": "00-abc-def-01",
        "ce_id": "1",
        "original-topic": "instance-stored",
        "original-partition": "0",
        "original-offset": "1",
        "error-type": "NotFound",
        "error-text": "no blob",
        "attempts": "1",
        "service-version": __version__,
    }


async def test_a_bug_is_tried_a_few_times_and_then_set_aside() -> None:
    bus = FakeBus("a")
    handle = Handled(lambda _value, _call: KeyError("x"))
    await consume_all(bus, handle)
    assert len(handle.calls) == AT_ONCE.max_attempts
    assert bus.dead[0].headers["attempts"] == str(AT_ONCE.max_attempts)


async def test_a_bug_that_passes_costs_no_record() -> None:
    bus = FakeBus("a")
    handle = Handled(lambda _value, call: KeyError("x") if call < 3 else None)
    await consume_all(bus, handle)
    assert bus.dead == []


async def test_a_foreign_error_text_reaches_neither_dead_letter_nor_log() -> None:
    bus = FakeBus("a")
    handle = Handled(lambda _value, _call: ValueError("not a date: DOE^JANE"))
    with capture_logs() as logs:
        await consume_all(bus, handle)
    assert bus.dead[0].headers["error-text"] == "ValueError"
    assert logs
    assert "DOE" not in str(logs) + str(bus.dead)


async def test_one_bad_record_takes_no_neighbour_along() -> None:
    bus = FakeBus(*"abcd")
    handle = Handled(lambda value, _call: NotFound("no blob") if value == "c" else None)
    await consume_all(bus, handle)
    assert handle.calls == [list("abcd"), ["a"], ["b"], ["c"], ["d"]]
    assert [letter.value for letter in bus.dead] == [b"c"]


async def test_a_dead_letter_is_durable_before_the_commit() -> None:
    bus = FakeBus("a")
    bus.fail("publish", 3)
    await consume_all(bus, Handled(lambda _value, _call: NotFound("no blob")))
    assert [step for step in bus.journal if step in {"publish", "commit"}] == ["publish"] * 4 + ["commit"]
    assert len(bus.dead) == 1


async def test_nothing_is_committed_if_the_dead_letter_cannot_be_published() -> None:
    bus = FakeBus("a")
    bus.fail("publish", 1_000_000)
    async with running(make_loop(bus, Handled(lambda _value, _call: NotFound("no blob")))):
        await until(lambda: bus.journal.count("publish") > 5)
    assert bus.committed == 0


async def test_a_log_that_is_away_is_waited_for() -> None:
    bus = FakeBus(*"ab")
    bus.fail("poll", 5)
    bus.fail("lag", 3)
    handle = Handled()
    await consume_all(bus, handle)
    assert handle.calls == [["a", "b"]]


async def test_what_could_not_be_committed_is_handled_again() -> None:
    bus = FakeBus(*"ab")
    bus.fail("commit", 2)
    handle = Handled()
    await consume_all(bus, handle)
    assert handle.calls == [["a", "b"]] * 3
    assert bus.dead == []


async def test_the_errors_of_a_task_group_are_instructions_too() -> None:
    bus = FakeBus("a", "b")

    def fail(value: str, call: int) -> Exception | None:
        if value == "a" and call <= 2:
            return ExceptionGroup("tasks", [NotFound("no blob"), ExceptionGroup("inner", [Unavailable("catalog")])])
        return ExceptionGroup("tasks", [NotFound("no blob")]) if value == "b" else None

    await consume_all(bus, Handled(fail), max_batch=1)
    assert [letter.value for letter in bus.dead] == [b"b"]
    assert bus.dead[0].headers["error-type"] == "NotFound"


async def test_more_than_twenty_dead_letters_in_a_row_stop_the_loop_and_its_readiness() -> None:
    bus = FakeBus(*(f"{index}" for index in range(100)))
    loop = make_loop(bus, Handled(lambda _value, _call: NotFound("no blob")))
    async with running(loop):
        await until(lambda: loop._state == "halted")
        with pytest.raises(Unavailable, match="dead letters in a row"):
            await loop.check()
        await asyncio.sleep(0.02)
        assert not bus.is_closed  # the group's place is kept: nobody else goes on
    assert len(bus.dead) == bus.committed == MOST_DEAD_LETTERS_IN_A_ROW + 1


async def test_dead_letters_with_successes_between_them_stop_nothing() -> None:
    bus = FakeBus(*(f"{index}" for index in range(100)))
    handle = Handled(lambda value, _call: NotFound("no blob") if int(value) % 20 else None)
    await consume_all(bus, handle)
    assert len(bus.dead) == 95


async def test_a_batch_waits_a_moment_for_more() -> None:
    bus, handle = FakeBus("a"), Handled()
    loop = make_loop(bus, handle, linger_s=0.2, max_batch=3)
    async with running(loop):
        await until(lambda: bus.position == 1)
        bus.records += [Record("instance-stored", 0, offset, "k", b"more", {}, 0) for offset in (1, 2)]
        await until(lambda: bus.committed == 3)
    assert handle.calls == [["a", "more", "more"]]


async def test_a_stop_finishes_the_batch_at_hand() -> None:
    bus = FakeBus(*"ab")
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handle(_records: Sequence[Record]) -> None:
        started.set()
        await go_on.wait()

    async with running(make_loop(bus, handle, max_batch=1)) as stop:
        await started.wait()
        stop.set()
        await asyncio.sleep(0.01)
        go_on.set()
    assert bus.committed == 1
    assert bus.is_closed


async def test_a_loop_that_does_not_run_is_not_ready() -> None:
    bus = FakeBus("a")
    loop = make_loop(bus, Handled())
    with pytest.raises(Unavailable, match="does not run"):
        await loop.check()
    async with running(loop):
        await until(lambda: bus.committed == 1)
        await loop.check()
    with pytest.raises(Unavailable, match="does not run"):
        await loop.check()


async def test_a_loop_that_is_stuck_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, go_on = FakeBus("a"), asyncio.Event()

    async def handle(_records: Sequence[Record]) -> None:
        await go_on.wait()

    monkeypatch.setattr(loop_module, "STUCK_AFTER_S", 0.0)
    loop = make_loop(bus, handle)
    async with running(loop):
        await until(lambda: bus.position == 1)
        await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match="one batch"):
            await loop.check()
        go_on.set()
        await until(lambda: bus.committed == 1)
        await loop.check()


async def test_a_log_in_which_the_loop_cannot_live_ends_it() -> None:
    bus = FakeBus("a")

    async def refuse(_topics: Sequence[Topic]) -> None:
        raise ValueError("no name")

    bus.create_topics = refuse  # type: ignore[method-assign]
    loop = make_loop(bus, Handled())
    with pytest.raises(ValueError, match="no name"):
        await loop.run(asyncio.Event())
    assert bus.is_closed


def test_delays_double_up_to_their_limit_and_are_spread() -> None:
    retry = Retry(first_delay_s=0.1, longest_delay_s=30)
    for attempt in range(1, 200):
        limit_s = min(30, 0.1 * 2 ** (attempt - 1))
        assert limit_s / 2 <= retry.delay_s(attempt) <= limit_s
    assert len({retry.delay_s(3) for _ in range(10)}) > 1
