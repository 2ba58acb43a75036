"""The event loop's side of a blob in the making: gathers what comes, hands it to a thread, waits as little as possible.

One piece is in flight at a time, so pieces stay in order; the loop goes on gathering the next meanwhile. A blob that
fits into the buffer costs one hop to a thread in all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol, TypeVar, TypeVarTuple

from radstream.blobs.port import Buffer, Stored

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")


class Draft(Protocol):
    """A blob in the making as its thread sees it. All calls block and come one after the other, from any thread."""

    def append(self, data: Buffer) -> None:
        """Hash and keep `data`; `Unavailable` if it cannot be kept, nothing is left of the draft then."""

    def finish(self, rest: Buffer, key: Callable[[str], str]) -> Stored:
        """Add `rest`, make all durable under the key that `key` makes of the SHA-256, and tidy up."""

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
    piece_bytes : int
        So much is gathered before it is handed to a thread; `drain` waits while four times as much waits.
    """

    def __init__(self, threads: Executor, draft: Draft, prefix: Buffer, piece_bytes: int = 512 << 10) -> None:
        self._threads = threads
        self._draft = draft
        self._piece_bytes = piece_bytes
        self._buffer = bytearray(prefix)
        self._in_flight: asyncio.Future[None] | None = None
        self._in_flight_bytes = 0
        self._error: BaseException | None = None
        self._has_ended = False

    def write(self, data: Buffer) -> None:
        """Take `data`; see the port."""
        if self._error is not None:
            return  # drain and commit tell
        self._buffer += data
        if self._in_flight is None and len(self._buffer) >= self._piece_bytes:
            self._hand_over()

    async def drain(self) -> None:
        """Wait until at most four pieces wait to be written; see the port."""
        while self._in_flight is not None and len(self._buffer) + self._in_flight_bytes > 4 * self._piece_bytes:
            await asyncio.wait([self._in_flight])
        self._raise_error()

    async def commit(self, key: Callable[[str], str]) -> Stored:
        """Make the blob durable under its key; see the port."""
        self._end()
        try:
            await self._settle()
            self._raise_error()
        except BaseException:
            self._discard()
            raise
        rest, self._buffer = self._buffer, bytearray()
        # Shielded: the thread finishes and cleans up also if nobody waits for it any more.
        return await asyncio.shield(self._run(self._draft.finish, rest, key))

    async def abort(self) -> None:
        """Forget what was written; see the port."""
        if self._has_ended:
            return
        self._end()
        self._buffer = bytearray()
        await asyncio.shield(self._discard())

    def _end(self) -> None:
        if self._has_ended:
            raise RuntimeError("this writer has been committed or aborted before")
        self._has_ended = True

    def _hand_over(self) -> None:
        piece, self._buffer = self._buffer, bytearray()
        self._in_flight_bytes = len(piece)
        self._in_flight = self._run(self._draft.append, piece)
        self._in_flight.add_done_callback(self._taken)

    def _taken(self, outcome: asyncio.Future[None]) -> None:
        self._in_flight = None
        self._in_flight_bytes = 0
        self._error = outcome.exception()
        if self._error is not None:
            self._buffer = bytearray()
        elif len(self._buffer) >= self._piece_bytes and not self._has_ended:
            self._hand_over()

    async def _settle(self) -> None:
        """Wait until nothing is in flight."""
        while self._in_flight is not None:
            await asyncio.wait([self._in_flight])

    def _discard(self) -> asyncio.Future[None]:
        """Remove the temporary file as soon as no thread writes to it, whether or not anybody waits for that."""
        return asyncio.ensure_future(self._discard_when_settled())

    async def _discard_when_settled(self) -> None:
        await self._settle()
        await self._run(self._draft.discard)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self, function: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
