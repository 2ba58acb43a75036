"""Data sets cut into fragments: whole, in order, even, no longer than the peer takes, and hardly ever copied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstream.dimse.fragments import cut, cut_stream

SIZES = st.integers(1, 20_000).map(lambda half: 2 * half)


async def from_list(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def check(fragments: list[tuple[memoryview, bool]], data: bytes, size: int) -> None:
    assert b"".join(fragment for fragment, _ in fragments) == data
    assert [is_last for _, is_last in fragments] == [False] * (len(fragments) - 1) + [True]
    assert all(0 < len(fragment) <= size and len(fragment) % 2 == 0 for fragment, _ in fragments[:-1])
    assert len(fragments[-1][0]) <= size
    assert fragments[-1][0] or len(fragments) == 1, "an empty fragment at the end of data"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60_000), SIZES)
def test_data_is_cut_into_the_fewest_fragments(data: bytes, size: int) -> None:
    fragments = list(cut(data, size))
    check(fragments, data, size)
    assert len(fragments) == max(1, -(-len(data) // size))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), st.integers(0, 50_000).map(bytes)), max_size=12), SIZES)
def test_a_stream_of_any_chunks_is_cut_whole(chunks: list[bytes], size: int) -> None:
    async def run() -> None:
        check([one async for one in cut_stream(from_list(chunks), size)], b"".join(chunks), size)

    asyncio.run(run())


async def test_large_chunks_are_not_copied() -> None:
    chunks = [bytes(256 << 10), bytes(256 << 10), bytes(100_000)]
    fragments = [one async for one in cut_stream(from_list(chunks), (256 << 10) - 6)]
    assert [fragment.obj for fragment, _ in fragments] == [chunks[0], chunks[0], chunks[1], chunks[1], chunks[2]]
    assert all(any(fragment.obj is chunk for chunk in chunks) for fragment, _ in fragments)


@pytest.mark.parametrize("size", [2, 1000, 16_370])
async def test_small_chunks_are_joined(size: int) -> None:
    fragments = [one async for one in cut_stream(from_list([b"ab"] * 1000), size)]
    assert len(fragments) == -(-2000 // size)
