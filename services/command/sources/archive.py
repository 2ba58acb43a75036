"""The members of a ZIP archive, read where they lie.

Bounded in every direction: the table of contents (which is read into memory), the sum of the declared sizes against
the size of the archive (no more than declared is ever inflated), and only methods that inflate in small steps.
Archives within archives are not opened.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from services.command.sources.findings import UNREADABLE, EndOfArchive, Finding, Flaw, Source, is_part10

CONTENTS_LIMIT_BYTES: Final = 64 << 20
"""About half a million members."""

RATIO_LIMIT: Final = 200
"""Images that are mostly air shrink to a fiftieth; deflate itself ends at 1032."""

ALWAYS_ALLOWED_BYTES: Final = 1 << 30

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_IS_ENCRYPTED: Final = 0x1


def is_archive(head: bytes) -> bool:
    """Tell whether a file that starts with `head` is a ZIP archive and no DICOM file in disguise."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06") and not is_part10(head)


def find_in_archive(path: Path) -> Iterator[Finding]:
    """Yield the members of the archive at `path`, which stays open until all of them are done with."""
    try:
        archive = _open_archive(path)
    except UNREADABLE:
        yield Flaw("an archive cannot be read, or has far too many members")
        return
    with archive:
        yield from _members(path, archive)
        yield EndOfArchive()


def count_members(path: Path) -> int:
    """Return how many files are in the archive at `path`; 1 if it is none."""
    try:
        with _open_archive(path) as archive:
            return sum(not member.is_dir() for member in archive.infolist())
    except UNREADABLE:
        return 1


def _open_archive(path: Path) -> zipfile.ZipFile:
    if _contents_bytes(path) > CONTENTS_LIMIT_BYTES:
        raise zipfile.BadZipFile("its table of contents is too long")
    return zipfile.ZipFile(path)


def _members(path: Path, archive: zipfile.ZipFile) -> Iterator[Finding]:
    status = path.stat()
    left = max(ALWAYS_ALLOWED_BYTES, RATIO_LIMIT * status.st_size)
    for member in archive.infolist():
        if member.is_dir():
            continue
        left -= member.file_size
        if member.flag_bits & _IS_ENCRYPTED:
            yield Flaw("a member of an archive is encrypted")
        elif member.compress_type not in _METHODS:
            yield Flaw("a member of an archive is compressed by another method than deflate")
        elif left < 0:
            yield Flaw("an archive expands beyond measure")
        else:
            yield _source(path, status, archive, member)


def _source(path: Path, status: os.stat_result, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Source:
    place = f"{status.st_size}\0{status.st_mtime_ns}\0{member.header_offset}\0{member.CRC}\0{member.file_size}"
    return Source(str(path.absolute()), f"{member.filename}\0{place}", partial(archive.open, member))


def _contents_bytes(path: Path) -> int:
    """Return how long the table of contents says it is (APPNOTE 4.3.16, and 4.3.14 for ZIP64)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < 22:
            raise zipfile.BadZipFile
        (declared,) = struct.unpack_from("<L", tail, end + 12)
        if end < 20 or tail[end - 20 : end - 16] != b"PK\x06\x07":
            return int(declared)
        (offset,) = struct.unpack_from("<Q", tail, end - 12)
        file.seek(offset)
        return max(int(declared) if declared != 0xFFFFFFFF else 0, *struct.unpack_from("<Q", file.read(56), 40))
