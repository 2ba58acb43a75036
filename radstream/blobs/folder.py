"""The blob store of one machine: a folder of files, each whole and durable before it has its name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

from radstream.blobs.at_once import AtOnce
from radstream.blobs.clock import Clock
from radstream.blobs.direct import BLOCK_BYTES
from radstream.blobs.disk import Part, answering, blob_info, read_all, sync_folder, write_all
from radstream.blobs.draft import Draft
from radstream.blobs.file_piece import FilePiece
from radstream.blobs.incoming import Incoming
from radstream.blobs.keys import InvalidKey, to_path, walk
from radstream.blobs.linking import Linker
from radstream.blobs.pieces import Pieces
from radstream.blobs.port import BlobInfo, Buffer, Stored
from radstream.blobs.room import Room
from radstream.blobs.strand import Strand
from radstream.blobs.workers import Workers
from radstream.blobs.writer import BackgroundWriter
from radstream.contract.errors import NotFound, Unavailable

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")

_LISTED_AT_A_TIME: Final = 256
_PROBE: Final = b"written by a check of the blob store"


class FolderBlobStore:
    """A `BlobStore` in a folder; several processes may use one folder.

    Parameters
    ----------
    folder : Path
        Made at first use. See `keys` for where a blob lies in it; ``.incoming`` holds those in the making.
    durable : bool
        Whether `commit` waits for the disk. False only for caches.
    minimum_free_bytes : int
        With less room in the file system no writer takes anything and `check` fails; `put` may use the rest.
    thread_count : int
        Threads for writing, and as many again for reading.
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, minimum_free_bytes: int = 64 << 20, thread_count: int = 8
    ) -> None:
        self._folder = folder
        self._durable = durable
        self._room = Room(folder, minimum_free_bytes)
        self._incoming = Incoming(folder)
        self._linker = Linker(folder)
        self._clock = Clock()
        self._at_once = AtOnce()
        self._pieces = Pieces()
        self._blocks = Pieces(BLOCK_BYTES)
        # Apart, so that pictures are served while a slow disk holds up those that arrive.
        self._writing = Workers(thread_count, "blobs-writing")
        self._reading = ThreadPoolExecutor(thread_count, thread_name_prefix="blobs-reading")

    def writer(self, prefix: Buffer = b"") -> BackgroundWriter:
        """Return a writer of a new blob; see the port."""
        return self._writer(prefix, self._room)

    async def put(self, key: str, data: Buffer) -> Stored:
        """Store a small blob, unless its key exists; see the port. The reserve is there for such."""
        writer = self._writer(b"", None)
        writer.write(data)
        return await writer.commit(lambda _sha256: key)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a part of a blob; see the port."""
        return await self._read(self._read_part, key, offset, length)

    async def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield a part of a blob in pieces of 256 KiB, the next one read while the last one is used; see the port."""
        part = await self._read(self._open, key, offset, length)
        ahead = self._start(part.next_piece)
        try:
            while piece := await asyncio.shield(ahead):
                ahead = self._start(part.next_piece)
                yield piece
        finally:
            await asyncio.wait([ahead])
            part.close()

    async def file_pieces(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[FilePiece]:
        """Yield a part of a blob as pieces of its file, up to 1 MiB each; see the port. Loaded ones need no thread."""
        part = self._at_once.do(partial(self._open, key, offset, length))
        if part is None:
            part = await self._read(self._open, key, offset, length)
        try:
            while not part.is_at_end:
                piece = self._at_once.do(part.next_if_loaded)
                yield await self._read(part.next_loaded) if piece is None else piece
        finally:
            part.close()

    async def stat(self, key: str) -> BlobInfo:
        """Return what is known of a blob; see the port."""
        return await self._read(self._stat, key)

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        """Yield every blob whose key starts with `prefix`, in any order; see the port."""
        found = walk(self._folder, prefix)
        while infos := await self._read(self._next_infos, found):
            for info in infos:
                yield info

    async def delete(self, key: str) -> None:
        """Remove a blob; no error if it is not there. Its folder stays: another blob may be on its way into it."""
        await self._write(self._delete, key)

    async def check(self) -> None:
        """Write, read and remove a probe, and look at the room that is left; see the port."""
        await self._write(self._check)

    async def close(self) -> None:
        """Wait for what is being written, then release everything."""
        await asyncio.to_thread(self._close)

    def _writer(self, prefix: Buffer, room: Room | None) -> BackgroundWriter:
        shared = (self._incoming, self._linker, self._clock, self._blocks)
        draft = Draft(*shared, durable=self._durable, room=room)
        return BackgroundWriter(self._writing, draft, prefix, self._pieces)

    def _read_part(self, key: str, offset: int, length: int | None) -> bytes:
        part = self._open(key, offset, length)
        try:
            return part.read()
        finally:
            part.close()

    def _open(self, key: str, offset: int, length: int | None) -> Part:
        with self._looking_up():
            return Part(self._folder / to_path(key), offset, length)

    def _stat(self, key: str) -> BlobInfo:
        with self._looking_up():
            return blob_info(key, (self._folder / to_path(key)).stat())

    def _next_infos(self, found: Iterator[tuple[str, os.stat_result]]) -> tuple[BlobInfo, ...]:
        with answering("list"):
            self._incoming.prepare()
            infos = tuple(blob_info(key, status) for key, status in islice(found, _LISTED_AT_A_TIME))
            self._incoming.confirm()  # an empty answer must not come from a disk that was taken away
            return infos

    def _delete(self, key: str) -> None:
        with suppress(NotFound), self._looking_up():
            path = self._folder / to_path(key)
            path.unlink()
            if self._durable:
                sync_folder(path.parent)

    def _check(self) -> None:
        with answering("be used"):
            descriptor, probe = self._incoming.create()
            try:
                write_all(descriptor, _PROBE)
                if self._durable:
                    os.fsync(descriptor)
                if read_all(descriptor, 0, len(_PROBE)) != _PROBE:
                    raise Unavailable("the blob store does not give back what was written to it")
            finally:
                os.close(descriptor)
                probe.unlink()
        self._room.require()

    def _close(self) -> None:
        self._writing.close()
        self._reading.shutdown()
        self._incoming.close()

    @contextmanager
    def _looking_up(self) -> Iterator[None]:
        """Turn "no such file" into `NotFound`, unless it is the whole store that is gone."""
        with answering("be used"):
            self._incoming.prepare()
            try:
                yield
            except (FileNotFoundError, NotADirectoryError, InvalidKey) as error:
                self._incoming.confirm()
                raise NotFound("no such blob") from error

    async def _read(self, function: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> _Result:
        return await self._start(function, *arguments)

    async def _write(self, function: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> _Result:
        return await Strand(self._writing).start(partial(function, *arguments)).wait()

    def _start(self, function: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._reading, function, *arguments)
