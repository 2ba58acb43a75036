"""What the folder store asks of the operating system, and how its errors become ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from radstream.blobs.file_piece import FilePiece
from radstream.blobs.port import BlobInfo, Buffer
from radstream.contract.errors import StorageFull, Unavailable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IN_FILE_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def answering(action: str) -> Iterator[None]:
    """Turn an `OSError` into `Unavailable` (input/output error, folder gone) or `StorageFull` (disk full, quota).

    Parameters
    ----------
    action : str
        What could not be done, such as "write". The text names the error but no path.
    """
    try:
        yield
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        kind = StorageFull if error.errno in _FULL else Unavailable
        raise kind(f"the blob store cannot {action} ({name})") from error


def write_all(descriptor: int, data: Buffer) -> None:
    """Write all of `data`; the kernel may take it in several turns."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_all(descriptor: int, offset: int, length: int) -> bytes:
    """Return `length` bytes from `offset`, fewer only at the end of the file."""
    pieces = []
    while length > 0 and (piece := os.pread(descriptor, length, offset)):
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Part:
    """A part of a file, open until closed; may be used by one thread after the other.

    Parameters
    ----------
    offset : int
        Where it begins, in bytes; beyond the end of the file the part is empty.
    length : int or None
        At most so many bytes; None for all of the rest.

    Raises
    ------
    OSError
    ValueError
        If `offset` or `length` is negative.
    """

    def __init__(self, path: Path, offset: int, length: int | None) -> None:
        if offset < 0 or (length is not None and length < 0):
            raise ValueError("a part of a blob begins at or after its start and is not shorter than nothing")
        self._file = path.open("rb", buffering=0)
        self._offset = offset
        size_bytes = os.fstat(self._file.fileno()).st_size
        self._end = size_bytes if length is None else min(size_bytes, offset + length)

    def next_piece(self, length: int = 256 << 10) -> bytes:
        """Return the next up to `length` bytes; empty at the end.

        Raises
        ------
        Unavailable
        """
        with answering("read"):
            piece = read_all(self._file.fileno(), self._offset, min(length, self._end - self._offset))
        self._offset += len(piece)
        return piece

    def next_if_loaded(self) -> FilePiece | None:
        """Return the next up to 1 MiB where it lies in the page cache; None if it does not, or at the end."""
        piece = FilePiece(self._file.fileno(), self._offset, min(_IN_FILE_BYTES, self._end - self._offset))
        if piece.length <= 0 or not piece.is_loaded():
            return None
        self._offset += piece.length
        return piece

    def next_loaded(self) -> FilePiece:
        """Return the next up to 1 MiB, loaded now.

        Raises
        ------
        Unavailable
        """
        piece = FilePiece(self._file.fileno(), self._offset, max(0, min(_IN_FILE_BYTES, self._end - self._offset)))
        with answering("read"):
            piece.load()
        self._offset += piece.length
        return piece

    @property
    def is_at_end(self) -> bool:
        """Whether all of it was given out."""
        return self._offset >= self._end

    def read(self) -> bytes:
        """Return all that is left."""
        return self.next_piece(self._end)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def sync_folder(folder: Path | str) -> None:
    """Make the entries of `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Return how many bytes may still be written to the file system of `folder`."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def set_time(descriptor: int, moment: datetime) -> None:
    """Make `moment` the time at which a file was last modified."""
    time_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    os.utime(descriptor, ns=(time_ns, time_ns))


def blob_info(key: str, status: os.stat_result) -> BlobInfo:
    """Return what is known of a blob; its time is the file's last modification, in whole microseconds (exact)."""
    return BlobInfo(key, status.st_size, _EPOCH + timedelta(microseconds=status.st_mtime_ns // 1000))
