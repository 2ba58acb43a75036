"""What a series holds, as a volume: found in the catalog, remembered as long as nothing is added."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import zstandard

from radstream.catalog.filters import And, Equals, Exists
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES, series_key
from radstream.contract.errors import NotFound, UnsupportedInstance
from radstream.contract.uids import Uid
from services.render.reconstruction.planes import Plane, planes_of
from services.render.reconstruction.stack import stack_of
from services.render.reconstruction.volume import Form
from services.render.secondary_capture import Source
from services.render.source import FIELDS, number_of_frames

MOST_SLICES: Final = 4096
"""Of a volume."""

_REMEMBERED: Final = 16
_PAGE: Final = 128
"""Instances whose attributes are in memory at once."""


@dataclass(frozen=True)
class Frame:
    """A frame of an instance."""

    document: Document
    index: int


@dataclass(frozen=True)
class Contents:
    """The volume that a series makes.

    Parameters
    ----------
    key : str
        Equal for equal instances.
    frames : tuple of Frame
        The slices, in their order.
    """

    key: str
    form: Form
    frames: tuple[Frame, ...]

    def sources(self) -> tuple[Source, ...]:
        """Return the instances that the volume is made of, each with the numbers of its frames."""
        numbers: dict[tuple[str, str], list[int]] = {}
        for frame in self.frames:
            uids = (frame.document["SOPClassUID"], frame.document["SOPInstanceUID"])
            numbers.setdefault(uids, []).append(frame.index + 1)
        return tuple(Source(*uids, tuple(sorted(found)) if len(found) > 1 else ()) for uids, found in numbers.items())


class Series:
    """Finds the volumes of series.

    Parameters
    ----------
    catalog : Catalog
        Where instances and their attributes are.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: OrderedDict[str, Contents] = OrderedDict()

    async def contents(self, study_instance_uid: Uid, series_instance_uid: Uid) -> Contents:
        """Return the volume of a series.

        Raises
        ------
        NotFound
            If the series is not here, or holds no images.
        UnsupportedInstance
            If its images are no volume; the text says why.
        Unavailable
        """
        images = And((Equals("series_key", series_key(study_instance_uid, series_instance_uid)), Exists("Rows")))
        found = await self._catalog.find(INSTANCES.name, images, fields=FIELDS, limit=MOST_SLICES + 1)
        if not found:
            raise NotFound("no such series with images is stored here")
        if sum(map(number_of_frames, found)) > MOST_SLICES:
            raise UnsupportedInstance(f"a volume has {MOST_SLICES} images at most")
        key = _key(found)
        if key not in self._known:
            self._known[key] = await self._read(key, images, found)
        self._known.move_to_end(key)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]

    async def _read(self, key: str, images: And, found: Sequence[Document]) -> Contents:
        frames: list[Frame] = []
        planes: list[Plane] = []
        attributes = await self._attributes(images, found)
        for document in found:
            frames += [Frame(document, index) for index in range(number_of_frames(document))]
            planes += attributes[document["_id"]]
        stack, order = stack_of(planes)
        rescale = {plane.rescale for plane in planes}
        stored = {plane.stored for plane in planes}
        slope, intercept = next(iter(rescale)) or (1.0, 0.0)
        # The voxels are stored values only if these mean the same everywhere, and larger is more.
        is_uniform = len(rescale) == len(stored) == 1 and None not in rescale and stored != {""} and slope > 0
        form = Form(stack, next(iter(stored)), slope, intercept) if is_uniform else Form(stack, "float32")
        return Contents(key, form, tuple(frames[number] for number in order))

    async def _attributes(self, images: And, found: Sequence[Document]) -> dict[str, list[Plane]]:
        """Return the planes of each instance, by its UID."""
        frames = {document["_id"]: number_of_frames(document) for document in found}
        planes: dict[str, list[Plane]] = {}
        for start in range(0, len(found), _PAGE):
            page = await self._catalog.find(INSTANCES.name, images, fields=("metadata",), skip=start, limit=_PAGE)
            planes |= await asyncio.to_thread(_planes_of_page, page, frames)
        if planes.keys() != frames.keys():
            raise NotFound("the series changed meanwhile; ask again")
        return planes


def _planes_of_page(page: Sequence[Document], frames: dict[str, int]) -> dict[str, list[Plane]]:
    return {
        document["_id"]: planes_of(_attributes(document["metadata"]), frames[document["_id"]])
        for document in page
        if document["_id"] in frames
    }


def _attributes(metadata: bytes) -> Any:
    return orjson.loads(zstandard.ZstdDecompressor().decompress(metadata))


def _key(found: Sequence[Document]) -> str:
    """Return a name for these instances as they are: another one if any is added, or shown in another version."""
    digest = hashlib.sha256()
    for document in sorted(found, key=lambda each: each["_id"]):
        digest.update(f"{document['_id']} {document['sha256']}\n".encode())
    return digest.hexdigest()
