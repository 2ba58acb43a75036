"""Pictures of instances: found in the catalog, read from the blobs, made in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence

from radstream.backends import Backends
from radstream.catalog.filters import Predicate
from radstream.catalog.port import Document
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import NotFound
from radstream.settings import Settings
from services.render.asked import Asked
from services.render.recent import Recent
from services.render.sandbox import Sandbox
from services.render.source import FIELDS, load_task
from services.render.task import Order, RenderedImage, Smaller


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

    async def render(self, asked: Asked, media_type: str, smaller: Sequence[Smaller] = ()) -> RenderedImage:
        """Return a picture of one frame, or a moving one of several.

        Parameters
        ----------
        smaller : sequence of Smaller
            What else is made of the frame.

        Raises
        ------
        UnsupportedInstance
            If it has none; the text says why.
        NotFound
            If the instance has not so many frames.
        Unavailable
        """
        order = Order(
            transfer_syntax_uid=asked.document["TransferSyntaxUID"],
            frame_index=asked.frame_index,
            max_samples=self._max_samples,
            media_type=media_type,
            quality=asked.quality,
            wish=asked.wish,
            presentation_state=asked.state.file if asked.state is not None else b"",
            smaller=tuple(smaller),
        )
        return await self._sandbox.run(await load_task(self._backends.blobs, asked.document, order, asked.more))
