"""Pictures of instances: found in the catalog, read from the blobs, made in the sandbox, previews kept in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radstream.backends import Backends
from radstream.catalog.filters import Predicate
from radstream.catalog.port import Document
from radstream.contract.blob_keys import parse_instance_key, preview_key
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import NotFound
from radstream.settings import Settings
from services.render.parameters import representative_frame
from services.render.pixels import Wish
from services.render.recent import Recent
from services.render.sandbox import Sandbox
from services.render.source import FIELDS, load_task, number_of_frames
from services.render.task import Order, RenderedImage

PREVIEW_SIDE: Final = 256
PREVIEW_QUALITY: Final = 80
PREVIEW_TYPE: Final = "image/jpeg"


class Pictures:
    """Makes pictures.

    Parameters
    ----------
    sandbox : Sandbox
        Where pixels are decoded.

    Attributes
    ----------
    recent : Recent
        Pictures that were answers a moment ago.
    """

    def __init__(self, backends: Backends, settings: Settings, sandbox: Sandbox) -> None:
        self._backends = backends
        self._max_samples = settings.max_frame_pixels
        self._sandbox = sandbox
        self.recent = Recent()

    async def find(self, where: Predicate) -> Document:
        """Return the document of the instance for which `where` holds.

        Raises
        ------
        NotFound, Unavailable
        """
        found = await self._backends.catalog.find(INSTANCES.name, where, fields=FIELDS, limit=1)
        if not found:
            raise NotFound("no such instance is stored here")
        return found[0]

    async def render(
        self,
        document: Document,
        frame_index: int,
        wish: Wish,
        media_type: str,
        quality: int,
        *,
        more: Sequence[int] = (),
        presentation_state: bytes = b"",
    ) -> RenderedImage:
        """Return the picture of one frame, or a moving one of several.

        Parameters
        ----------
        more : sequence of int
            Indexes of the further frames of a moving picture.
        presentation_state : bytes
            The file of the presentation state that is applied; empty for none.

        Raises
        ------
        UnsupportedInstance
            If it has none; the text says why.
        NotFound
            If the instance has not so many frames.
        Unavailable
        """
        order = Order(
            transfer_syntax_uid=document["TransferSyntaxUID"],
            frame_index=frame_index,
            max_samples=self._max_samples,
            media_type=media_type,
            quality=quality,
            wish=wish,
            presentation_state=presentation_state,
        )
        return await self._sandbox.run(await load_task(self._backends.blobs, document, order, more))

    async def preview(self, document: Document) -> bytes:
        """Return the preview of an instance, a JPEG that fits in `PREVIEW_SIDE`; made and kept if it is not there.

        Raises
        ------
        UnsupportedInstance
            If there can be none; the text says why.
        NotFound, Unavailable
        """
        key = preview_key(parse_instance_key(document["blob_key"]))
        try:
            return await self._backends.previews.read(key)
        except NotFound:
            picture = await self._make_preview(document)
            await self._backends.previews.put(key, picture.body)
            return picture.body

    async def has_preview(self, document: Document) -> bool:
        """Tell whether the preview is there."""
        try:
            await self._backends.previews.stat(preview_key(parse_instance_key(document["blob_key"])))
        except NotFound:
            return False
        return True

    async def _make_preview(self, document: Document) -> RenderedImage:
        frame_index = representative_frame(number_of_frames(document))
        wish = Wish(box=(PREVIEW_SIDE, PREVIEW_SIDE))
        return await self.render(document, frame_index, wish, PREVIEW_TYPE, PREVIEW_QUALITY)
