"""A blob in the making as its thread sees it: put in one piece if it is small, in parts under a temporary key if not.

The key is made of the SHA-256, so it is known only at the end. A large blob is therefore copied, within the server,
from its temporary key. No more than two parts are in memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from radstream.blobs.keys import to_path
from radstream.blobs.port import BlobInfo
from radstream.blobs.s3.client import Client, md5
from radstream.blobs.s3.errors import answering
from radstream.blobs.s3.placing import INCOMING, Parts, copy_in, put
from radstream.blobs.s3.preparing import Preparation
from radstream.contract.errors import RadstreamError

SMALLEST_PART_BYTES: Final = 5 << 20
"""S3's own limit, for all parts but the last."""


class Draft:
    """See `radstream.blobs.writer.Draft`.

    Parameters
    ----------
    part_bytes : int
        A blob up to this size is put in one piece, a larger one in parts of this size; `SMALLEST_PART_BYTES` or more.
    """

    def __init__(self, client: Client, preparation: Preparation, part_bytes: int) -> None:
        self._client = client
        self._preparation = preparation
        self._part_bytes = part_bytes
        self._id = uuid.uuid4().hex
        self._rest = bytearray()
        self._upload: str | None = None
        self._etags: list[str] = []
        self._digests: list[str] = []
        self._size_bytes = 0

    def append(self, pieces: Sequence[memoryview]) -> None:
        """Take `pieces`, and upload what makes a part.

        Raises
        ------
        Unavailable
        """
        try:
            self._append(pieces)
        except BaseException:
            self.discard()
            raise

    def finish(self, pieces: Sequence[memoryview], key: str) -> tuple[BlobInfo, bool]:
        """Add `pieces` and give the blob its key, unless that is there.

        Raises
        ------
        Unavailable
        InvalidKey
        """
        try:
            self._append(pieces)
            to_path(key)  # raises InvalidKey
            self._preparation.prepare()
            with answering("write"):
                if self._upload is None:
                    return put(self._client, key, self._rest, self._id)
                return copy_in(self._client, key, self._id, self._completed())
        finally:
            self.discard()

    def settle(self) -> None:
        """Do nothing: what a server has acknowledged is durable."""

    def discard(self) -> None:
        """Forget everything, in the server too; never raises: what cannot be removed now is swept later."""
        self._rest = bytearray()
        upload, self._upload = self._upload, None
        with suppress(RadstreamError), answering("tidy up"):
            if upload:
                self._client.abort(self._name, upload)
            elif upload is not None:
                self._client.remove(self._name)

    @property
    def _name(self) -> str:
        return f"{INCOMING}{self._id}"

    def _append(self, pieces: Sequence[memoryview]) -> None:
        for piece in pieces:
            self._size_bytes += len(piece)
            rest = piece
            while len(self._rest) + len(rest) > self._part_bytes:
                length = self._part_bytes - len(self._rest)
                self._rest += rest[:length]
                rest = rest[length:]
                self._send()
            self._rest += rest

    def _send(self) -> None:
        """Upload `_rest` as the next part."""
        part, self._rest = self._rest, bytearray()
        self._preparation.prepare()
        with answering("write"):
            if self._upload is None:
                self._upload = self._client.begin(self._name)
            self._etags.append(self._client.upload(self._name, self._upload, len(self._etags) + 1, part))
        self._digests.append(md5(part))

    def _completed(self) -> Parts:
        """Upload the last part and complete the temporary object."""
        self._send()
        assert self._upload
        self._client.complete(self._name, self._upload, self._etags, create_only=False)
        self._upload = ""  # nothing to abort any more, but an object to remove
        return Parts(self._name, self._size_bytes, self._part_bytes, self._digests)
