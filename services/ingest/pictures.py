"""Pixel Data that comes as PNG or GIF, which no transfer syntax holds: decoded in a worker that may die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.pictures import Made, Order
from radstream.dicom.recognition import Recognized
from radstream.sandbox.pool import Sandbox
from services.ingest.spool import Spooled

HANDLER: Final = "radstream.dicom.pictures:work"

LONGEST_BYTES: Final = 1 << 26
"""Of a PNG or GIF."""

MOST_PIXEL_BYTES: Final = 1 << 28
"""Of all of its pixels."""

PIECE_BYTES: Final = 1 << 20


async def decoded(
    sandbox: Sandbox, value: Spooled, media_type: str, components: int
) -> tuple[AsyncIterator[bytes], Recognized]:
    """Return the pixels of a picture in pieces, and what they are.

    Parameters
    ----------
    sandbox : Sandbox
        With `HANDLER`.
    components : int
        Samples per Pixel that the metadata declares, 0 if it does not.

    Raises
    ------
    RejectedInstance
        If it is damaged or too large.
    Unavailable
        If too many wait for a worker, or the cache has lost the value.
    """
    if value.size_bytes > LONGEST_BYTES:
        raise RejectedInstance(f"a picture is longer than {LONGEST_BYTES} bytes")
    picture = b"".join([piece async for piece in value.stream()])
    order = msgspec.msgpack.encode(Order(media_type, components, MOST_PIXEL_BYTES))
    try:
        note, pixels = await sandbox.run(order, b"", picture)
    except UnsupportedInstance as error:
        raise RejectedInstance(f"a picture cannot be decoded: {error}") from error
    made = msgspec.msgpack.decode(note, type=Made)
    colours = "RGB" if made.components == 3 else "MONOCHROME2"
    return _pieces(pixels), Recognized("", made.codestream, colours, frames=made.frames)


async def _pieces(pixels: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(pixels), PIECE_BYTES):
        yield pixels[at : at + PIECE_BYTES]
