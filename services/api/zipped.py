"""Instances as a ZIP archive with a DICOMDIR, written while it is sent (PS3.18 application/zip, PS3.10, PS3.12 V).

Nothing is compressed: images are already, or are asked for as they are. Names say nothing of patients.
"""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from radstream.dicom.dicomdir import File, dicomdir
from radstream.retrieval.pixel_data import Value
from radstream.web.streaming import closed_after

PIECE_BYTES: Final = 256 * 1024
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Entry:
    """A file to be put in.

    Parameters
    ----------
    make : callable
        Called when its turn has come; returns what is listed of it, and its bytes.
    """

    make: Callable[[], Awaitable[tuple[File, Value]]]


class _Output:
    """What the archive has written and nobody has sent yet; it cannot go back, so lengths follow the files."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes, /) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        return

    def close(self) -> None:
        return

    def __len__(self) -> int:
        return len(self._data)

    def take(self) -> bytes:
        """Return what is there, and forget it."""
        data = bytes(self._data)
        self._data.clear()
        return data


async def zipped(entries: Sequence[Entry]) -> AsyncIterator[bytes]:
    """Yield the bytes of an archive with `entries` and, at its end, their DICOMDIR."""
    output, files = _Output(), []
    archive = zipfile.ZipFile(output, "w")
    for entry in entries:
        file, value = await entry.make()
        files.append(file)
        async with closed_after(value.stream()) as pieces:
            with archive.open(_named("/".join(file.path)), "w", force_zip64=True) as target:
                async for piece in pieces:
                    target.write(piece)
                    if len(output) >= PIECE_BYTES:
                        yield output.take()
    archive.writestr(_named("DICOMDIR"), dicomdir(files))
    archive.close()
    yield output.take()


def _named(name: str) -> zipfile.ZipInfo:
    """Return the head of a member; without times, so that the same instances make the same archive."""
    return zipfile.ZipInfo(name, _NO_TIME)


def path_of(series: int, instance: int) -> tuple[str, ...]:
    """Return the path of a file by the numbers of its series and of itself, both from 1 (PS3.10 8.2)."""
    return "DICOM", f"SE{series:06d}", f"IM{instance:06d}"
