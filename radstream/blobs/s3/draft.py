"""A blob in the making as its thread sees it: put in one piece if it is small, in parts under a temporary key if not.

The key is made of the SHA-256, so it is known only at the end. A large blob is therefore copied, within the server,
from its temporary key. No more than two parts are in memory.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from radstream.blobs.keys import to_path
from radstream.blobs.port import Buffer, Stored
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
    prefix_bytes : int
        How many of the first bytes are not part of the SHA-256.
    part_bytes : int
        A blob up to this size is put in one piece, a larger one in parts of this size; `SMALLEST_PART_BYTES` or more.
    """

    def __init__(self, client: Client, preparation: Preparation, prefix_bytes: int, part_bytes: int) -> None:
        self._client = client
        self._preparation = preparation
        self._part_bytes = part_bytes
        self._unhashed_bytes = prefix_bytes
        self._sha256 = hashlib.sha256()
        self._id = uuid.uuid4().hex
        self._rest = bytearray()
        self._upload: str | None = None
        self._etags: list[str] = []
        self._digests: list[str] = []
        self._size_bytes = 0

    def append(self, data: Buffer) -> None:
        """Hash `data`, and upload what makes a part.

        Raises
        ------
        Unavailable
        """
        try:
            self._append(data)
        except BaseException:
            self.discard()
            raise

    def finish(self, rest: Buffer, key: Callable[[str], str]) -> Stored:
        """Add `rest` and give the blob the key that `key` makes of the SHA-256, unless it is there.

        Raises
        ------
        Unavailable
        InvalidKey
        """
        try:
            self._append(rest)
            sha256 = self._sha256.hexdigest()
            name = key(sha256)
            to_path(name)  # raises InvalidKey
            self._preparation.prepare()
            with answering("write"):
                if self._upload is None:
                    info, created = put(self._client, name, self._rest, self._id)
                else:
                    info, created = copy_in(self._client, name, self._id, self._completed())
            return Stored(info, created, sha256)
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

    def _append(self, data: Buffer) -> None:
        view = memoryview(data)
        self._size_bytes += len(view)
        self._sha256.update(view[self._unhashed_bytes :])
        self._unhashed_bytes = max(0, self._unhashed_bytes - len(view))
        while len(self._rest) + len(view) > self._part_bytes:
            length = self._part_bytes - len(self._rest)
            self._rest += view[:length]
            view = view[length:]
            self._send()
        self._rest += view

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
