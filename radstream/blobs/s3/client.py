"""The S3 calls that the store needs, blocking, with the two that minio's SDK lacks: to create but never replace.

The SDK is pinned exactly, and its protected methods are used in this file only.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import urllib3
from minio import Minio
from minio.error import S3Error
from minio.helpers import check_bucket_name
from minio.xml import Element, SubElement, getbytes

from radstream.blobs.clock import Clock
from radstream.blobs.port import Buffer
from radstream.contract.events import from_timestamp, to_timestamp

# The first write after a SeaweedFS was killed may take 5 s: a shorter timeout would give up what is about to succeed.
_TIMEOUT: Final = urllib3.Timeout(connect=2, read=9)
_RETRIES: Final = urllib3.Retry(
    total=2, connect=2, read=1, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504), redirect=0
)
_WRITER: Final = "x-amz-meta-writer"
_STORED_AT: Final = "x-amz-meta-stored-at"
_CREATE_ONLY: Final = {"If-None-Match": "*"}
_EXISTS: Final = ("PreconditionFailed", "ConditionalRequestConflict")


@dataclass(frozen=True)
class Status:
    """What S3 says of an object.

    Parameters
    ----------
    modified_at : datetime
        By the server's clock, in whole seconds, UTC.
    stored_at : datetime
        By the clock of who created it, in microseconds, UTC; `modified_at` if we did not create it.
    writer_id : str
        Who created it, see `Client`; empty if we did not.
    """

    size_bytes: int
    modified_at: datetime
    stored_at: datetime
    etag: str
    writer_id: str


class Client(Minio):
    """One bucket of an S3 server. Every call blocks and may be made from any thread.

    An object carries the id of the draft that created it: after an answer was lost, this tells "it was I" from
    "somebody else was first". And it carries when that was: the server itself keeps only whole seconds, and a bucket
    that is copied to another server takes this along.

    Parameters
    ----------
    keys : tuple of str
        Access key and secret key.

    Raises
    ------
    ValueError
        If `endpoint` or `bucket` cannot be one.
    minio.error.MinioException, urllib3.exceptions.HTTPError, OSError
        By every method.
    """

    def __init__(self, endpoint: str, bucket: str, keys: tuple[str, str], *, secure: bool, region: str) -> None:
        check_bucket_name(bucket, strict=True)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # else it tells of every retry while the server is away
        pool = urllib3.PoolManager(
            maxsize=32,
            timeout=_TIMEOUT,
            retries=_RETRIES,
            ssl_context=ssl.create_default_context() if secure else None,
        )
        access_key, secret_key = keys
        super().__init__(endpoint, access_key, secret_key, secure=secure, region=region, http_client=pool)
        self._bucket = bucket
        self._pool = pool
        self._clock = Clock()

    def make_bucket_if_missing(self) -> None:
        """Make the bucket; no error if it is there already."""
        try:
            if not self.bucket_exists(self._bucket):
                self.make_bucket(self._bucket)
        except S3Error as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    def create(self, key: str, data: Buffer, writer_id: str) -> str | None:
        """Put an object unless there is one; return its ETag, None if there was one."""
        headers = {"Content-Type": "application/octet-stream"} | self._origin(writer_id) | _CREATE_ONLY
        return self._unless_there("PUT", key, data, headers, None)

    def status(self, key: str) -> Status | None:
        """Return what is known of an object; None if there is none."""
        try:
            found = self.stat_object(self._bucket, key)
        except S3Error as error:
            # An answer to HEAD has no body, so a missing bucket looks like a missing object.
            if error.code not in ("NoSuchKey", "NoSuchBucket"):
                raise
            if not self.bucket_exists(self._bucket):
                raise error.copy("NoSuchBucket", "Bucket does not exist") from error
            return None
        origin = {name.lower(): value for name, value in found.metadata.items()}
        modified_at = found.last_modified.replace(microsecond=0)
        stored_at = _moment(origin.get(_STORED_AT, "")) or modified_at
        return Status(found.size, modified_at, stored_at, found.etag, origin.get(_WRITER, ""))

    def open(self, key: str, offset: int, length: int | None) -> Any:
        """Return the answer to a GET of a part (`length` is not 0), its body unread; to be closed and released."""
        return self.get_object(self._bucket, key, offset, length or 0)

    def listing(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        """Yield key, size and time (in whole seconds) of each object whose key starts with `prefix`."""
        for found in self.list_objects(self._bucket, prefix, recursive=True):
            if not found.is_dir:
                yield found.object_name, found.size, found.last_modified.replace(microsecond=0)

    def remove(self, key: str) -> None:
        """Remove an object; no error if there is none."""
        self.remove_object(self._bucket, key)

    def begin(self, key: str, writer_id: str = "") -> str:
        """Begin a multipart upload; return its id."""
        return str(self._create_multipart_upload(self._bucket, key, self._origin(writer_id)))

    def upload(self, key: str, upload_id: str, number: int, data: Buffer) -> str:
        """Upload part `number`, from 1; return its ETag."""
        return str(self._upload_part(self._bucket, key, data, None, upload_id, number))

    def copy(self, key: str, upload_id: str, number: int, source: str, span: tuple[int, int]) -> str:
        """Copy a part within the server: the bytes from ``span[0]`` to before ``span[1]`` of `source`."""
        headers = {
            "x-amz-copy-source": f"/{self._bucket}/{source}",
            "x-amz-copy-source-range": f"bytes={span[0]}-{span[1] - 1}",
        }
        etag, _ = self._upload_part_copy(self._bucket, key, upload_id, number, headers)
        return str(etag)

    def complete(self, key: str, upload_id: str, etags: list[str], *, create_only: bool) -> bool:
        """Make the parts an object; with `create_only` return False, and change nothing, if there is one."""
        body = _manifest(etags)
        headers = {"Content-Type": "application/xml", "Content-MD5": base64.b64encode(_md5(body).digest()).decode()}
        headers |= _CREATE_ONLY if create_only else {}
        return self._unless_there("POST", key, body, headers, {"uploadId": upload_id}) is not None

    def abort(self, key: str, upload_id: str) -> None:
        """Forget a multipart upload."""
        self._abort_multipart_upload(self._bucket, key, upload_id)

    def uploads(self) -> list[tuple[str, str, datetime]]:
        """Return key, id and begin of the multipart uploads that were begun and not ended (1000 at most)."""
        found = self._list_multipart_uploads(self._bucket).uploads
        return [(upload.object_name, upload.upload_id, upload.initiated_time) for upload in found]

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._pool.clear()

    def _origin(self, writer_id: str) -> dict[str, str]:
        """Return what an object carries along: who creates it, and that it is now."""
        return {_WRITER: writer_id, _STORED_AT: to_timestamp(self._clock.now())}

    def _unless_there(
        self, method: str, key: str, body: Buffer, headers: dict[str, str], query: dict[str, str] | None
    ) -> str | None:
        try:
            answer = self._execute(method, self._bucket, key, body=body, headers=headers, query_params=query)
        except S3Error as error:
            if error.code in _EXISTS:
                return None
            raise
        return str(answer.headers.get("etag", "")).strip('"')


def _moment(text: str) -> datetime | None:
    """Return the time that `text` says; None if it says none: it is somebody else's object."""
    try:
        return from_timestamp(text)
    except ValueError:
        return None


def md5(data: Buffer) -> str:
    """Return the MD5 of `data` in hexadecimal, which is the ETag of an object or part that was put in one piece."""
    return str(_md5(data).hexdigest())


def _md5(data: Buffer) -> Any:
    return hashlib.md5(data, usedforsecurity=False)


def _manifest(etags: list[str]) -> bytes:
    root = Element("CompleteMultipartUpload")
    for number, etag in enumerate(etags, 1):
        part = SubElement(root, "Part")
        SubElement(part, "PartNumber", str(number))
        SubElement(part, "ETag", f'"{etag}"')
    return bytes(getbytes(root))
