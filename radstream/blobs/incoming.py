"""The blobs in the making of one process: `<root>/.incoming/<process>/`, locked for as long as the process lives.

The kernel releases the lock when the process ends, however it ends, and the next one to start removes what it left.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import threading
import uuid
from itertools import count
from pathlib import Path

from radstream.blobs.disk import sync_folder


class Incoming:
    """Gives out temporary files on the file system of the store; may be used by several threads.

    The store's folder is made at first use. Should it vanish later (a disk that was taken away), it is not made again:
    writing to whatever lies below its mount point would claim success for blobs that nobody finds.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._descriptor = -1
        self._numbers = count()
        self._was_prepared = False
        self._device = -1

    def create(self) -> tuple[int, Path]:
        """Return descriptor and path of a new empty file, readable by its owner only.

        Raises
        ------
        OSError
        """
        try:
            return self._create(self._open(renew=False))
        except FileNotFoundError:
            return self._create(self._open(renew=True))

    def prepare(self) -> None:
        """Make the folder of the store, once.

        Raises
        ------
        OSError
        """
        if not self._was_prepared:
            missing = [folder for folder in (self._root, *self._root.parents) if not folder.exists()]
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in missing:
                sync_folder(folder.parent)
            self._device = device_of(self._root)
            self._was_prepared = True

    def confirm(self) -> None:
        """Return if the folder of the store is still the one that was prepared.

        An empty mount point is not: it is of another file system and has nothing of ours. A disk that is back may be
        known to the system by another number, but then it has.

        Raises
        ------
        FileNotFoundError
            If the folder, or the disk on it, is gone.
        """
        if device_of(self._root) != self._device and not (self._root / ".incoming").exists():
            raise FileNotFoundError(errno.ENOENT, "the folder of the blob store is gone")

    def close(self) -> None:
        """Remove the folder of this process, with what is left in it."""
        with self._lock:
            self._release()

    def _create(self, folder: Path) -> tuple[int, Path]:
        path = folder / str(next(self._numbers))
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), path

    def _open(self, *, renew: bool) -> Path:
        """Return the folder of this process; made when there is none, or when it is gone and `renew` is asked for."""
        with self._lock:
            if self._folder is None or (renew and not self._folder.exists()):
                self._release()
                self.prepare()
                self.confirm()
                parent = self._root / ".incoming"
                parent.mkdir(mode=0o700, exist_ok=True)
                self._folder, self._descriptor = _make_locked(parent)
                _sweep(parent)
            return self._folder

    def _release(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._descriptor)
            self._folder = None


def device_of(folder: Path) -> int:
    """Return the number of the file system that `folder` is on."""
    return folder.stat().st_dev


def _make_locked(parent: Path) -> tuple[Path, int]:
    """Return a new locked folder and the descriptor that holds the lock."""
    while True:
        folder = parent / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        descriptor = _lock(folder)
        if descriptor is not None and folder.exists():
            return folder, descriptor
        if descriptor is not None:  # another process swept it between the two calls: again
            os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock on `folder`; None if it is locked, or gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in parent.iterdir():
        descriptor = _lock(folder)
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
