"""Stored presentation states: which images they are about, and their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from radstream.backends import Backends
from radstream.catalog.filters import And, Equals
from radstream.catalog.port import Document
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import MalformedRequest, NotFound, UnsupportedInstance
from radstream.dicom.packing import unpack
from services.render.asked import Asked, StoredState
from services.render.pictures import Pictures
from services.render.pixels import Wish
from services.render.source import number_of_frames

LARGEST_STATE_BYTES: Final = 1 << 24
MOST_REFERENCES: Final = 1_000
_ROOT: Final = "1.2.840.10008.5.1.4.1.1.11."
"""Of the SOP classes of softcopy presentation states."""

_SERIES, _IMAGES, _INSTANCE, _FRAMES = "00081115", "00081140", "00081155", "00081160"

Item = Mapping[str, Any]


def is_presentation_state(document: Document) -> bool:
    """Tell whether an instance is a softcopy presentation state."""
    return str(document["SOPClassUID"]).startswith(_ROOT)


class States:
    """Finds presentation states and what they are about."""

    def __init__(self, backends: Backends, pictures: Pictures) -> None:
        self._backends = backends
        self._pictures = pictures

    async def load(self, document: Document) -> StoredState:
        """Return a presentation state.

        Raises
        ------
        UnsupportedInstance
            If it is none, or too long.
        NotFound, Unavailable
        """
        if not is_presentation_state(document):
            raise UnsupportedInstance("the instance is no presentation state")
        if document["size_bytes"] > LARGEST_STATE_BYTES:
            raise UnsupportedInstance("the presentation state is too long")
        return StoredState(await self._backends.blobs.read(document["blob_key"]), document["sha256"])

    async def pictures(self, document: Document, wish: Wish, quality: int) -> list[Asked]:
        """Return the pictures that a presentation state makes: of every frame that it refers to and that is here.

        Raises
        ------
        MalformedRequest
            If `wish` has a window or a region, which the state decides about.
        NotFound
            If none of the images is stored here.
        UnsupportedInstance, Unavailable
        """
        if wish.window is not None or wish.voi or wish.region is not None:
            raise MalformedRequest("a presentation state has its own window and region (PS3.18 table 8.3.5-1)")
        state = await self.load(document)
        asked = []
        for uid, frames in await self._references(document):
            for image in await self._image(document["StudyInstanceUID"], uid):
                indexes = [number - 1 for number in frames] or range(min(number_of_frames(image), MOST_REFERENCES))
                asked += [Asked(image, index, wish, quality, state=state) for index in indexes]
        if not asked:
            raise NotFound("none of the images that the presentation state is about is stored here")
        return asked[:MOST_REFERENCES]

    async def _image(self, study_instance_uid: str, sop_instance_uid: str) -> list[Document]:
        where = And((Equals("_id", sop_instance_uid), Equals("StudyInstanceUID", study_instance_uid)))
        try:
            return [await self._pictures.find(where)]
        except NotFound:
            return []

    async def _references(self, document: Document) -> list[tuple[str, list[int]]]:
        """Return UID and frame numbers of the referenced images; no numbers mean all frames."""
        where = Equals("_id", document["SOPInstanceUID"])
        found = await self._backends.catalog.find(INSTANCES.name, where, fields=("metadata",), limit=1)
        attributes: Item = orjson.loads(unpack(found[0]["metadata"])) if found else {}
        return list(_references(attributes))[:MOST_REFERENCES]


def _references(attributes: Item) -> Iterator[tuple[str, list[int]]]:
    for series in _items(attributes, _SERIES):
        for image in _items(series, _IMAGES):
            for uid in image.get(_INSTANCE, {}).get("Value", [])[:1]:
                yield str(uid), [number for number in image.get(_FRAMES, {}).get("Value", []) if _is_number(number)]


def _items(attributes: Item, tag: str) -> list[Item]:
    return [item for item in attributes.get(tag, {}).get("Value", []) if isinstance(item, dict)]


def _is_number(value: object) -> bool:
    return isinstance(value, int) and value >= 1
