"""Instances that hold something that is no image of ours: documents and videos, given as what they are.

A document's media type is that of its SOP class, not what the data set calls it: whoever sends an instance must not
make a browser take it for a page of this archive.

References
----------
PS3.18 8.7.3.6, 8.7.4 (rendered media types); PS3.3 A.45 Encapsulated Documents, A.104, A.105.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from radstream.catalog.port import Document
from radstream.contract.errors import NotFound, UnsupportedInstance
from radstream.dicom.syntaxes import is_video
from radstream.retrieval.header_values import HeaderValues
from radstream.retrieval.images import Images
from radstream.retrieval.pixel_data import Value

ENCAPSULATED_DOCUMENT: Final = "00420011"

DOCUMENT_TYPES: Final = {
    "1.2.840.10008.5.1.4.1.1.104.1": "application/pdf",
    "1.2.840.10008.5.1.4.1.1.104.2": "text/xml",  # Clinical Document Architecture
    "1.2.840.10008.5.1.4.1.1.104.3": "model/stl",
    "1.2.840.10008.5.1.4.1.1.104.4": "model/obj",
    "1.2.840.10008.5.1.4.1.1.104.5": "model/mtl",
}
"""By SOP class, the media type of the Encapsulated Document."""

_BEGINNING_BYTES: Final = 12


@dataclass(frozen=True)
class Stream:
    """What an instance holds, and its media type."""

    media_type: str
    value: Value


def is_stream(document: Document) -> bool:
    """Tell whether an instance is given as the stream in it."""
    return document["SOPClassUID"] in DOCUMENT_TYPES or is_video(document["TransferSyntaxUID"])


async def stream_of(images: Images, headers: HeaderValues, document: Document) -> Stream:
    """Return the stream in an instance whose `document` has `images.FIELDS`.

    Raises
    ------
    UnsupportedInstance
        If it cannot be found in the instance.
    Unavailable
    """
    kind = DOCUMENT_TYPES.get(document["SOPClassUID"])
    try:
        if kind is not None:
            return Stream(kind, await headers.value(document, ENCAPSULATED_DOCUMENT))
        value = (await images.pixel_data(document)).whole()
    except NotFound as error:
        raise UnsupportedInstance(f"there is nothing in the instance: {error}") from error
    pieces = [piece async for piece in value.stream(0, min(_BEGINNING_BYTES, value.size_bytes))]
    return Stream(_container(b"".join(pieces)), value)


def _container(beginning: bytes) -> str:
    """Return the media type of a video; DICOM lets MPEG-4 come in either container (PS3.5 8.2.7)."""
    if beginning[4:8] == b"ftyp":
        return "video/mp4"
    if beginning[:1] == b"\x47":  # the sync byte of a transport stream
        return "video/mp2t"
    return "video/mpeg"
