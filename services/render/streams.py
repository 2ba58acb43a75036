"""Instances that are rendered as what they hold: Encapsulated PDF as PDF, MPEG videos as the video (PS3.18 8.7.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.errors import NotFound, RejectedInstance, UnsupportedInstance
from radstream.dicom.frames import FrameTable
from radstream.dicom.json import locate
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of, is_video
from radstream.web.accept import Offer, choose
from radstream.web.conditional import ranged

ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
ENCAPSULATED_DOCUMENT: Final = "00420011"
LONGEST_HEAD_BYTES: Final = 1 << 26
"""As much of a document's file is looked at to find the document in it."""

Pieces = Sequence[tuple[int, int]]
"""Offset in the blob and length of each part of a stream."""


@dataclass(frozen=True)
class Stream:
    """Where in a blob the bytes of a document or video are."""

    media_type: str
    pieces: Pieces

    @property
    def size_bytes(self) -> int:
        """Length of the whole stream."""
        return sum(length for _, length in self.pieces)


def is_stream(document: Document) -> bool:
    """Tell whether an instance is rendered as the stream in it."""
    return document["SOPClassUID"] == ENCAPSULATED_PDF or is_video(document["TransferSyntaxUID"])


async def stream_of(blobs: BlobStore, document: Document, request: Request) -> Response:
    """Answer with the stream in an instance, whole or the range that the client asks for.

    Raises
    ------
    UnsupportedInstance
        If the client does not accept its media type, or it cannot be found in the instance.
    NotFound, Unavailable
    """
    find = _pdf if document["SOPClassUID"] == ENCAPSULATED_PDF else _video
    found = await find(blobs, document)
    try:
        choose(request, [Offer(found.media_type)])
    except UnsupportedInstance as error:
        raise UnsupportedInstance(f"the instance is rendered as {found.media_type} only") from error

    def stream(offset: int, length: int) -> AsyncIterator[bytes]:
        return _stream(blobs, document["blob_key"], found.pieces, offset, length)

    return ranged(request, f'"{document["sha256"]}-stream"', found.media_type, found.size_bytes, stream)


async def _pdf(blobs: BlobStore, document: Document) -> Stream:
    if encoding_of(document["TransferSyntaxUID"]).is_deflated or document["size_bytes"] > LONGEST_HEAD_BYTES:
        raise UnsupportedInstance("the document is too long, or in a deflated data set: retrieve the instance")
    file = await blobs.read(document["blob_key"])
    try:
        meta = parse_meta(file)
        start = meta.data_set_offset if meta is not None else 0
        offset, length, _ = locate(file[start:], document["TransferSyntaxUID"], ENCAPSULATED_DOCUMENT)
    except (RejectedInstance, NotFound) as error:
        raise UnsupportedInstance("the document cannot be found in the instance") from error
    return Stream("application/pdf", [(start + offset, length)])


async def _video(blobs: BlobStore, document: Document) -> Stream:
    if not document["frames"]:
        raise UnsupportedInstance("the instance has no Pixel Data, or none that can be read")
    try:
        pieces = FrameTable.decode(document["frames"]).pieces(0)  # all frames of a video are one stream
    except NotFound as error:
        raise UnsupportedInstance("the Pixel Data is empty") from error
    beginning = await blobs.read(document["blob_key"], pieces[0][0], min(12, pieces[0][1]))
    return Stream(_container(beginning), pieces)


def _container(beginning: bytes) -> str:
    """Return the media type of a video; DICOM lets MPEG-4 come in either container (PS3.5 8.2.7)."""
    if beginning[4:8] == b"ftyp":
        return "video/mp4"
    if beginning[:1] == b"\x47":  # the sync byte of a transport stream
        return "video/mp2t"
    return "video/mpeg"


async def _stream(blobs: BlobStore, key: str, pieces: Pieces, offset: int, length: int) -> AsyncIterator[bytes]:
    """Yield `length` bytes of the stream from `offset`."""
    for start, size in pieces:
        take = min(size - offset, length)
        if take > 0:
            async for data in blobs.stream(key, start + offset, take):
                yield data
            length -= take
        offset = max(0, offset - size)
