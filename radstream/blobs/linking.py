"""How a finished file gets its name: all at once, never over an existing blob, durable."""

from __future__ import annotations

import errno
import fcntl
import os
from collections import OrderedDict
from pathlib import Path

from radstream.blobs.disk import sync_folder

_WITHOUT_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_REMEMBERED_FOLDERS = 4096


class Linker:
    """Puts finished files in their place below `root`; may be used by several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: OrderedDict[str, None] = OrderedDict()  # folders whose own entries are durable, oldest first

    def place(self, file: Path, path: str) -> bool:
        """Give `file` the name `path` (relative to the root) unless that exists; tell whether it did.

        `file` keeps its old name or loses it.

        Raises
        ------
        OSError
        """
        target = f"{self._root}/{path}"  # not a `Path`: this is done for every instance
        try:
            return _link(file, target, self._root)
        except FileNotFoundError:
            self._make_folders(Path(target).parent)
            return _link(file, target, self._root)

    def make_durable(self, path: str) -> None:
        """Let the name `path` survive the loss of power.

        Its folder is synced, and once for each folder those above it: whoever made them may still be about to do so.

        Raises
        ------
        OSError
        """
        folder = f"{self._root}/{path}".rpartition("/")[0]
        sync_folder(folder)
        if folder not in self._known:
            for above in Path(folder).parents:
                if not above.is_relative_to(self._root):
                    break
                sync_folder(above)
            self._remember(folder)

    def status(self, path: str) -> os.stat_result | None:
        """Return the status of the blob at `path`; None if it was deleted meanwhile."""
        try:
            return (self._root / path).stat()
        except FileNotFoundError:
            return None

    def _make_folders(self, folder: Path) -> None:
        """Make `folder` and those above it, but never the root: if that is gone, the disk is."""
        if folder in (self._root, self._root.parent):
            return
        self._known.pop(str(folder), None)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileNotFoundError:
            self._make_folders(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)

    def _remember(self, folder: str) -> None:
        self._known[folder] = None
        while len(self._known) > _REMEMBERED_FOLDERS:
            self._known.popitem(last=False)


def _link(file: Path, target: str, root: Path) -> bool:
    try:
        os.link(file, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        return _rename_unless_there(file, Path(target), root)
    return True


def _rename_unless_there(file: Path, target: Path, root: Path) -> bool:
    """Do what `link` does on file systems without hard links, one at a time on this machine."""
    descriptor = os.open(root / ".incoming" / "rename.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if target.exists():
            return False
        file.rename(target)
        return True
    finally:
        os.close(descriptor)
