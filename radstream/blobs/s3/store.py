"""The blob store of a cluster: a bucket. The SDK blocks, so it works in threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar, TypeVarTuple

from radstream.blobs.keys import InvalidKey, to_path
from radstream.blobs.pieces import Pieces
from radstream.blobs.port import BlobInfo, Buffer, Stored
from radstream.blobs.s3.client import Client
from radstream.blobs.s3.draft import SMALLEST_PART_BYTES, Draft
from radstream.blobs.s3.errors import answering, looking_up
from radstream.blobs.s3.part import Part
from radstream.blobs.s3.preparing import Preparation, probe
from radstream.blobs.writer import BackgroundWriter
from radstream.contract.errors import NotFound, UnsafeConfiguration

_Arguments = TypeVarTuple("_Arguments")
_Result = TypeVar("_Result")

_LISTED_AT_A_TIME: Final = 256


class S3BlobStore:
    """A `BlobStore` in a bucket of any S3 that honours ``If-None-Match: *``; several processes may use one bucket.

    The time of a blob is that of the process that stored it, and lies beside it as ``x-amz-meta-stored-at``. A listing
    tells the server's ``Last-Modified`` instead, in whole seconds.

    Parameters
    ----------
    endpoint : str
        Host and port.
    bucket : str
        Made at the first write or check if it is not there; reading asks for no right to write.
    secure : bool
        Whether to speak TLS; the certificate must be one that the system trusts.
    region : str
    multipart_above_bytes : int
        Blobs up to this size are kept in memory until they are put in one piece, larger ones go in parts of this size;
        at least `SMALLEST_PART_BYTES`.
    thread_count : int
        Threads for writing, and as many again for reading.

    Raises
    ------
    UnsafeConfiguration
        If `endpoint`, `bucket` or a key cannot be one.
    """

    def __init__(  # noqa: PLR0913 -- what an S3 URL holds
        self,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        *,
        secure: bool = True,
        region: str = "us-east-1",
        multipart_above_bytes: int = 8 << 20,
        thread_count: int = 16,
    ) -> None:
        try:
            self._client = Client(endpoint, bucket, (access_key, secret_key), secure=secure, region=region)
        except ValueError as error:
            raise UnsafeConfiguration("the URL of a blob store has no proper host, port or bucket") from error
        self._part_bytes = max(multipart_above_bytes, SMALLEST_PART_BYTES)
        self._pieces = Pieces(self._part_bytes // 2)
        self._preparation = Preparation(self._client)
        # Apart, so that pictures are served while a slow server holds up those that arrive.
        self._writing = ThreadPoolExecutor(thread_count, thread_name_prefix="s3-writing")
        self._reading = ThreadPoolExecutor(thread_count, thread_name_prefix="s3-reading")

    def writer(self, prefix: Buffer = b"") -> BackgroundWriter:
        """Return a writer of a new blob; see the port."""
        draft = Draft(self._client, self._preparation, self._part_bytes)
        return BackgroundWriter(self._writing, draft, prefix, self._pieces)

    async def put(self, key: str, data: Buffer) -> Stored:
        """Store a small blob, unless its key exists; see the port."""
        writer = self.writer()
        writer.write(data)
        return await writer.commit(lambda _sha256: key)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a part of a blob; see the port."""
        return await self._start(self._reading, self._read_part, key, offset, length)

    async def stream(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield a part of a blob in pieces of 256 KiB, the next one read while the last one is used; see the port."""
        part = await self._start(self._reading, Part, self._client, key, offset, length)
        ahead = self._start(self._reading, part.next_piece)
        try:
            while piece := await asyncio.shield(ahead):
                ahead = self._start(self._reading, part.next_piece)
                yield piece
        finally:
            await asyncio.wait([ahead])
            ahead.exception()  # nobody waits for it any more
            part.close()

    async def stat(self, key: str) -> BlobInfo:
        """Return what is known of a blob; see the port."""
        return await self._start(self._reading, self._stat, key)

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        """Yield every blob whose key starts with `prefix`, sorted by key; see the port."""
        found = self._client.listing(prefix)
        while infos := await self._start(self._reading, _next_infos, found):
            for info in infos:
                yield info

    async def delete(self, key: str) -> None:
        """Remove a blob; no error if it is not there."""
        await self._start(self._writing, self._delete, key)

    async def create_bucket(self) -> None:
        """Make the bucket if it is not there; see that the server keeps what this store promises.

        Raises
        ------
        Unavailable
        UnsafeConfiguration
            If the server would overwrite what exists.
        """
        await self._start(self._writing, self._preparation.prepare)

    async def check(self) -> None:
        """Write, read and remove a probe; see the port."""
        await self._start(self._writing, self._check)

    async def close(self) -> None:
        """Wait for what is being written, then release everything."""
        await asyncio.to_thread(self._close)

    def _read_part(self, key: str, offset: int, length: int | None) -> bytes:
        part = Part(self._client, key, offset, length)
        try:
            return part.next_piece(None)
        finally:
            part.close()

    def _stat(self, key: str) -> BlobInfo:
        with looking_up():
            to_path(key)  # raises if no blob can have it
            status = self._client.status(key)
            if status is None:
                raise NotFound("no such blob")
            return BlobInfo(key, status.size_bytes, status.stored_at)

    def _delete(self, key: str) -> None:
        if _is_ours(key):
            self._preparation.prepare()
            with answering("delete"):
                self._client.remove(key)

    def _check(self) -> None:
        self._preparation.prepare()
        probe(self._client)

    def _close(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()
        self._client.close()

    @staticmethod
    def _start(
        threads: Executor, function: Callable[[*_Arguments], _Result], *arguments: *_Arguments
    ) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(threads, function, *arguments)


def _next_infos(found: Iterator[tuple[str, int, datetime]]) -> tuple[BlobInfo, ...]:
    with answering("list"):
        ours = (each for each in found if _is_ours(each[0]))
        return tuple(BlobInfo(*each) for each in islice(ours, _LISTED_AT_A_TIME))


def _is_ours(key: str) -> bool:
    """Tell whether a blob can have this key: what is in the making, or somebody else's, cannot."""
    try:
        to_path(key)
    except InvalidKey:
        return False
    return True
