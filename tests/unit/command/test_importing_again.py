"""`radstream import` again, and after an interruption: what the journal is good for, and what it is not believed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from radstream.contract.errors import Unavailable
from services.command import importing
from tests.importing import FILES, Import, make_zip, write


async def test_again_everything_is_known_without_being_read(run: Import, disc: Path) -> None:
    write(disc, FILES[:3])
    make_zip(disc / "more.zip", FILES[3:])
    await run(disc)
    writers = run.engines.blobs.effects.copy()
    opened = run.engines.bus.calls
    summary = await run(disc)
    assert (summary.stored, summary.known) == (0, 7)
    assert (run.engines.blobs.effects, run.engines.bus.calls) == (writers, opened)


async def test_without_its_journal_everything_is_known_by_its_bytes(run: Import, disc: Path) -> None:
    write(disc, FILES)
    await run(disc)
    for entry in (run.home / "imports").iterdir():
        entry.unlink()
    summary = await run(disc)
    assert (summary.stored, summary.known) == (0, 7)


async def test_the_blob_store_has_the_last_word_over_the_journal(run: Import, disc: Path) -> None:
    write(disc, FILES)
    await run(disc)
    lost = run.engines.blobs.keys("instances")[0]
    del run.engines.blobs.contents[lost]
    summary = await run(disc)
    assert (summary.stored, summary.known) == (1, 6)


async def test_a_journal_that_was_cut_or_spoilt_costs_only_time(run: Import, disc: Path) -> None:
    write(disc, FILES)
    await run(disc)
    for entry in (run.home / "imports").iterdir():
        entry.write_bytes(b"\xff\xfe nonsense\n" + entry.read_bytes()[:-20])
    summary = await run(disc)
    assert (summary.stored, summary.known) == (0, 7)
    assert (await run(disc)).known == 7


async def test_a_file_that_changed_is_read_again(run: Import, disc: Path) -> None:
    write(disc, FILES[:1])
    await run(disc)
    path = disc / "S0" / "IM0"
    path.write_bytes(FILES[1])
    os.utime(path, ns=(1, 1))
    assert (await run(disc)).stored == 1


async def test_the_journal_holds_no_names(run: Import, disc: Path) -> None:
    path = make_zip(disc / "DOE^JOHN.zip", FILES[:1])
    await run(path)
    (entry,) = (run.home / "imports").iterdir()
    assert b"DOE" not in entry.read_bytes() + entry.name.encode()


async def test_an_interrupted_import_goes_on_where_it_stopped(run: Import, disc: Path) -> None:
    write(disc, FILES)
    bus = run.engines.bus

    def hang_at_three(done: int) -> None:
        if done == 3:
            bus.state = "hangs"
            bus.asked.clear()

    run.on_done = hang_at_three
    running = asyncio.ensure_future(run(disc, jobs=1))
    await bus.took.wait()
    while bus.state != "hangs" or not bus.asked.is_set():  # noqa: ASYNC110 - `asked` is cleared on the way
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert run.engines.blobs.open_writers == 0
    assert len(run.stored) == 4  # the fourth is durable, but nobody was told
    bus.state = "works"
    summary = await run(disc)
    assert (summary.stored, summary.known, summary.failed) == (3, 4, 0)
    assert run.stored == sorted(FILES)


async def test_a_store_that_is_away_for_a_moment_is_waited_for(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RETRY_DELAYS_S", (0.01,) * 20)
    write(disc, FILES)
    run.engines.blobs.fails_at = {"commit"}
    asyncio.get_running_loop().call_later(0.03, run.engines.blobs.fails_at.clear)
    assert (await run(disc)).stored == 7


async def test_a_store_that_stays_away_stops_the_import(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "RETRY_DELAYS_S", (0.001, 0.001))
    write(disc, FILES)
    run.engines.blobs.fails_at = {"commit"}
    with pytest.raises(Unavailable):
        await run(disc)


async def test_a_log_that_is_away_is_told(run: Import, disc: Path) -> None:
    write(disc, FILES)
    run.engines.bus.state = "fails"
    summary = await run(disc)
    assert (summary.stored, summary.marked) == (7, 7)
    assert "7 will be catalogued" in str(summary)
