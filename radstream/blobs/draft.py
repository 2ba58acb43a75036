"""A blob in the making as its thread sees it: written some pieces at a time, then given its name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from radstream.blobs.clock import Clock
from radstream.blobs.direct import DirectFile
from radstream.blobs.disk import answering, blob_info, set_time, write_all
from radstream.blobs.incoming import Incoming
from radstream.blobs.keys import to_path
from radstream.blobs.linking import Linker
from radstream.blobs.pieces import Pieces
from radstream.blobs.port import BlobInfo
from radstream.blobs.room import Room

_SYNC_EVERY_BYTES = 64 << 20  # so that a slow disk is felt while data comes, not in one long wait at the end


class Draft:
    """A temporary file that becomes a blob. All calls block and must come one after the other, from any thread.

    Parameters
    ----------
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
        blocks: Pieces,
        *,
        durable: bool,
        room: Room | None = None,
    ) -> None:
        self._incoming = incoming
        self._room = room
        self._linker = linker
        self._clock = clock
        self._blocks = blocks
        self._durable = durable
        self._unsynced_bytes = 0
        self._descriptor: int | None = None
        self._direct: DirectFile | None = None
        self._file: Path | None = None
        self._path: str | None = None

    def append(self, pieces: Sequence[memoryview]) -> None:
        """Write `pieces`.

        Raises
        ------
        Unavailable
            If the disk does not take it; the temporary file is gone then.
        """
        try:
            with answering("write"):
                self._append(pieces)
        except BaseException:
            self.discard()
            raise

    def finish(self, pieces: Sequence[memoryview], key: str) -> tuple[BlobInfo, bool]:
        """Write `pieces`, make all durable, and give it its name; see also `settle`.

        Raises
        ------
        Unavailable
            If the disk does not take it; nothing is visible.
        InvalidKey
        """
        try:
            with answering("write"):
                self._append(pieces)
                return self._place(key)
        except BaseException:
            self.discard()
            raise

    def settle(self) -> None:
        """Make the name durable, unless `finish` failed; also one that was there: who gave it may not have come to it.

        Raises
        ------
        Unavailable
            If the disk does not say that it is.
        """
        self.discard()
        if self._durable and self._path is not None:
            with answering("write"):
                self._linker.make_durable(self._path)

    def discard(self) -> None:
        """Remove the temporary file, or the temporary name of a blob that has its own; never raises."""
        descriptor, self._descriptor = self._descriptor, None
        file, self._file = self._file, None
        try:
            if descriptor is not None:
                os.close(descriptor)
            if file is not None:
                file.unlink(missing_ok=True)
        except OSError:
            pass  # swept when the next process starts

    def _append(self, pieces: Sequence[memoryview]) -> None:
        descriptor, size_bytes = self._opened(), sum(map(len, pieces))
        if self._room is not None:
            self._room.take(size_bytes)
        if self._direct is not None:
            self._direct.append(pieces)
        else:
            for piece in pieces:
                write_all(descriptor, piece)
        self._unsynced_bytes += size_bytes
        if self._durable and self._unsynced_bytes >= _SYNC_EVERY_BYTES:
            os.fdatasync(descriptor)
            self._unsynced_bytes = 0

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor, self._file = self._incoming.create()
            self._direct = DirectFile(self._descriptor, self._blocks) if self._durable else None
        return self._descriptor

    def _place(self, key: str) -> tuple[BlobInfo, bool]:
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
        return blob_info(key, status), created
