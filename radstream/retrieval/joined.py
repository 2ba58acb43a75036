"""Values that are put together of others, or made while they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from radstream.contract.errors import Unavailable
from radstream.retrieval.pixel_data import Value
from radstream.web.streaming import closed_after


@dataclass(frozen=True)
class Octets:
    """Bytes in memory as a value."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self.data)

    async def stream(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` of them (all, if None) from `offset`."""
        yield self.data[offset : None if length is None else offset + length]


@dataclass(frozen=True)
class Made:
    """Bytes that are made when they are wanted, and not kept.

    Parameters
    ----------
    make : callable
        Always returns the same bytes.
    """

    size_bytes: int
    make: Callable[[], Awaitable[bytes]]

    async def stream(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` of them (all, if None) from `offset`.

        Raises
        ------
        Unavailable
            If there are not as many as was said: what made them is another version by now.
        """
        data = await self.make()
        if len(data) != self.size_bytes:
            raise Unavailable("a part has another size than it had; ask again")
        yield data[offset : None if length is None else offset + length]


@dataclass(frozen=True)
class Joined:
    """Values one after another."""

    values: Sequence[Value]

    @cached_property
    def size_bytes(self) -> int:
        """Sum of their sizes."""
        return sum(value.size_bytes for value in self.values)

    async def stream(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield `length` bytes (all, if None) from `offset`; values of which none are wanted are not touched."""
        left = self.size_bytes - offset if length is None else length
        for value in self.values:
            skipped = min(offset, value.size_bytes)
            taken = min(value.size_bytes - skipped, left)
            offset, left = offset - skipped, left - taken
            if taken <= 0:
                continue
            async with closed_after(value.stream(skipped, taken)) as pieces:
                async for piece in pieces:
                    yield piece


async def whole(value: Value) -> bytes:
    """Return all bytes of a value that is known to be small enough."""
    async with closed_after(value.stream()) as pieces:
        return b"".join([piece async for piece in pieces])
