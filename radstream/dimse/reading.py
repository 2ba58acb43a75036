"""The data set of one attempt: its errors are told apart from those of the association."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from radstream.contract.errors import RadstreamError


class UnreadableInstance(Exception):
    """The data set cannot be had.

    Parameters
    ----------
    error : RadstreamError
        Why.
    """

    def __init__(self, error: RadstreamError) -> None:
        super().__init__(str(error))
        self.error = error


class Reading:
    """A data set on its way. Its first piece is read before anything is sent, so that a missing one harms nobody.

    Parameters
    ----------
    chunks : async iterator of bytes
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.is_begun = False  # whether any of it was sent, or could not even be read
        self._chunks = chunks
        self._first = b""

    async def prepare(self) -> None:
        """Read the first piece; `UnreadableInstance` if that cannot be."""
        self._first = await self._next()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield all pieces; `UnreadableInstance` if they end with an error."""
        self.is_begun = True
        chunk, self._first = self._first, b""
        while chunk:
            yield chunk
            chunk = await self._next()

    async def close(self) -> None:
        """Let go of what is read from."""
        if isinstance(self._chunks, AsyncGenerator):
            await self._chunks.aclose()

    async def _next(self) -> bytes:
        try:
            async for chunk in self._chunks:
                if chunk:
                    return chunk
        except RadstreamError as error:
            self.is_begun = True
            raise UnreadableInstance(error) from error
        return b""
