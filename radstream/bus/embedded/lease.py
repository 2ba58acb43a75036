"""Which member of a group is the active one for a topic: whoever holds a file lock, which dies with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from radstream.contract.errors import Unavailable


class Lease:
    """The right to consume one topic for one group, held by one member at a time.

    Parameters
    ----------
    folder : Path
        Of the log.
    """

    def __init__(self, folder: Path, group: str, topic: str) -> None:
        self._path = folder / "leases" / f"{group}.{topic}.lock"
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this member is the active one."""
        return self._file is not None

    def take(self) -> bool:
        """Become the active member, unless another one is; tell whether this one is now.

        Raises
        ------
        Unavailable
            If the folder is missing or full.
        """
        if self._file is None:
            self._file = self._lock()
        return self._file is not None

    def release(self) -> None:
        """Let another member become the active one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self) -> int | None:
        """Return the locked file, None if another member has it."""
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(f"the log cannot give leases: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        return file
