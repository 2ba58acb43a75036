from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from radstream.contract.errors import MalformedRequest, Unavailable
from services.api import feed, watch
from services.api.watch import Change, Listener, Watch
from tests.decisions import delete
from tests.index_engines import START, Archive

PERIOD_S = 0.01


@pytest.fixture
def archive() -> Archive:
    return Archive()


async def arrive(archive: Archive, study: str, number: int = 1, *, after_s: float = 10.0) -> None:
    archive.now += timedelta(seconds=after_s)
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "SOPInstanceUID": f"{study}.1.{number}"}
    await archive.index(archive.store(after_s=(archive.now - START).total_seconds(), **uids))


async def remove(archive: Archive, study: str) -> None:
    archive.now += timedelta(seconds=1)
    record = delete(archive, study, after_s=(archive.now - START).total_seconds())
    await archive.indexing.removal.on_study_deleted([record])


async def heard(listener: Listener) -> list[tuple[str, int]]:
    return [(change.study_instance_uid, change.number_of_instances) for change in await listener.next(5)]


async def test_listener_hears_of_each_arrival_once(archive: Archive) -> None:
    await arrive(archive, "1.1")
    observer = Watch(archive.catalog, PERIOD_S)
    with observer.listening() as listener:
        assert await heard(listener) == [("1.1", 1)]
        await arrive(archive, "1.2", after_s=1)
        assert await heard(listener) == [("1.2", 1)]
        await arrive(archive, "1.1", number=2, after_s=1)
        assert await heard(listener) == [("1.1", 2)]
        assert await listener.next(5 * PERIOD_S) == []


async def test_listener_hears_of_a_study_that_has_gone(archive: Archive) -> None:
    await arrive(archive, "1.1")
    observer = Watch(archive.catalog, PERIOD_S)
    with observer.listening() as listener:
        assert await heard(listener) == [("1.1", 1)]
        await remove(archive, "1.1")
        assert await heard(listener) == [("1.1", 0)]
        await arrive(archive, "1.1", number=2, after_s=1)
        assert await heard(listener) == [("1.1", 1)]
        assert await listener.next(5 * PERIOD_S) == []  # both are looked at again, and neither is told again


async def test_who_comes_back_is_told_of_what_has_gone(archive: Archive) -> None:
    await arrive(archive, "1.1")
    observer = Watch(archive.catalog, PERIOD_S)
    last = await observer.newest()
    await remove(archive, "1.1")
    gone = await observer.newest()
    assert gone is not None
    assert gone > (last or "")
    assert [(change.at, change.number_of_instances) for change in await observer.since(last)] == [(gone, 0)]
    assert [change.at for change in await observer.since(None)] == [gone]


async def test_what_becomes_visible_late_is_heard_all_the_same(archive: Archive) -> None:
    observer = Watch(archive.catalog, PERIOD_S)
    with observer.listening() as listener:
        await arrive(archive, "1.1")
        assert await heard(listener) == [("1.1", 1)]
        await arrive(archive, "1.2", after_s=-1)  # another process took its time between the clock and the catalog
        assert await heard(listener) == [("1.2", 1)]


async def test_who_comes_back_is_told_what_was_missed(archive: Archive) -> None:
    await arrive(archive, "1.1")
    observer = Watch(archive.catalog, PERIOD_S)
    [last] = await observer.since(None)
    await arrive(archive, "1.2")
    await arrive(archive, "1.3")
    assert [change.study_instance_uid for change in await observer.since(last.at)] == ["1.1", "1.2", "1.3"]


async def test_who_does_not_listen_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_WAITING", 2)
    listener = Listener()
    listener.tell([Change(f"1.{number}", "", 1) for number in range(3)])
    assert listener.is_lost


async def test_too_many_listeners_are_refused(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_LISTENERS", 1)
    observer = Watch(archive.catalog, PERIOD_S)
    with observer.listening(), pytest.raises(Unavailable), observer.listening():
        pass
    with observer.listening():
        pass


async def test_watch_goes_on_after_the_catalog_was_away(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    await arrive(archive, "1.1")
    asked = []

    async def away(*_arguments: object, **_options: object) -> None:
        asked.append(1)
        raise Unavailable("the catalog does not answer")

    observer = Watch(archive.catalog, PERIOD_S)
    with monkeypatch.context() as patched, observer.listening() as listener:
        patched.setattr(archive.catalog, "find", away)
        assert await listener.next(5 * PERIOD_S) == []
        assert len(asked) > 1
        patched.undo()
        assert await heard(listener) == [("1.1", 1)]


def stream(archive: Archive, stop: asyncio.Event, last: str | None = None) -> AsyncIterator[bytes]:
    return feed._Door(Watch(archive.catalog, PERIOD_S), stop)._events(last)


async def test_stream_names_studies_and_nothing_else(archive: Archive) -> None:
    await arrive(archive, "1.1")
    pieces = stream(archive, asyncio.Event())
    assert await anext(pieces) == b"retry: 1000\n: listening\n\nid: 2026-01-02T03:04:15.000000Z\n\n"
    event = await anext(pieces)
    assert event.startswith(b"id: 2026-01-02T")
    assert event.endswith(b'event: study\ndata: {"uid":"1.1","instances":1}\n\n')
    await pieces.aclose()  # type: ignore[attr-defined]


async def test_stream_begins_with_what_was_missed(archive: Archive) -> None:
    await arrive(archive, "1.1")
    await arrive(archive, "1.2")
    pieces = stream(archive, asyncio.Event(), "2026-01-02T03:04:05.000000Z")
    first = await anext(pieces)
    assert first.count(b"event: study") == 2
    await pieces.aclose()  # type: ignore[attr-defined]


async def test_stream_says_so_if_too_much_was_missed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(feed, "MOST_AT_ONCE", 1)
    await arrive(archive, "1.1")
    await arrive(archive, "1.2")
    pieces = stream(archive, asyncio.Event(), "2026-01-02T03:04:05.000000Z")
    assert b"event: everything" in await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]


async def test_stream_beats_while_nothing_happens_and_ends_with_the_process(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ATTENTION_S", 0.01)
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.02)
    stop = asyncio.Event()
    pieces = stream(archive, stop)
    await anext(pieces)
    assert await anext(pieces) == b": alive\n\n"
    stop.set()
    assert [piece async for piece in pieces if piece != b": alive\n\n"] == []


def test_an_id_that_was_never_given_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        feed._time("yesterday")
    assert feed._time(None) is None
