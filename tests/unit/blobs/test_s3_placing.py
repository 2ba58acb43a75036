"""A server that answers wrongly is not believed: no success without the bytes being there."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from radstream.blobs.s3.client import Client, Status, md5
from radstream.blobs.s3.draft import Draft
from radstream.blobs.s3.placing import Parts, put
from radstream.blobs.s3.preparing import Preparation
from radstream.contract.errors import Unavailable, UnsafeConfiguration

PART_BYTES = 5 << 20
NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Answer(io.BytesIO):
    def release_conn(self) -> None:
        return


class FakeClient(Client):
    """A bucket in memory; its answers can be bent.

    Attributes
    ----------
    etag_of : what the server says is the ETag of some bytes
    spoil : what it makes of bytes before it keeps them
    """

    def __init__(self, etag_of: Callable[[bytes], str] = md5, spoil: Callable[[bytes], bytes] = bytes) -> None:
        self.etag_of, self.spoil = etag_of, spoil
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.begun: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.overwrites = False

    def make_bucket_if_missing(self) -> None:
        return

    def create(self, key: str, data: Any, writer_id: str) -> str | None:
        if key in self.objects and not self.overwrites:
            return None
        self.objects[key] = (self.spoil(bytes(data)), writer_id)
        return self.etag_of(bytes(data))

    def status(self, key: str) -> Status | None:
        if key not in self.objects:
            return None
        data, writer_id = self.objects[key]
        return Status(len(data), NOW, NOW, self.etag_of(data), writer_id)

    def open(self, key: str, offset: int, length: int | None) -> Any:
        return Answer(self.objects[key][0][offset : offset + length if length else None])

    def listing(self, prefix: str) -> Any:
        return iter(())

    def uploads(self) -> list[tuple[str, str, datetime]]:
        return []

    def remove(self, key: str) -> None:
        self.objects.pop(key, None)

    def begin(self, key: str, writer_id: str = "") -> str:
        upload_id = uuid.uuid4().hex
        self.begun[upload_id] = (writer_id, {})
        return upload_id

    def upload(self, key: str, upload_id: str, number: int, data: Any) -> str:
        self.begun[upload_id][1][number] = bytes(data)
        return self.etag_of(bytes(data))

    def copy(self, key: str, upload_id: str, number: int, source: str, span: tuple[int, int]) -> str:
        part = self.spoil(self.objects[source][0][slice(*span)])
        self.begun[upload_id][1][number] = part
        return self.etag_of(part)

    def complete(self, key: str, upload_id: str, etags: list[str], *, create_only: bool) -> bool:
        writer_id, parts = self.begun.pop(upload_id)
        if create_only and key in self.objects:
            self.begun[upload_id] = (writer_id, parts)
            return False
        self.objects[key] = (b"".join(parts[number] for number in range(1, len(etags) + 1)), writer_id)
        return True

    def abort(self, key: str, upload_id: str) -> None:
        self.begun.pop(upload_id, None)


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:] if data else data


def draft(client: FakeClient) -> Draft:
    preparation = Preparation(client)
    preparation._was_done = True
    return Draft(client, preparation, PART_BYTES)


@pytest.mark.parametrize("size", [1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_blob_that_arrives_damaged_is_no_success_and_is_gone(size: int) -> None:
    client = FakeClient(spoil=flipped)
    with pytest.raises(Unavailable, match="give back"):
        draft(client).finish([memoryview(bytes(size))], "main/a")
    assert client.objects == {}
    assert client.begun == {}


@pytest.mark.parametrize("size", [1, 3 * PART_BYTES])
def test_blob_that_arrives_shortened_is_no_success(size: int) -> None:
    client = FakeClient(spoil=lambda data: data[:-1])
    with pytest.raises(Unavailable, match="give back"):
        draft(client).finish([memoryview(bytes(size))], "main/a")


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
@pytest.mark.parametrize("etag_of", [md5, lambda _data: "of-some-other-kind"], ids=["md5", "other"])
def test_sound_blob_is_a_success_whatever_the_server_calls_it(size: int, etag_of: Callable[[bytes], str]) -> None:
    client = FakeClient(etag_of)
    info, created = draft(client).finish([memoryview(bytes(size))], "main/a")
    assert created
    assert info.size_bytes == size
    assert {key: len(data) for key, (data, _) in client.objects.items()} == {"main/a": size}
    assert client.begun == {}


def test_large_blob_that_is_there_is_not_copied_again() -> None:
    client = FakeClient()
    first = draft(client).finish([memoryview(bytes(2 * PART_BYTES))], "main/a")
    second = draft(client).finish([memoryview(bytes(3 * PART_BYTES))], "main/a")
    assert (first[1], second[1]) == (True, False)
    assert second[0] == first[0]
    assert list(client.objects) == ["main/a"]
    assert client.begun == {}


def test_key_that_is_never_free_nor_there_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient()
    monkeypatch.setattr(client, "status", lambda _key: None)
    with pytest.raises(Unavailable, match="contended"):
        put(client, "main/a", b"x", "me")


def test_server_that_overwrites_is_refused() -> None:
    client = FakeClient()
    client.overwrites = True
    with pytest.raises(UnsafeConfiguration, match="If-None-Match"):
        Preparation(client).prepare()
    client.overwrites = False
    Preparation(client).prepare()
    assert client.objects == {}


def test_spans_cover_the_object() -> None:
    assert Parts("k", 11, 5, []).spans == [(0, 5), (5, 10), (10, 11)]
    assert Parts("k", 10, 5, []).spans == [(0, 5), (5, 10)]
    assert Parts("k", 0, 1, []).spans == []
