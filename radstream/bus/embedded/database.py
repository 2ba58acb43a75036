"""One SQLite file that many processes write, one at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from radstream.contract.errors import Unavailable

Connection = sqlite3.Connection

BUSY_TIMEOUT_S: Final = 5.0
LARGEST_JOURNAL_BYTES: Final = 64 << 20


class Database:
    """A connection to one SQLite file, opened when it is needed and opened anew after every error.

    It belongs to one thread at a time; a second thread needs an object of its own.

    Parameters
    ----------
    path : Path
    schema : str
        Statements that may be executed again on an existing file.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._path_text = str(path)
        self._schema = schema
        self._connection: Connection | None = None
        self._lock_file: int | None = None
        self._inode = 0

    def create(self) -> None:
        """Make the folder, the file and its tables if they are not there; any number of processes may do so at once.

        Raises
        ------
        Unavailable
        """
        self.close()
        with self._errors():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked(), _connect(self._path, "rwc") as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE; {self._schema}; COMMIT;")
            for folder in (self._path.parent, self._path.parent.parent):
                _sync_folder(folder)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to read with.

        Raises
        ------
        Unavailable
            If the file is missing, damaged or locked for too long.
        """
        with self._errors():
            yield self._open()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection within a transaction that is durable at the end of the block, or without effect.

        Raises
        ------
        Unavailable
            As `reading`, and if the disk is full.
        """
        with self._errors():
            connection = self._open()
            with self._locked():
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()  # rolls back what is open
            self._connection = None
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _open(self) -> Connection:
        """Return the connection, a new one if the file under the path is no longer the one that was opened."""
        inode = os.stat(self._path_text).st_ino  # noqa: PTH116 - for every record, and dear by a `Path`
        if self._connection is None or inode != self._inode:
            self.close()
            self._connection, self._inode = _open_connection(self._path), inode
        return self._connection

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of all writers; waiting in the kernel's queue, not in SQLite's sleeping busy handler."""
        if self._lock_file is None:
            self._lock_file = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if self._lock_file is not None:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what SQLite and the system complain about into `Unavailable`, and begin with a new connection."""
        is_sound = False
        try:
            yield
            is_sound = True
        except FileNotFoundError as error:
            raise Unavailable(f"the log is not there: {self._path.name} is missing") from error
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"the log cannot use {self._path.name}: {error}") from error
        finally:
            if not is_sound:
                self.close()


def _open_connection(path: Path) -> Connection:
    connection = _raw_connection(path, "rw")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {LARGEST_JOURNAL_BYTES}")
    return connection


@contextmanager
def _connect(path: Path, mode: str) -> Iterator[Connection]:
    connection = _raw_connection(path, mode)
    try:
        yield connection
    finally:
        connection.close()


def _raw_connection(path: Path, mode: str) -> Connection:
    """Open `path`; transactions are ours alone (no implicit BEGIN), and one thread may hand it to the next."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _sync_folder(folder: Path) -> None:
    """Make the names of new files in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
