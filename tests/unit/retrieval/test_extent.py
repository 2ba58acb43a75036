from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.retrieval.extent import GAP_BYTES, SMALL_BYTES, Blob, Extent, Memory, Piece
from tests.api_engines import MemoryBlobs

DATA = bytes(range(256)) * 4


async def read(extent: Extent, *part: int) -> bytes:
    return b"".join([chunk async for chunk in extent.stream(*part)])


@given(
    gaps=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=8),
    offset=st.integers(0, 60),
    length=st.integers(0, 400),
    piece_bytes=st.integers(1, 50),
)
async def test_any_part_of_any_pieces_is_read(
    gaps: list[tuple[int, int]], offset: int, length: int, piece_bytes: int
) -> None:
    pieces: list[Piece] = []
    position = 5
    for gap, size in gaps:
        pieces.append((position + gap, size))
        position += gap + size
    expected = b"".join(DATA[start : start + size] for start, size in pieces)
    store = MemoryBlobs({"k": DATA}, piece_bytes=piece_bytes)
    for source in (Memory(DATA), Blob(store, "k")):
        extent = Extent(source, tuple(pieces))
        assert extent.size_bytes == len(expected)
        assert await read(extent) == expected
        assert await read(extent, offset, length) == expected[offset : offset + length]


@pytest.mark.parametrize("word_bytes", [2, 4, 8])
@given(base=st.integers(0, 9), start=st.integers(0, 30), length=st.integers(0, 60))
async def test_words_are_reversed_wherever_a_part_of_them_begins(
    word_bytes: int, base: int, start: int, length: int
) -> None:
    value = DATA[base : base + 120]
    words = array({2: "H", 4: "I", 8: "Q"}[word_bytes], value)
    words.byteswap()
    extent = Extent(Memory(DATA), ((base + start, length),), word_bytes, base)
    assert await read(extent) == words.tobytes()[start : start + length]


async def test_near_pieces_are_read_at_once_and_far_ones_are_not() -> None:
    store = MemoryBlobs({"k": DATA})
    blob = Blob(store, "k")
    assert len(await read(Extent(blob, ((10, 20), (30, 20), (58, 20))))) == 60
    assert store.reads == [(10, 68)]
    store.reads.clear()
    assert len(await read(Extent(blob, ((10, 20), (30 + GAP_BYTES + 1, 20))))) == 40
    assert store.reads == [(10, 20), (30 + GAP_BYTES + 1, 20)]


async def test_large_pieces_are_streamed() -> None:
    store = MemoryBlobs({"k": bytes(3 * SMALL_BYTES)}, piece_bytes=65536)
    pieces = [len(chunk) async for chunk in Extent(Blob(store, "k"), ((5, 2 * SMALL_BYTES),)).stream()]
    assert sum(pieces) == 2 * SMALL_BYTES
    assert max(pieces) == 65536
