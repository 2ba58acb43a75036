"""Pixel Data that comes as PNG or GIF, which no transfer syntax holds: decoded in a worker that may die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.pictures import Made, Order
from radstream.dicom.recognition import Recognized
from radstream.sandbox.pool import Sandbox
from services.ingest.spool import Spool, Spooled

HANDLER: Final = "radstream.dicom.pictures:work"

LONGEST_BYTES: Final = 1 << 26
"""Of a PNG or GIF."""

MOST_PIXEL_BYTES: Final = 1 << 28
"""Of all of its pixels."""

PIECE_BYTES: Final = 1 << 20


class Pictures:
    """Decodes pictures one after the other, so that no more than one of them is in memory.

    Parameters
    ----------
    sandbox : Sandbox, optional
        With `HANDLER`; closed by whoever brings it. Without it there is an own one, whose worker ends with this
        process.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox or Sandbox(HANDLER)
        self._turn = asyncio.Semaphore(1)

    async def decode(
        self, value: Spooled, media_type: str, components: int, spool: Spool
    ) -> tuple[Spooled, Recognized]:
        """Return the pixels of a picture, and what they are.

        Parameters
        ----------
        components : int
            Samples per Pixel that the metadata declares, 0 if it does not.
        spool : Spool
            Where the pixels wait.

        Raises
        ------
        RejectedInstance
            If it is damaged or too large.
        Unavailable
            If the cache has lost the value, or does not take the pixels.
        """
        if value.size_bytes > LONGEST_BYTES:
            raise RejectedInstance(f"a picture is longer than {LONGEST_BYTES} bytes")
        order = msgspec.msgpack.encode(Order(media_type, components, MOST_PIXEL_BYTES))
        async with self._turn:
            picture = b"".join([piece async for piece in value.stream()])
            try:
                note, pixels = await self._sandbox.run(order, b"", picture)
            except UnsupportedInstance as error:
                raise RejectedInstance(f"a picture cannot be decoded: {error}") from error
            kept, _ = await spool.keep(_pieces(pixels))
        made = msgspec.msgpack.decode(note, type=Made)
        colours = "RGB" if made.components == 3 else "MONOCHROME2"
        return kept, Recognized("", made.codestream, colours, frames=made.frames)


async def _pieces(pixels: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(pixels), PIECE_BYTES):
        yield pixels[at : at + PIECE_BYTES]
