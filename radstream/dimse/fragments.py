"""A data set cut into fragments that fit the peer's PDUs (PS3.8 E.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

_JOINED_BYTES: Final = 16 << 10
"""Up to here to copy is cheaper than a PDU of its own."""


def cut(data: bytes, size: int) -> Iterator[tuple[memoryview, bool]]:
    """Yield `data` in fragments of `size` bytes, and whether each is the last; one empty fragment for no data."""
    view = memoryview(data)
    last = max(0, len(data) - 1) // size * size
    for offset in range(0, last, size):
        yield view[offset : offset + size], False
    yield view[last:], True


async def cut_stream(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[tuple[memoryview, bool]]:
    """Yield what `chunks` are together in fragments of at most `size` bytes, and whether each is the last.

    Fragments are views of the chunks, the latest of which is held back until it is known not to be the last. Only
    small chunks are joined, and those with an odd number of bytes, as only the last fragment may have one.
    """
    rest = memoryview(b"")
    async for chunk in chunks:
        if len(rest) + len(chunk) <= _JOINED_BYTES or len(rest) % 2:
            rest = memoryview(bytes(rest) + chunk)
        elif chunk:
            if rest:
                yield rest, False
            rest = memoryview(chunk)
        while len(rest) > size:
            yield rest[:size], False
            rest = rest[size:]
    yield rest, True
