"""A data set cut into fragments that fit the peer's PDUs (PS3.8 E.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator


def cut(data: bytes, size: int) -> Iterator[tuple[memoryview, bool]]:
    """Yield `data` in fragments of `size` bytes, and whether each is the last; one empty fragment for no data."""
    view = memoryview(data)
    last = max(0, len(data) - 1) // size * size
    for offset in range(0, last, size):
        yield view[offset : offset + size], False
    yield view[last:], True


async def cut_stream(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[tuple[memoryview, bool]]:
    """Yield what `chunks` are together in fragments of `size` bytes, and whether each is the last.

    At most one fragment is held back and copied at each chunk's end, since only the end may be shorter, and odd.
    """
    rest = b""
    async for chunk in chunks:
        view = memoryview(rest + chunk if rest else chunk)
        offset = 0
        while len(view) - offset > size:
            yield view[offset : offset + size], False
            offset += size
        rest = bytes(view[offset:])
    yield memoryview(rest), True
