"""What the search yields, and what can go wrong while such a file is read."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

HEAD_BYTES: Final = 4096
"""Enough to tell an archive from an instance, and to hold the meta group of a DICOMDIR."""

UNREADABLE: Final = (
    OSError,
    EOFError,
    zipfile.BadZipFile,  # also a wrong CRC-32
    zlib.error,
    struct.error,
    ValueError,  # zipfile's for offsets and texts that mean nothing
    RuntimeError,  # zipfile's for encrypted members; NotImplementedError is one too
)
"""What reading a file, or a member of an archive, may raise."""


@dataclass(frozen=True)
class Source:
    """A file that may be an instance.

    Parameters
    ----------
    folder : str
        The folder or archive it lies in.
    stamp : str
        Its name there, size and time of change: as long as they are the same, its bytes are taken to be so.
    open : callable
        Returns its bytes as a binary file; raises one of `UNREADABLE`.
    """

    folder: str
    stamp: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Flaw:
    """Something that should be a file and cannot be read; `reason` names no path, since paths may name patients."""

    reason: str


@dataclass(frozen=True)
class EndOfArchive:
    """All members of an archive were yielded; it is closed when the next finding is asked for."""


Finding = Source | Flaw | EndOfArchive


def source_of(path: Path) -> Source | Flaw:
    """Return the file at `path` as source."""
    try:
        status = path.stat()
    except OSError:
        return Flaw("a file cannot be read")
    stamp = f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}"
    return Source(str(path.absolute().parent), stamp, lambda: path.open("rb"))


def read_head(path: Path) -> bytes | None:
    """Return the first `HEAD_BYTES` of a file, None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return None


def is_part10(head: bytes) -> bool:
    """Tell whether a file that starts with `head` says that it is a DICOM file (PS3.10 7.1), preamble or not."""
    return b"DICM" in (head[128:132], head[:4])
