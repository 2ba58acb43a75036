"""Gives a blob its key, unless the key is taken, and sees that what is there is what was meant.

What is compared is the MD5 that S3 gives as ETag of whatever is put in one piece. A server that gives something else
(encrypted buckets, copies of parts in SeaweedFS) has to give back the bytes themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from radstream.blobs.port import BlobInfo, Buffer
from radstream.blobs.s3.client import Client, Status, md5
from radstream.contract.errors import Unavailable

INCOMING: Final = ".incoming/"
"""Where blobs in the making lie; a key of the house never begins with a dot."""

_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Parts:
    """A temporary object that was uploaded in parts.

    Parameters
    ----------
    digests : list of str
        MD5 of each part.
    part_bytes : int
        Size of all parts but the last.
    """

    key: str
    size_bytes: int
    part_bytes: int
    digests: list[str]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """First byte of each part, and the one behind its last."""
        starts = range(0, self.size_bytes, self.part_bytes)
        return [(start, min(start + self.part_bytes, self.size_bytes)) for start in starts]


def put(client: Client, key: str, data: Buffer, writer_id: str) -> tuple[BlobInfo, bool]:
    """Store `data` in one piece; return what is under the key now, and whether it is this.

    Raises
    ------
    Unavailable
        If something else came back; it is gone then.
    """
    for attempt in range(_ATTEMPTS):
        client.create(key, data, writer_id)
        status = client.status(key)
        if status is not None:
            parts = Parts(key, len(data), max(1, len(data)), [md5(data)])
            return _outcome(client, key, status, writer_id, parts, [status.etag])
        time.sleep(0.05 * attempt)  # removed in between, or still on its way from somebody else
    raise Unavailable("the blob store cannot write (the key is contended)")


def copy_in(client: Client, key: str, writer_id: str, parts: Parts) -> tuple[BlobInfo, bool]:
    """Copy a temporary object to its key; otherwise as `put`."""
    for attempt in range(_ATTEMPTS):
        status = client.status(key)
        etags = [] if status is not None else _copy(client, key, writer_id, parts)
        status = status or client.status(key)
        if status is not None:
            return _outcome(client, key, status, writer_id, parts, etags)
        time.sleep(0.05 * attempt)
    raise Unavailable("the blob store cannot write (the key is contended)")


def _copy(client: Client, key: str, writer_id: str, parts: Parts) -> list[str]:
    upload_id = client.begin(key, writer_id)
    was_completed = False
    try:
        numbered = enumerate(parts.spans, 1)
        etags = [client.copy(key, upload_id, number, parts.key, span) for number, span in numbered]
        was_completed = client.complete(key, upload_id, etags, create_only=True)
    finally:
        if not was_completed:
            client.abort(key, upload_id)
    return etags


def _outcome(
    client: Client, key: str, status: Status, writer_id: str, parts: Parts, etags: list[str]
) -> tuple[BlobInfo, bool]:
    created = status.writer_id == writer_id
    if created and not (status.size_bytes == parts.size_bytes and _is_intact(client, key, parts, etags)):
        client.remove(key)
        raise Unavailable("the blob store does not give back what was written to it")
    return BlobInfo(key, status.size_bytes, status.stored_at), created


def _is_intact(client: Client, key: str, parts: Parts, etags: list[str]) -> bool:
    checked = zip(parts.spans or [(0, 0)], parts.digests, etags, strict=True)
    return all(etag == digest or md5(_read(client, key, span)) == digest for span, digest, etag in checked)


def _read(client: Client, key: str, span: tuple[int, int]) -> bytes:
    start, end = span
    if start == end:
        return b""
    answer = client.open(key, start, end - start)
    try:
        return bytes(answer.read())
    finally:
        answer.close()
        answer.release_conn()
