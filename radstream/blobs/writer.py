"""The event loop's side of a blob in the making: gathers what comes, and lets a thread hash and write it.

The thread goes on by itself while there is something to write; the loop is told only of the end, and of a queue that
is short again. A blob that fits into one piece costs one hop to a thread in all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Final, Protocol

from radstream.blobs.pieces import Pieces
from radstream.blobs.port import Buffer, Stored
from radstream.blobs.strand import Strand, tell

_MOST_WAITING: Final = 3
"""Pieces; with more of them waiting to be written, `drain` waits."""


class Draft(Protocol):
    """A blob in the making as its thread sees it. All calls block and come one after the other, from any thread."""

    def append(self, data: Buffer) -> None:
        """Hash and keep `data`; `Unavailable` if it cannot be kept, nothing is left of the draft then."""

    def finish(self, rest: Buffer, key: Callable[[str], str]) -> Stored:
        """Add `rest`, make all durable, give it the key that `key` makes of the SHA-256, and tidy up."""

    def settle(self) -> None:
        """Make durable that the blob has its key; nothing if `finish` failed."""

    def discard(self) -> None:
        """Forget everything; never raises."""


class BackgroundWriter:
    """A `BlobWriter`; see the port. Use it from one event loop.

    Parameters
    ----------
    threads : Executor
        Where `draft` does its blocking work.
    prefix : Buffer
        The first bytes of the blob.
    pieces : Pieces
        Where bytes are gathered.
    """

    def __init__(self, threads: Executor, draft: Draft, prefix: Buffer, pieces: Pieces) -> None:
        self._strand = Strand(threads)
        self._draft = draft
        self._pieces = pieces
        self._piece = pieces.take()
        self._filled = 0
        self._draining: asyncio.Future[None] | None = None
        self._settling: asyncio.Future[None] | None = None
        self._has_ended = False
        self.write(prefix)

    def write(self, data: Buffer) -> None:
        """Take `data`; see the port."""
        rest = memoryview(data)
        while rest and self._strand.error is None:  # drain and commit tell of an error
            taken = min(len(rest), len(self._piece) - self._filled)
            self._piece[self._filled : self._filled + taken] = rest[:taken]
            self._filled += taken
            rest = rest[taken:]
            if self._filled == len(self._piece):
                self._strand.do(partial(self._append, self._piece, asyncio.get_running_loop()))
                self._piece, self._filled = self._pieces.take(), 0

    async def drain(self) -> None:
        """Wait until at most a few pieces wait to be written; see the port."""
        while self._strand.error is None and len(self._strand) > _MOST_WAITING:
            self._draining = asyncio.get_running_loop().create_future()
            if len(self._strand) > _MOST_WAITING:  # so that a thread will come to look at `_draining` later
                await self._draining
        if self._strand.error is not None:
            raise self._strand.error

    async def commit(self, key: Callable[[str], str]) -> Stored:
        """Make the blob durable under its key; see the port."""
        stored = await self.place(key)
        await self.settle()
        return stored

    async def place(self, key: Callable[[str], str]) -> Stored:
        """Give the blob its key, and go on to make that durable; see the port."""
        self._end()
        placing = self._strand.start(partial(self._finish, self._piece, self._filled, key))
        self._settling = self._strand.start(self._draft.settle)
        return await placing

    async def settle(self) -> None:
        """Wait until the key is durable; see the port."""
        assert self._settling is not None
        await self._settling

    async def abort(self) -> None:
        """Forget what was written; see the port."""
        if not self._has_ended:
            self._end()
            await self._strand.start(partial(self._discard, self._piece))

    def _end(self) -> None:
        if self._has_ended:
            raise RuntimeError("this writer has been committed or aborted before")
        self._has_ended = True

    # --- in a thread --------------------------------------------------------------------------------------------

    def _append(self, piece: memoryview, loop: asyncio.AbstractEventLoop) -> None:
        try:
            if self._strand.error is None:
                self._draft.append(piece)
        finally:
            self._pieces.give_back(piece)
            self._wake_drain(loop)

    def _wake_drain(self, loop: asyncio.AbstractEventLoop) -> None:
        draining = self._draining
        if draining is not None and len(self._strand) <= _MOST_WAITING:
            self._draining = None
            tell(loop, draining, draining.set_result, None)

    def _finish(self, piece: memoryview, filled: int, key: Callable[[str], str]) -> Stored:
        try:
            if self._strand.error is not None:
                raise self._strand.error
            return self._draft.finish(piece[:filled], key)
        finally:
            self._pieces.give_back(piece)

    def _discard(self, piece: memoryview) -> None:
        self._draft.discard()
        self._pieces.give_back(piece)
