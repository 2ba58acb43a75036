"""Pictures that are kept in the cache bucket: what most ask for is made when an instance arrives, and found by a read.

Each lies under the digest of its instance and the version of the rendering, so that twice is the same as once, nothing
is ever out of date, and what was made of a deleted instance is found by the prefix of its other pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.blob_keys import kept_picture_key, parse_instance_key, preview_key
from radstream.contract.errors import NotFound, Unavailable
from services.render.asked import RENDERING, Asked
from services.render.encode import DEFAULT_QUALITY, JPEG
from services.render.parameters import representative_frame
from services.render.pictures import Pictures
from services.render.pixels import Wish
from services.render.source import number_of_frames
from services.render.task import RenderedImage, Smaller

PREVIEW_SIDE: Final = 256
SIDES: Final = (512, PREVIEW_SIDE, 128)
"""Key sizes of thumbnails: they fit in squares of so many pixels."""

THUMBNAIL_QUALITY: Final = 80


@dataclass(frozen=True)
class Kept:
    """Finds pictures in the cache, or makes and keeps them.

    Parameters
    ----------
    full_size : bool
        Whether pictures of the size of their image are kept too.
    """

    pictures: Pictures
    cache: BlobStore
    full_size: bool = True

    async def thumbnail(self, document: Document, side: int = PREVIEW_SIDE) -> bytes:
        """Return a thumbnail of an instance, a JPEG that fits in a square of `side` pixels, one of `SIDES`.

        Raises
        ------
        UnsupportedInstance
            If there can be none; the text says why.
        NotFound, Unavailable
        """
        key = thumbnail_key(document, side)
        try:
            return await self.cache.read(key)
        except NotFound:
            picture = await self._thumbnails(document, (side,))
            await self.cache.put(key, picture.body)
            return picture.body

    async def rendered(self, asked: Asked) -> bytes:
        """Return the picture that is `asked` for and `is_kept`; without the cache it is made. Errors as `thumbnail`."""
        key = rendered_key(asked.document)
        with suppress(NotFound, Unavailable):
            return await self.cache.read(key)
        body = (await self.pictures.render(asked, JPEG)).body
        with suppress(Unavailable):
            await self.cache.put(key, body)
        return body

    def is_kept(self, asked: Asked, media_type: str) -> bool:
        """Tell whether a picture is the one that is shown to whoever wishes nothing: the first frame as it is."""
        is_plain = (asked.frame_index, asked.more, asked.state, asked.wish) == (0, (), None, Wish())
        return self.full_size and is_plain and media_type == JPEG and asked.quality == DEFAULT_QUALITY

    async def arrive(self, document: Document) -> bool:
        """Make and keep what is asked for first of a new instance; tell whether it was there. Errors as `thumbnail`."""
        key = thumbnail_key(document, PREVIEW_SIDE)
        if await self._has(key):
            return True
        if not self.full_size or representative_frame(number_of_frames(document)) != 0:
            await self.cache.put(key, (await self._thumbnails(document, (PREVIEW_SIDE,))).body)
            return False
        smaller = Smaller(PREVIEW_SIDE, THUMBNAIL_QUALITY)
        full = await self.pictures.render(Asked(document, 0, Wish(), DEFAULT_QUALITY), JPEG, (smaller,))
        await self.cache.put(rendered_key(document), full.body)
        await self.cache.put(key, full.smaller[0].body)  # the last one: where it is, all is
        return False

    async def stand_for_others(self, document: Document) -> None:
        """Make and keep every key size of an instance that stands for its series or study; errors as `thumbnail`."""
        missing = [side for side in SIDES if not await self._has(thumbnail_key(document, side))]
        if not missing:
            return
        first = await self._thumbnails(document, missing)
        for side, picture in zip(missing, (first, *first.smaller), strict=True):
            await self.cache.put(thumbnail_key(document, side), picture.body)

    async def _thumbnails(self, document: Document, sides: Sequence[int]) -> RenderedImage:
        """Return the picture of the first of `sides`; those of the others are with it."""
        frame_index = representative_frame(number_of_frames(document))
        asked = Asked(document, frame_index, Wish(box=(sides[0], sides[0])), THUMBNAIL_QUALITY)
        return await self.pictures.render(asked, JPEG, [Smaller(side, THUMBNAIL_QUALITY) for side in sides[1:]])

    async def _has(self, key: str) -> bool:
        try:
            await self.cache.stat(key)
        except NotFound:
            return False
        return True


def thumbnail_key(document: Document, side: int) -> str:
    """Return where the thumbnail of an instance lies; the one that events name has a place of its own."""
    instance = parse_instance_key(document["blob_key"])
    return preview_key(instance) if side == PREVIEW_SIDE else kept_picture_key(instance, f"{side}-{RENDERING}")


def rendered_key(document: Document) -> str:
    """Return where the picture of an instance lies that has the size of its image."""
    return kept_picture_key(parse_instance_key(document["blob_key"]), f"rendered-{RENDERING}")
