"""The S3 server is killed, away, full of leftovers, or told lies about: what was acknowledged is there, whole, once.

RADSTREAM_TEST_KILLS shortens or lengthens the trial.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from deploy.engines.seaweedfs import SeaweedFs
from radstream.blobs.s3 import S3BlobStore, open_bucket
from radstream.blobs.s3.client import Client
from radstream.blobs.s3.placing import INCOMING, put
from radstream.blobs.s3.preparing import sweep
from radstream.contract.errors import NotFound, Unavailable
from tests.engines import seaweedfs

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "20"))
WRITERS = 4


@pytest.fixture
def engine() -> SeaweedFs:
    return seaweedfs()


@pytest.fixture
def url(engine: SeaweedFs) -> str:
    return engine.bucket_url(f"faults-{uuid.uuid4().hex[:12]}")


@pytest.fixture
async def store(url: str) -> AsyncIterator[S3BlobStore]:
    store = open_bucket(url)
    yield store
    await store.close()


@pytest.fixture
def client(url: str) -> Client:
    parts = urlsplit(url)
    keys = (parts.username or "", parts.password or "")
    return Client(parts.netloc.partition("@")[2], parts.path.strip("/"), keys, secure=False, region="us-east-1")


def some_bytes(chance: random.Random) -> bytes:
    """Return mostly small blobs, and now and then one that goes in parts."""
    return chance.randbytes(chance.choice([0, 900, 30_000, 300_000, 300_000, 1_500_000, 18_000_000]))


async def write_until(stop: asyncio.Event, store: S3BlobStore, seed: int, acknowledged: dict[str, str]) -> None:
    """Store one blob after the other; what is not acknowledged is sent again, as a modality does."""
    chance = random.Random(seed)
    while not stop.is_set():
        data = some_bytes(chance)
        while True:
            try:
                stored = await store_one(store, data)
            except Unavailable:
                await asyncio.sleep(0.1)
            else:
                acknowledged[stored] = hashlib.sha256(data).hexdigest()
                break


async def store_one(store: S3BlobStore, data: bytes) -> str:
    writer = store.writer()
    for start in range(0, len(data), 1 << 20):
        writer.write(data[start : start + (1 << 20)])
        await writer.drain()
    return (await writer.commit(lambda sha256: f"main/instances/1/2/3/{sha256}.dcm")).info.key


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(engine: SeaweedFs, store: S3BlobStore) -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    chance = random.Random(seed)
    acknowledged: dict[str, str] = {}
    stop = asyncio.Event()
    recoveries = []
    await store.create_bucket()
    async with asyncio.TaskGroup() as group:
        for number in range(WRITERS):
            group.create_task(write_until(stop, store, seed + number, acknowledged))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 1.2))
            await asyncio.to_thread(engine.kill)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(engine.start)
            recoveries.append(await seconds_until_more(acknowledged))
        stop.set()
    print(f"{len(acknowledged)} acknowledged, longest recovery {max(recoveries):.2f} s")
    assert max(recoveries) < 10
    listed = [info async for info in store.list("")]
    assert sorted(info.key for info in listed) == sorted(set(acknowledged))
    for info in listed:
        digest = hashlib.sha256()
        async for piece in store.stream(info.key):
            digest.update(piece)
        assert digest.hexdigest() == acknowledged[info.key]
        assert (await store.stat(info.key)).size_bytes == info.size_bytes


async def seconds_until_more(acknowledged: dict[str, str]) -> float:
    before, start = len(acknowledged), time.monotonic()
    for _ in range(3000):
        if len(acknowledged) > before:
            break
        await asyncio.sleep(0.01)
    return time.monotonic() - start


async def test_away_is_unavailable_and_over_without_a_restart(engine: SeaweedFs, store: S3BlobStore) -> None:
    await store.put("main/pending/1/a.json", b"{}")
    stream = store.stream("main/pending/1/a.json")
    engine.kill()
    try:
        calls = [
            store.put("main/pending/1/b.json", b"{}"),
            store.read("main/pending/1/a.json"),
            store.stat("main/pending/1/a.json"),
            store.stat("main/pending/1/nothing.json"),
            store.read("main/pending/1/a.json", 0, 0),
            anext(stream),
            anext(store.list("main/")),
            store.delete("main/pending/1/a.json"),
            store.check(),
        ]
        start = time.monotonic()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * len(calls)
        assert time.monotonic() - start < 10
    finally:
        await asyncio.to_thread(engine.start)
    assert await store.read("main/pending/1/a.json") == b"{}"
    await store.check()
    with pytest.raises(NotFound):
        await store.stat("main/pending/1/nothing.json")


async def test_server_that_goes_in_the_middle_of_a_blob_is_noticed(engine: SeaweedFs, store: S3BlobStore) -> None:
    key = await store_one(store, random.Random(1).randbytes(40_000_000))
    stream = store.stream(key)
    await anext(stream)
    engine.kill()
    try:
        with pytest.raises(Unavailable):
            async for _ in stream:
                pass
    finally:
        await asyncio.to_thread(engine.start)


async def test_bucket_that_vanishes_is_no_empty_store(store: S3BlobStore, client: Client) -> None:
    await store.create_bucket()
    await asyncio.to_thread(client.remove_bucket, client._bucket)
    with pytest.raises(Unavailable, match="bucket"):
        await store.stat("main/pending/1/a.json")
    with pytest.raises(Unavailable, match="bucket"):
        await store.read("main/pending/1/a.json")
    with pytest.raises(Unavailable, match="bucket"):
        [info async for info in store.list("")]


async def test_wrong_secret_is_explained(url: str) -> None:
    wrong = open_bucket(url.replace("@", "x@", 1))
    for call in (wrong.check(), wrong.read("main/a"), wrong.put("main/a", b"")):
        with pytest.raises(Unavailable, match="access key"):
            await call
    await wrong.close()


async def test_blob_whose_first_answer_was_lost_counts_as_created(store: S3BlobStore, client: Client) -> None:
    await store.create_bucket()
    draft_id = uuid.uuid4().hex
    assert await asyncio.to_thread(client.create, "main/a", b"data", draft_id)
    info, created = await asyncio.to_thread(put, client, "main/a", b"data", draft_id)
    assert created
    _, created_by_another = await asyncio.to_thread(put, client, "main/a", b"data", uuid.uuid4().hex)
    assert not created_by_another
    assert await store.stat("main/a") == info


async def test_leftovers_are_swept_when_they_are_old(store: S3BlobStore, client: Client) -> None:
    await store.put("main/a", b"kept")
    key = f"{INCOMING}left-behind"
    assert await asyncio.to_thread(client.create, key, b"data", "")
    upload_id = await asyncio.to_thread(client.begin, key)
    await asyncio.to_thread(client.upload, key, upload_id, 1, b"part")
    now = datetime.now(UTC)
    await asyncio.to_thread(sweep, client, now - timedelta(days=1))
    assert [each[0] for each in client.listing(INCOMING)] == [key]
    assert len(client.uploads()) == 1
    await asyncio.to_thread(sweep, client, now + timedelta(hours=1))
    assert list(client.listing(INCOMING)) == []
    assert client.uploads() == []
    assert [info.key async for info in store.list("")] == ["main/a"]


async def test_abandoned_large_blob_leaves_nothing_behind(store: S3BlobStore, client: Client) -> None:
    await store.create_bucket()
    writer = store.writer()
    for _ in range(30):
        writer.write(bytes(1 << 20))
        await writer.drain()
    await writer.abort()
    assert client.uploads() == []
    assert list(client.listing(INCOMING)) == []


STREAMS_200_MB = r"""
import asyncio, hashlib, os, re, sys
from pathlib import Path
from radstream.blobs.s3 import open_bucket

def peak():  # not ru_maxrss, which begins with that of the parent
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10

async def main():
    store = open_bucket(sys.argv[1])
    await store.check()
    before, digest, piece = peak(), hashlib.sha256(), os.urandom(128 << 10)
    writer = store.writer(b"meta")
    for number in range(1600):
        data = number.to_bytes(8, "big") + piece[8:]
        digest.update(data)
        writer.write(data)
        await writer.drain()
    stored = await writer.commit(lambda sha256: f"main/instances/1/2/3/{sha256}.dcm")
    assert stored.created and stored.sha256 == digest.hexdigest()
    read = hashlib.sha256()
    async for data in store.stream(stored.info.key, 4):
        read.update(data)
    assert read.hexdigest() == stored.sha256
    await store.close()
    print(peak() - before)

asyncio.run(main())
"""


def test_memory_does_not_grow_with_the_blob(url: str) -> None:
    outcome = subprocess.run([sys.executable, "-c", STREAMS_200_MB, url], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    grown_bytes = int(outcome.stdout)
    print(f"200 MiB in and out: {grown_bytes >> 20} MiB more")
    assert grown_bytes < 100 << 20
