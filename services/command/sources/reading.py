"""What was found, read beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import IO, Final

from services.command.sources.findings import HEAD_BYTES, UNREADABLE, EndOfArchive, Finding, Source

CHUNK_BYTES: Final = 1 << 20

BATCH: Final = 32


class UnreadableFile(Exception):
    """A file, or a member of an archive, does not yield its bytes."""


def next_batch(findings: Iterator[Finding]) -> list[Finding]:
    """Return some more findings, at most up to the end of an archive; none at the end."""
    batch: list[Finding] = []
    for finding in findings:
        batch.append(finding)
        if isinstance(finding, EndOfArchive) or len(batch) == BATCH:
            break
    return batch


def open_source(source: Source) -> tuple[IO[bytes], bytes]:
    """Return a file, open, and its first `CHUNK_BYTES`; `UnreadableFile` if that cannot be."""
    try:
        file = source.open()
    except UNREADABLE as error:
        raise UnreadableFile from error
    try:
        return file, _read(file)
    except UnreadableFile:
        file.close()
        raise


def read_first(source: Source) -> bytes:
    """Return the beginning of a file; `UnreadableFile` if that cannot be."""
    try:
        with source.open() as file:
            return file.read(HEAD_BYTES)
    except UNREADABLE as error:
        raise UnreadableFile from error


async def read_on(first: bytes, file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield `first` and the rest of a file; `UnreadableFile` if that cannot be."""
    chunk = first
    while chunk:
        yield chunk
        chunk = await asyncio.to_thread(_read, file)


def _read(file: IO[bytes]) -> bytes:
    try:
        return file.read(CHUNK_BYTES)
    except UNREADABLE as error:
        raise UnreadableFile from error
