"""The blob store as every service sees it: immutable blobs under their keys.

An adapter promises: a blob is durable and whole when `commit` returns, no reader ever sees a part of one, an existing
blob is never written again, and memory does not grow with a blob's size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from radstream.blobs.file_piece import FilePiece

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class BlobInfo:
    """What is known of a stored blob.

    Parameters
    ----------
    stored_at : datetime
        When it was first stored, UTC; never changes. Of two blobs that one process stored, one after the other, the
        later one has the later time; between processes it is as good as their clocks agree. A listing may tell it to
        some seconds only: ask `stat` where order matters.
    """

    key: str
    size_bytes: int
    stored_at: datetime


@dataclass(frozen=True)
class Stored:
    """The outcome of a commit.

    Parameters
    ----------
    created : bool
        False if the key was there already: nothing was written, `info` is that of the first one.
    sha256 : str
        Of what was written after the prefix, 64 hexadecimal digits.
    """

    info: BlobInfo
    created: bool
    sha256: str


class BlobWriter(Protocol):
    """A blob in the making; invisible until `place` or `commit`. Exactly one of these and `abort` ends it."""

    def write(self, data: Buffer) -> None:
        """Take `data` to be hashed and written in the background, as `asyncio.StreamWriter.write` does.

        The buffer may be used again by the caller when this returns. Errors show up in `drain` or `commit`.
        """

    async def drain(self) -> None:
        """Wait until so little is waiting to be written that more may be taken. Cheap when nothing waits.

        Raises
        ------
        Unavailable
            If the store cannot take it (disk full, not answering).
        """

    async def commit(self, key: Callable[[str], str]) -> Stored:
        """Make the blob durable under the key that `key` makes of its SHA-256, unless that key exists.

        Raises
        ------
        Unavailable
            If the store cannot take it; nothing is visible.
        """

    async def place(self, key: Callable[[str], str]) -> Stored:
        """Do the first half of `commit`: the blob has its name when this returns; its bytes are durable already.

        The second half goes on meanwhile, so that what depends on the name can begin sooner: wait for it in `settle`.

        Raises
        ------
        Unavailable
            As `commit`.
        """

    async def settle(self) -> None:
        """Wait, after `place`, until the name is durable too.

        Raises
        ------
        Unavailable
            If that is not known; the blob is visible all the same.
        """

    async def abort(self) -> None:
        """Forget what was written; never raises."""


class BlobStore(Protocol):
    """The store of one bucket."""

    def writer(self, prefix: Buffer = b"") -> BlobWriter:
        """Return a writer of a new blob.

        Parameters
        ----------
        prefix : Buffer
            Stored in front of everything else, but not part of the SHA-256 (the meta group that we write ourselves).
        """

    async def put(self, key: str, data: Buffer) -> Stored:
        """Store a small blob, unless its key exists."""

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `offset`; fewer at the blob's end; all of the rest if `length` is None.

        Raises
        ------
        NotFound, Unavailable
        """

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield the same bytes as `read` in pieces of bounded size; `NotFound` is raised before the first one."""

    async def stat(self, key: str) -> BlobInfo:
        """Return what is known of a blob.

        Raises
        ------
        NotFound, Unavailable
        """

    def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        """Yield every blob whose key starts with `prefix` (which ends with "/"), in any order, with its rough time."""

    async def delete(self, key: str) -> None:
        """Remove a blob; no error if it is not there."""

    async def check(self) -> None:
        """Return if the store can read and write; raise `Unavailable` if not."""

    async def close(self) -> None:
        """Release everything."""


@runtime_checkable
class KeepsFiles(Protocol):
    """What a store can do besides if its blobs are files of this machine."""

    def file_pieces(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[FilePiece]:
        """Yield the same bytes as `stream` as loaded pieces of the file; each is good until the next is asked for."""
