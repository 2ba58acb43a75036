"""Content-Encoding for text that compresses well (JSON); pixel data is never compressed again."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from functools import cache, lru_cache
from typing import Final, Protocol

import zstandard
from starlette.requests import Request

from radstream.web.streaming import closed_after

PACKET_BYTES: Final = 1024


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def compressed(request: Request, pieces: AsyncIterator[bytes]) -> tuple[AsyncIterator[bytes], dict[str, str]]:
    """Return `pieces` compressed as the client likes, and the headers that say how: zstd, gzip, or as they are."""
    accepted = _encodings(request.headers.get("accept-encoding", ""))
    if "zstd" in accepted:
        return _compress(pieces, zstandard.ZstdCompressor(level=3).compressobj()), {"content-encoding": "zstd"}
    if "gzip" in accepted:
        return _compress(pieces, zlib.compressobj(1, wbits=31)), {"content-encoding": "gzip"}
    return pieces, {}


def compressed_whole(request: Request, data: bytes) -> tuple[bytes, dict[str, str]]:
    """Return `data` compressed as the client likes, and the headers that say how; for what is made whole.

    What fits into one packet is left as it is: it would arrive no sooner.
    """
    accepted = _encodings(request.headers.get("accept-encoding", "")) if len(data) > PACKET_BYTES else frozenset()
    if "zstd" in accepted:
        return _zstd().compress(data), {"content-encoding": "zstd"}
    if "gzip" in accepted:
        return zlib.compress(data, 1, wbits=31), {"content-encoding": "gzip"}
    return data, {}


@cache
def _zstd() -> zstandard.ZstdCompressor:
    """Return the one compressor of the event loop: making one takes longer than compressing a few kilobytes."""
    return zstandard.ZstdCompressor(level=3)


@lru_cache(64)
def _encodings(header: str) -> frozenset[str]:
    """Return the encodings that the client accepts (RFC 9110 12.5.3); ``*`` is not taken for an invitation."""
    coded = (item.replace(" ", "").lower().partition(";q=") for item in header.split(","))
    return frozenset(name for name, _, quality in coded if quality.strip("0.") or not quality)


async def _compress(pieces: AsyncIterator[bytes], compressor: _Compressor) -> AsyncIterator[bytes]:
    async with closed_after(pieces) as source:
        async for piece in source:
            if out := compressor.compress(piece):
                yield out
    yield compressor.flush()
