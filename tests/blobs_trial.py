"""Blobs to write to any store, and to read back."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from radstream.blobs.port import BlobStore

KEY = "main/instances/1.2/1.2.3/1.2.3.4/" + 64 * "a" + ".dcm"

LARGE = bytes(range(256)) * (5 << 12)  # 5 MiB: several pieces of any adapter
SHA256_OF_LARGE = hashlib.sha256(LARGE).hexdigest()


async def write(store: BlobStore, data: bytes, key: str = KEY, prefix: bytes = b"", piece: int = 100_000) -> str:
    writer = store.writer(prefix)
    for start in range(0, len(data), piece):
        writer.write(data[start : start + piece])
        await writer.drain()
    stored = await writer.commit(lambda _sha256: key)
    return stored.sha256


async def keys(store: BlobStore, prefix: str) -> list[str]:
    return sorted([info.key async for info in store.list(prefix)])


async def collect(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])
