"""Frames in the transfer syntax that is asked for: made in workers that may die, kept for the next who asks."""

from __future__ import annotations

import asyncio
from typing import Final, Self

import msgspec

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.blob_keys import parse_instance_key, transcoded_key
from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.image_pixel import ImagePixel
from radstream.dicom.native import frame_bits
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, is_native
from radstream.dicom.transcode import FrameOrder, attributes_of, targets_of, transcoded_form
from radstream.retrieval.joined import Made, whole
from radstream.retrieval.kept import Kept
from radstream.retrieval.pixel_data import PixelData
from radstream.sandbox.pool import Sandbox
from radstream.settings import Settings
from radstream.telemetry import FRAMES_TRANSCODED

VERSION: Final = "1"
"""Part of the keys of what is kept and of entity tags; raise it when the same frame is encoded to other bytes."""

HANDLER: Final = "radstream.dicom.transcode:work"

_BYTES_PER_SAMPLE: Final = 8
"""A frame that takes more in its source is no frame."""


class Transcoding:
    """Makes frames in other transfer syntaxes than the stored one.

    Parameters
    ----------
    previews : BlobStore
        The cache, in which they are kept.
    sandbox : Sandbox, optional
        With `HANDLER`; closed by whoever brings it. Without one there is an own one, whose workers end with this
        process.
    """

    def __init__(self, previews: BlobStore, settings: Settings, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox or Sandbox(HANDLER, settings.render_workers)
        self._kept = Kept(previews, settings.site, settings.transcoded_bytes)
        self._max_samples = settings.max_frame_pixels
        self._making: dict[str, asyncio.Task[bytes]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def form(self, pixel_data: PixelData, target: str) -> ImagePixel:
        """Return what the data set says of the frames in `target`.

        Raises
        ------
        UnsupportedInstance
            If they cannot be made; the text says why.
        """
        return transcoded_form(*self._decodable(pixel_data), target)

    def targets(self, pixel_data: PixelData) -> tuple[str, ...]:
        """Return the transfer syntaxes in which the frames can be made, the default one first."""
        try:
            return targets_of(*self._decodable(pixel_data))
        except UnsupportedInstance:
            return ()

    def _decodable(self, pixel_data: PixelData) -> tuple[ImagePixel, str]:
        """Return what the frames are and their transfer syntax, as far as they may be decoded at all."""
        if pixel_data.is_video:
            raise UnsupportedInstance("the frames of a video are one stream, which is not decoded")
        pixel = pixel_data.pixel()
        if pixel.samples > self._max_samples:
            raise UnsupportedInstance(f"a frame of {pixel.samples} samples is larger than is decoded here")
        return pixel, _source(pixel_data)

    def decoded(self, document: Document, pixel_data: PixelData, frame_index: int) -> Made:
        """Return a frame as native samples; decoded when it is sent.

        Raises
        ------
        UnsupportedInstance
            If it cannot be decoded, as far as its attributes tell.
        """
        size_bytes = frame_bits(self.form(pixel_data, EXPLICIT_VR_LITTLE_ENDIAN)) // 8
        return Made(size_bytes, lambda: self.frame(document, pixel_data, frame_index, EXPLICIT_VR_LITTLE_ENDIAN))

    async def frame(self, document: Document, pixel_data: PixelData, frame_index: int, target: str) -> bytes:
        """Return a frame in the transfer syntax `target`; whoever else wants it meanwhile waits for the same work.

        Raises
        ------
        UnsupportedInstance
            If it cannot be made; the text says why.
        NotFound
            If there is no such frame.
        Unavailable
            If too many are waited for, or the store does not answer.
        """
        instance = parse_instance_key(document["blob_key"])
        key = transcoded_key(instance, f"{target}-{VERSION}", frame_index + 1)
        if (known := await self._kept.read(key)) is not None:
            FRAMES_TRANSCODED.labels("known").inc()
            return known
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(self._make(key, pixel_data, frame_index, target))
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key, None))
            making.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, even if nobody waits
        return await asyncio.shield(making)

    async def _make(self, key: str, pixel_data: PixelData, frame_index: int, target: str) -> bytes:
        self.form(pixel_data, target)
        stored = pixel_data.frame(frame_index)
        if stored.size_bytes > _BYTES_PER_SAMPLE * self._max_samples:
            raise UnsupportedInstance("the frame is too long")
        order = FrameOrder(
            source=_source(pixel_data),
            target=target,
            attributes=attributes_of(pixel_data.pixel()),
            max_samples=self._max_samples,
        )
        try:
            _, made = await self._sandbox.run(msgspec.msgpack.encode(order), b"", await whole(stored))
        except UnsupportedInstance:
            FRAMES_TRANSCODED.labels("refused").inc()
            raise
        FRAMES_TRANSCODED.labels("made").inc()
        await self._kept.keep(key, made)
        return made

    async def close(self) -> None:
        """End the workers and what is going on."""
        await self._kept.close()
        await self._sandbox.close()


def _source(pixel_data: PixelData) -> str:
    """Return the transfer syntax of the frames as `PixelData` gives them: native ones always in little endian."""
    if not pixel_data.table.is_encapsulated:
        return EXPLICIT_VR_LITTLE_ENDIAN
    if is_native(pixel_data.transfer_syntax_uid):
        raise UnsupportedInstance("the Pixel Data has fragments, which its transfer syntax has not")
    return pixel_data.transfer_syntax_uid
