"""Who waits until a blob in the making is written is woken, whatever its thread is at in that moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from radstream.blobs import writer
from radstream.blobs.pieces import Pieces
from radstream.blobs.strand import Strand
from radstream.blobs.writer import BackgroundWriter

PIECE = bytes(64)
PATIENCE_S = 5


class Held(Strand):
    """A queue whose thread stops after it has seen how much waits, until it may go on.

    Attributes
    ----------
    told : list of int
        What the event loop is told: lengths that were true when it looked, and are not any more.
    """

    def __init__(self, threads: Held.Threads) -> None:
        super().__init__(threads)
        self.told: list[int] = []
        self.may_go_on = threading.Event()

    class Threads:
        """A thread for each piece of work, when it is let."""

        def __init__(self) -> None:
            self.is_let = False
            self._works: list[Callable[[], None]] = []
            self.started: list[threading.Thread] = []

        def submit(self, work: Callable[[], None]) -> None:
            self._works.append(work)
            if self.is_let:
                self.let()

        def let(self) -> None:
            self.is_let = True
            while self._works:
                self.started.append(threading.Thread(target=self._works.pop()))
                self.started[-1].start()

    def __len__(self) -> int:
        length = super().__len__()
        if threading.current_thread() is threading.main_thread():
            return self.told.pop(0) if self.told else length
        self.may_go_on.wait(PATIENCE_S)
        return length


async def test_who_begins_to_wait_while_the_thread_looks_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Held.Threads()
    strand = Held(threads)
    monkeypatch.setattr(writer, "Strand", lambda _: strand)
    monkeypatch.setattr(writer, "_WRITTEN_AT_ONCE_BYTES", len(PIECE))
    blob = BackgroundWriter(threads, Mock(), b"", Pieces(len(PIECE)))
    blob.write(PIECE)
    strand.told = [1, 0, 0]
    await blob.drain()  # the thread was as fast
    threads.let()
    await asyncio.to_thread(threads.started[0].join, 0.2)  # it has ended, or looks
    blob.write(PIECE)
    waiting = asyncio.ensure_future(blob.drain())
    await asyncio.sleep(0)
    strand.may_go_on.set()
    done, _ = await asyncio.wait({waiting}, timeout=PATIENCE_S)
    assert done, "forgotten"
