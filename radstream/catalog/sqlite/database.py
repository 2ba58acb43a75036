"""The SQLite file: made whole or not at all, written by one process at a time, noticed when it is another one.

The only file of the catalog that knows `sqlite3`.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from radstream.catalog.wildcards import matches
from radstream.contract.errors import Unavailable

Connection = sqlite3.Connection

_BUSY_TIMEOUT_S: Final = 5.0
_STEPS_BETWEEN_LOOKS: Final = 10_000  # of SQLite's machine: a millisecond or less
_CACHE_KIB: Final = 16 << 10
_LARGEST_JOURNAL_BYTES: Final = 64 << 20
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REBUILD: Final = "`radstream rebuild` makes the catalog again from the blobs"
_DAMAGE: Final = f"the file of the catalog is damaged; remove its folder, and {_REBUILD}"


class Stopped(Unavailable):
    """A reading was stopped by who wanted it."""


class Database:
    """One connection to the file, opened when needed and again after an error; for one thread at a time.

    Parameters
    ----------
    path : Path
    create_tables : callable
        Makes on a connection, within a transaction, whatever tables and columns are missing.
    busy_timeout_s : float
        How long SQLite waits for another process, which it seldom has to.
    """

    def __init__(
        self, path: Path, create_tables: Callable[[Connection], None], *, busy_timeout_s: float = _BUSY_TIMEOUT_S
    ) -> None:
        self._path = path
        self._create_tables = create_tables
        self._busy_timeout_s = busy_timeout_s
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def reading(
        self, is_given_up: Callable[[], bool] = bool, steps: int = _STEPS_BETWEEN_LOOKS
    ) -> Iterator[Connection]:
        """Give a connection that sees one state of the catalog; to read only.

        Parameters
        ----------
        is_given_up : callable
            Asked while a statement runs, after each `steps` of SQLite's machine: True stops it.

        Raises
        ------
        Stopped
        Unavailable
            If the file is missing, damaged, or cannot be read.
        """
        with self._errors():
            connection = self._open()
            connection.set_progress_handler(is_given_up, steps)
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection; what is done with it is durable at the end of the block, or without effect.

        The file is made if it is missing or empty.

        Raises
        ------
        Unavailable
            If the file is damaged, locked for too long, or the disk does not take it.
        """
        with self._errors(), self._locked():
            if not _has_content(self._path):
                self._make()
            connection = self._open()
            connection.execute("PRAGMA journal_mode = WAL")  # a copy that was put back may have lost it
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
            if _identity(self._path) != self._identity:
                raise Unavailable("the file of the catalog was removed while it was written to")

    def create(self) -> None:
        """Make the file, its tables, columns and indexes where they are missing; idempotent.

        Raises
        ------
        Unavailable
        """
        with self.writing() as connection:
            self._create_tables(connection)

    def close(self) -> None:
        """Release the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()  # rolls back what is open

    def _open(self) -> Connection:
        """Return the connection; a new one if another file is under the path than the one that was opened."""
        identity = _identity(self._path)
        if self._connection is None or identity != self._identity:
            self.close()
            self._connection, self._identity = _connect(self._path, self._busy_timeout_s), identity
            if self._connection.execute("PRAGMA user_version").fetchone() == (0,):
                raise Unavailable(_DAMAGE)
        return self._connection

    def _make(self) -> None:
        """Make the file with its tables under another name first, so that nobody sees one without them."""
        self.close()
        draft = self._path.with_suffix(".new")
        for leftover in (draft, *_journals(draft), *_journals(self._path)):  # SQLite would apply an old journal
            leftover.unlink(missing_ok=True)
        connection = _connect(draft, self._busy_timeout_s, mode="rwc")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            self._create_tables(connection)
            connection.execute("COMMIT")
        finally:
            connection.close()
        draft.rename(self._path)
        _sync_folder(self._path.parent)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of all writers: they wait in the kernel's queue, not in SQLite's sleeping busy handler."""
        descriptor = self._lock()
        try:
            yield
        finally:
            os.close(descriptor)

    def _lock(self) -> int:
        """Return a descriptor that holds the lock; of the file that is under the path now."""
        if not self._path.parent.exists():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(self._path.parent.parent)
        path = self._path.with_suffix(".lock")
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            os.close(descriptor)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the system and SQLite complain about into `Unavailable`; begin anew after all but a stop."""
        is_sound = False
        try:
            yield
            is_sound = True
        except FileNotFoundError as error:
            raise Unavailable(f"the file of the catalog is missing; {_REBUILD}") from error
        except OSError as error:
            raise Unavailable(f"the catalog cannot be used ({type(error).__name__})") from error
        except sqlite3.DatabaseError as error:
            is_sound = self._is_rolled_back(error)
            raise _translated(error) from error
        finally:
            if not is_sound:
                self.close()

    def _is_rolled_back(self, error: sqlite3.DatabaseError) -> bool:
        """Tell whether `error` says no more than that a statement was stopped; then the connection is as before it."""
        if self._connection is None or _code(error) != sqlite3.SQLITE_INTERRUPT:
            return False
        self._connection.set_progress_handler(None, 0)
        if self._connection.in_transaction:  # not if it is BEGIN that was stopped
            self._connection.execute("ROLLBACK")
        return True


def _translated(error: sqlite3.DatabaseError) -> Exception:
    """Return what `error` is in our tree; itself if it is our own bug (SQL that means nothing).

    `ValueError` for a document that is too large.
    """
    code = _code(error)
    if code == sqlite3.SQLITE_INTERRUPT:
        return Stopped("nobody waits any more for what was read")
    if code in _DAMAGED:
        return Unavailable(_DAMAGE)
    if isinstance(error, sqlite3.DataError):
        return ValueError("a document is larger than SQLite takes")
    if not isinstance(error, sqlite3.OperationalError) or code == sqlite3.SQLITE_ERROR:
        return error
    return Unavailable(f"the catalog does not answer ({error.sqlite_errorname})")


def _code(error: sqlite3.DatabaseError) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _connect(path: Path, busy_timeout_s: float, mode: str = "rw") -> Connection:
    """Open `path`; transactions are ours alone (no implicit BEGIN), and one thread may hand it to the next."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_JOURNAL_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.create_function("matches", 2, matches, deterministic=True)
    return connection


@cache
def has_full_text() -> bool:
    """Tell whether this SQLite has FTS5; without it, what stands in the middle of a text is found by looking at all."""
    with closing(sqlite3.connect(":memory:")) as connection:
        return bool(connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone())


def _has_content(path: Path) -> bool:
    """Tell whether there is a file that is not empty; one of ours never is."""
    return path.exists() and path.stat().st_size > 0


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _journals(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(f"{path.name}-{kind}") for kind in ("wal", "shm", "journal"))


def _sync_folder(folder: Path) -> None:
    """Make the names of new files in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
