"""A blob in the making as its thread sees it: hashed and written piece by piece, then given its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from radstream.blobs.clock import Clock
from radstream.blobs.direct import write_directly
from radstream.blobs.disk import answering, blob_info, set_time, write_all
from radstream.blobs.incoming import Incoming
from radstream.blobs.keys import to_path
from radstream.blobs.linking import Linker
from radstream.blobs.port import Buffer, Stored
from radstream.blobs.room import Room

_SYNC_EVERY_BYTES = 64 << 20  # so that a slow disk is felt while data comes, not in one long wait at the end


class Draft:
    """A temporary file that becomes a blob. All calls block and must come one after the other, from any thread.

    Parameters
    ----------
    prefix_bytes : int
        How many of the first bytes are not part of the SHA-256.
    durable : bool
        The data is synced before the blob gets its name.
    room : Room, optional
        Asked before anything is written; None for what may use the reserve.
    """

    def __init__(
        self,
        incoming: Incoming,
        linker: Linker,
        clock: Clock,
        prefix_bytes: int,
        *,
        durable: bool,
        room: Room | None = None,
    ) -> None:
        self._incoming = incoming
        self._room = room
        self._linker = linker
        self._clock = clock
        self._durable = durable
        self._unhashed_bytes = prefix_bytes
        self._unsynced_bytes = 0
        self._sha256 = hashlib.sha256()
        self._descriptor: int | None = None
        self._file: Path | None = None
        self._path: str | None = None

    def append(self, data: Buffer) -> None:
        """Hash and write `data`.

        Raises
        ------
        Unavailable
            If the disk does not take it; the temporary file is gone then.
        """
        try:
            with answering("write"):
                self._append(data)
        except BaseException:
            self.discard()
            raise

    def finish(self, rest: Buffer, key: Callable[[str], str]) -> Stored:
        """Write `rest`, make all durable, and give it the name that `key` makes of the SHA-256; see also `settle`.

        Raises
        ------
        Unavailable
            If the disk does not take it; nothing is visible.
        InvalidKey
        """
        try:
            with answering("write"):
                self._append(rest)
                sha256 = self._sha256.hexdigest()
                return self._place(key(sha256), sha256)
        finally:
            self.discard()

    def settle(self) -> None:
        """Make the name durable, unless `finish` failed; also one that was there: who gave it may not have come to it.

        Raises
        ------
        Unavailable
            If the disk does not say that it is.
        """
        if self._durable and self._path is not None:
            with answering("write"):
                self._linker.make_durable(self._path)

    def discard(self) -> None:
        """Remove the temporary file; never raises."""
        descriptor, self._descriptor = self._descriptor, None
        file, self._file = self._file, None
        try:
            if descriptor is not None:
                os.close(descriptor)
            if file is not None:
                file.unlink(missing_ok=True)
        except OSError:
            pass  # swept when the next process starts

    def _append(self, data: Buffer) -> None:
        descriptor = self._opened()
        view = memoryview(data)
        if self._room is not None:
            self._room.take(len(view))
        self._sha256.update(view[self._unhashed_bytes :])
        self._unhashed_bytes = max(0, self._unhashed_bytes - len(view))
        (write_directly if self._durable else write_all)(descriptor, view)
        self._unsynced_bytes += len(view)
        if self._durable and self._unsynced_bytes >= _SYNC_EVERY_BYTES:
            os.fdatasync(descriptor)
            self._unsynced_bytes = 0

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor, self._file = self._incoming.create()
        return self._descriptor

    def _place(self, key: str, sha256: str) -> Stored:
        path = to_path(key)
        assert self._file is not None
        set_time(self._opened(), self._clock.now())  # the kernel's own may be some milliseconds coarse
        if self._durable:
            os.fsync(self._opened())
        status = os.fstat(self._opened())
        while not (created := self._linker.place(self._file, path)):
            if (first := self._linker.status(path)) is not None:
                status = first
                break
        self._path = path
        return Stored(blob_info(key, status), created, sha256)
