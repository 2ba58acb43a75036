"""What is done once, before the first write: the bucket is made, the server's promise tried, old leftovers swept."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from radstream.blobs.port import Buffer
from radstream.blobs.s3.client import Client
from radstream.blobs.s3.errors import answering
from radstream.blobs.s3.placing import INCOMING, put
from radstream.contract.errors import RadstreamError, Unavailable, UnsafeConfiguration
from radstream.telemetry import get_logger

log = get_logger(__name__)

_LEFT_BEHIND_AFTER: Final = timedelta(days=1)
_CLOCKS_DIFFER: Final = timedelta(seconds=5)
_PROBE: Final = b"written by a check of the blob store"


class Preparation:
    """Done by the first thread that needs it, while others wait; again by the next one if it failed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._was_done = False

    def prepare(self) -> None:
        """Return when it is done.

        Raises
        ------
        Unavailable
        UnsafeConfiguration
            If the server does not honour ``If-None-Match: *``, so that existing blobs would be overwritten.
        """
        if self._was_done:
            return
        with self._lock:
            if not self._was_done:
                with answering("be prepared"):
                    self._client.make_bucket_if_missing()
                    _try_promise(self._client)
                with suppress(RadstreamError), answering("tidy up"):
                    sweep(self._client, datetime.now(UTC) - _LEFT_BEHIND_AFTER)
                self._was_done = True


def sweep(client: Client, begun_before: datetime) -> None:
    """Remove what drafts left behind that were begun before a time: temporary objects, and parts of any upload."""
    for key, _, modified_at in client.listing(INCOMING):
        if modified_at < begun_before:
            client.remove(key)
    for key, upload_id, begun_at in client.uploads():
        if begun_at < begun_before:
            client.abort(key, upload_id)


def probe(client: Client) -> None:
    """Write, read and remove an object.

    Raises
    ------
    Unavailable
    """
    with answering("be used"):
        key = _write_probe(client, _PROBE)
        answer = client.open(key, 0, None)
        try:
            data = answer.read()
        finally:
            answer.close()
            answer.release_conn()
        client.remove(key)
    if data != _PROBE:
        raise Unavailable("the blob store does not give back what was written to it")


def _try_promise(client: Client) -> None:
    key = _write_probe(client, b"first")
    _compare_clocks(client, key)
    _, created = put(client, key, b"second", uuid.uuid4().hex)
    client.remove(key)
    if created:
        raise UnsafeConfiguration(
            "The S3 server overwrites what exists although it is told not to (If-None-Match: *). Blobs must never be "
            "overwritten: use a server that honours it."
        )


def _compare_clocks(client: Client, key: str) -> None:
    """Say so if our clock and the server's differ: then others' may differ too, who store versions of an instance."""
    status = client.status(key)
    if status is not None and (apart := abs(status.modified_at - status.stored_at)) > _CLOCKS_DIFFER:
        log.warning("clocks_differ", delay_s=round(apart.total_seconds()), reason="this one and the blob store's")


def _write_probe(client: Client, data: Buffer) -> str:
    key = f"{INCOMING}probe-{uuid.uuid4().hex}"
    put(client, key, data, uuid.uuid4().hex)
    return key
