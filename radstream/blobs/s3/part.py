"""A part of a blob on its way from the server, read piece by piece."""

from __future__ import annotations

from typing import Any

from minio.error import S3Error

from radstream.blobs.keys import to_path
from radstream.blobs.s3.client import Client
from radstream.blobs.s3.errors import answering, looking_up
from radstream.contract.errors import NotFound


class Part:
    """A part of a blob, open until closed; may be used by one thread after the other.

    Parameters
    ----------
    offset : int
        Where it begins, in bytes; beyond the end of the blob the part is empty.
    length : int or None
        At most so many bytes; None for all of the rest.

    Raises
    ------
    NotFound, Unavailable
    ValueError
        If `offset` or `length` is negative.
    """

    def __init__(self, client: Client, key: str, offset: int, length: int | None) -> None:
        if offset < 0 or (length is not None and length < 0):
            raise ValueError("a part of a blob begins at or after its start and is not shorter than nothing")
        with looking_up():
            to_path(key)  # raises if no blob can have it
            self._answer = _open(client, key, offset, length)

    def next_piece(self, length: int | None = 256 << 10) -> bytes:
        """Return the next up to `length` bytes; empty at the end.

        Raises
        ------
        Unavailable
            Also if the server goes away before the end.
        """
        if self._answer is None:
            return b""
        with answering("read"):
            return bytes(self._answer.read(length))

    def close(self) -> None:
        """Give the connection back, or close it if there is more to come on it."""
        if self._answer is not None:
            self._answer.close()
            self._answer.release_conn()


def _open(client: Client, key: str, offset: int, length: int | None) -> Any:
    """Return the server's answer; None for a part without bytes."""
    if length == 0:
        if client.status(key) is None:
            raise NotFound("no such blob")
        return None
    try:
        return client.open(key, offset, length)
    except S3Error as error:
        if error.code != "InvalidRange":
            raise
        return None
