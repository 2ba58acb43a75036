"""Bytes of a stored value, wherever they lie, as DICOM's web services send them: little endian, in pieces.

References
----------
PS3.18 8.7.3.2 (octet streams are little endian); PS3.5 7.3 Big Endian Versus Little Endian Byte Ordering.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from radstream.blobs.file_piece import FilePiece
from radstream.blobs.port import BlobStore, KeepsFiles
from radstream.web.streaming import closed_after

SMALL_BYTES: Final = 1 << 20
"""What is read in one go; more is streamed."""

GAP_BYTES: Final = 16
"""Two pieces so near to each other (the item header between fragments takes 8 bytes) are read together."""

Piece = tuple[int, int]
"""Offset and length in bytes."""


class Source(Protocol):
    """Something that bytes can be read from."""

    def stream(self, offset: int, length: int) -> AsyncIterator[bytes]:
        """Yield `length` bytes from `offset`."""


@dataclass(frozen=True)
class Blob:
    """A stored blob as a source."""

    blobs: BlobStore
    key: str

    async def stream(self, offset: int, length: int) -> AsyncIterator[bytes]:
        """Yield `length` bytes from `offset`."""
        if length <= SMALL_BYTES:
            yield await self.blobs.read(self.key, offset, length)
            return
        async with closed_after(self.blobs.stream(self.key, offset, length)) as chunks:
            async for chunk in chunks:
                yield chunk


@dataclass(frozen=True)
class Memory:
    """Bytes in memory as a source."""

    data: bytes

    async def stream(self, offset: int, length: int) -> AsyncIterator[bytes]:
        """Yield `length` bytes from `offset`."""
        yield self.data[offset : offset + length]


@dataclass(frozen=True)
class Extent:
    """Pieces of a source, one after another, in the byte order of little endian machines.

    Parameters
    ----------
    pieces : tuple of Piece
        In ascending order.
    word_bytes : int
        Size of the big endian words that the value consists of, whose bytes are reversed; 1 for what is sent as it is.
    base : int
        Where in the source the first word of the value lies.
    """

    source: Source
    pieces: tuple[Piece, ...]
    word_bytes: int = 1
    base: int = 0

    @property
    def size_bytes(self) -> int:
        """How much `stream` yields."""
        return sum(length for _, length in self.pieces)

    async def pieces_to_send(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes | FilePiece]:
        """Yield what `stream` yields; where it lies in one piece of a file as it is, the pieces of that file."""
        size = self.size_bytes - offset if length is None else length
        runs = _runs(_within(self.pieces, offset, size))
        source, is_as_it_is = self.source, self.word_bytes == 1 and [len(run) for run in runs] == [1]
        chunks: AsyncIterator[bytes | FilePiece] = self.stream(offset, size)
        if is_as_it_is and isinstance(source, Blob) and isinstance(source.blobs, KeepsFiles):
            chunks = source.blobs.file_pieces(source.key, *runs[0][0])
        async with closed_after(chunks) as opened:
            async for chunk in opened:
                yield chunk

    async def stream(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` bytes (all, if None) from `offset`."""
        size = self.size_bytes - offset if length is None else length
        for run in _runs(_within(self.pieces, offset, size)):
            async for chunk in self._read(run):
                yield chunk

    async def _read(self, run: list[Piece]) -> AsyncIterator[bytes]:
        """Yield the bytes of neighbouring pieces: one read, from the first whole word to the last."""
        word = self.word_bytes
        start = run[0][0] - (run[0][0] - self.base) % word
        end = sum(run[-1])
        end += -(end - self.base) % word
        async with closed_after(_cut(_in_order(self.source.stream(start, end - start), word), start, run)) as chunks:
            async for chunk in chunks:
                yield chunk


def _within(pieces: Sequence[Piece], offset: int, length: int) -> list[Piece]:
    """Return the parts of `pieces` that hold `length` bytes from `offset` of all of them together."""
    found = []
    for start, size in pieces:
        skipped = min(offset, size)
        taken = min(size - skipped, length)
        offset, length = offset - skipped, length - taken
        if taken:
            found.append((start + skipped, taken))
    return found


def _runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return groups of pieces that are near enough to each other to be read at once."""
    runs: list[list[Piece]] = []
    for piece in pieces:
        if runs and 0 <= piece[0] - sum(runs[-1][-1]) <= GAP_BYTES:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


async def _cut(chunks: AsyncIterator[bytes], position: int, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
    """Yield what of `chunks`, the first of which lies at `position`, belongs to `pieces`."""
    async with closed_after(chunks):
        async for chunk in chunks:
            for offset, length in pieces:
                wanted = chunk[max(0, offset - position) : max(0, offset + length - position)]
                if wanted:
                    yield wanted
            position += len(chunk)


async def _in_order(chunks: AsyncIterator[bytes], word_bytes: int) -> AsyncIterator[bytes]:
    """Yield `chunks` with the bytes of each word reversed; an incomplete last word stays as it is."""
    rest = b""
    async with closed_after(chunks):
        async for chunk in chunks:
            if word_bytes == 1:
                yield chunk
                continue
            data = rest + chunk
            whole = len(data) - len(data) % word_bytes
            rest = data[whole:]
            yield _reversed(data[:whole], word_bytes)
    if rest:
        yield rest


def _reversed(data: bytes, word_bytes: int) -> bytes:
    words = array({2: "H", 4: "I", 8: "Q"}[word_bytes], data)
    words.byteswap()
    return words.tobytes()
