"""The event loop's side of a blob in the making: gathers and hashes what comes, and lets threads write it.

What comes is hashed here, at once: a thread would do that no faster, and to wake one costs as much as to hash a
quarter of a megabyte. A thread writes much at once: a large write costs hardly more than a small one. The loop is told
only of the end, and of a queue that is short again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from radstream.blobs.pieces import Pieces
from radstream.blobs.port import BlobInfo, Buffer, Stored
from radstream.blobs.strand import Answer, Strand, Threads, tell

_WRITTEN_AT_ONCE_BYTES: Final = 1 << 20
"""What is gathered is held back until there is so much of it, or no more to come."""


class Draft(Protocol):
    """A blob in the making as its thread sees it. All calls block and come one after the other, from any thread."""

    def append(self, pieces: Sequence[memoryview]) -> None:
        """Keep what is in `pieces`; `Unavailable` if that cannot be, nothing is left of the draft then."""

    def finish(self, pieces: Sequence[memoryview], key: str) -> tuple[BlobInfo, bool]:
        """Add `pieces`, make all durable and give it its key; if that fails, nothing is left of the draft.

        Returns
        -------
        BlobInfo, bool
            Of the blob that has the key, and whether it is this one.
        """

    def settle(self) -> None:
        """Tidy up, and make durable that the blob has its key; not if `finish` failed."""

    def discard(self) -> None:
        """Forget everything; never raises."""


class BackgroundWriter:
    """A `BlobWriter`; see the port. Use it from one event loop.

    Parameters
    ----------
    threads : Threads
        Where `draft` does its blocking work.
    prefix : Buffer
        The first bytes of the blob, shorter than a piece; not part of its SHA-256.
    pieces : Pieces
        Where bytes are gathered.
    """

    def __init__(self, threads: Threads, draft: Draft, prefix: Buffer, pieces: Pieces) -> None:
        self._strand = Strand(threads)
        self._draft = draft
        self._pieces = pieces
        self._sha256 = hashlib.sha256()
        self._full: list[memoryview] = []
        self._piece = pieces.take()
        self._filled = 0
        self._draining: asyncio.Future[None] | None = None
        self._settling: Answer[None] | None = None
        self._has_ended = False
        self._gather(memoryview(prefix))

    def write(self, data: Buffer) -> None:
        """Take `data`; see the port."""
        if self._strand.error is None:  # drain and commit tell of an error
            self._sha256.update(data)
            self._gather(memoryview(data))

    async def drain(self) -> None:
        """Wait until nothing waits for a thread; see the port."""
        while self._strand.error is None and len(self._strand):
            self._draining = asyncio.get_running_loop().create_future()
            try:
                if len(self._strand):  # so that a thread will come to look at `_draining` later
                    await self._draining
            finally:
                self._draining = None  # here alone: a thread might forget who has begun to wait while it looked
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
        placing = self._strand.start(partial(self._finish, key))
        self._settling = self._strand.start(self._draft.settle)
        return await placing.wait()

    async def settle(self) -> None:
        """Wait until the key is durable; see the port."""
        assert self._settling is not None
        await self._settling.wait()

    async def abort(self) -> None:
        """Forget what was written; see the port."""
        if not self._has_ended:
            self._end()
            await self._strand.start(self._discard).wait()

    def _gather(self, rest: memoryview) -> None:
        while rest:
            taken = min(len(rest), len(self._piece) - self._filled)
            self._piece[self._filled : self._filled + taken] = rest[:taken]
            self._filled += taken
            rest = rest[taken:]
            if self._filled == len(self._piece):
                self._next_piece()

    def _next_piece(self) -> None:
        self._full.append(self._piece)
        self._piece, self._filled = self._pieces.take(), 0
        if len(self._full) * len(self._piece) >= _WRITTEN_AT_ONCE_BYTES:
            full, self._full = self._full, []
            self._strand.do(partial(self._append, full))

    def _end(self) -> None:
        if self._has_ended:
            raise RuntimeError("this writer has been committed or aborted before")
        self._has_ended = True

    # --- in a thread --------------------------------------------------------------------------------------------

    def _append(self, pieces: Sequence[memoryview]) -> None:
        try:
            if self._strand.error is None:
                self._draft.append(pieces)
        finally:
            self._give_back(pieces)
            self._wake_drain()

    def _wake_drain(self) -> None:
        draining = self._draining
        if draining is not None and not len(self._strand):
            tell(draining, None)

    def _finish(self, key: Callable[[str], str]) -> Stored:
        try:
            if self._strand.error is not None:
                raise self._strand.error
            sha256 = self._sha256.hexdigest()
            info, created = self._draft.finish([*self._full, self._piece[: self._filled]], key(sha256))
            return Stored(info, created, sha256)
        except BaseException:
            self._draft.discard()
            raise
        finally:
            self._give_back([*self._full, self._piece])

    def _discard(self) -> None:
        self._draft.discard()
        self._give_back([*self._full, self._piece])

    def _give_back(self, pieces: Sequence[memoryview]) -> None:
        for piece in pieces:
            self._pieces.give_back(piece)
