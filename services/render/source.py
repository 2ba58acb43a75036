"""From a catalog document to a worker's task: what of the blob is read, and what cannot become a picture at all."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.errors import NotFound, UnsupportedInstance
from radstream.dicom.codecs import is_decodable
from radstream.dicom.frames import FrameTable
from radstream.dicom.syntaxes import encoding_of, is_video
from services.render.task import Order, Task

FIELDS: Final = (
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPClassUID",
    "TransferSyntaxUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "blob_key",
    "sha256",
    "size_bytes",
    "header_bytes",
    "frames",
)
"""What of an instance's document is needed."""

MAX_WHOLE_BYTES: Final = 1 << 28
"""Largest file that is read as a whole, because nobody knows where in it the pixels are."""

MAX_HEADER_BYTES: Final = 1 << 27
_FLOATING: Final = frozenset({0x7FE00008, 0x7FE00009})
_ELEMENT_HEAD: Final = 8
"""Tag, VR and what is between the VR and the length."""


def refuse_without_picture(document: Document, max_samples: int) -> None:
    """Raise `UnsupportedInstance` with the reason if the instance has no picture for sure; reads nothing."""
    transfer_syntax_uid = document["TransferSyntaxUID"]
    samples = (document["Rows"] or 0) * (document["Columns"] or 0)
    is_located = bool(document["header_bytes"])
    if is_located and not samples:
        raise UnsupportedInstance("the instance has no Pixel Data")
    if is_video(transfer_syntax_uid):
        raise UnsupportedInstance("the instance is a video, of which no single pictures are made")
    if not is_decodable(transfer_syntax_uid):
        raise UnsupportedInstance(f"frames of transfer syntax {transfer_syntax_uid} are not decoded")
    if samples > max_samples:
        raise UnsupportedInstance(f"a frame of {samples} pixels is larger than the {max_samples} allowed here")
    if is_located and not document["frames"]:
        raise UnsupportedInstance("the instance has no Pixel Data, or none that can be read")
    if not is_located and document["size_bytes"] > MAX_WHOLE_BYTES:
        raise UnsupportedInstance("the data set is too long to be read as a whole")


def number_of_frames(document: Document) -> int:
    """Return how many frames the instance has, at least 1."""
    if document["frames"]:
        return FrameTable.decode(document["frames"]).number_of_frames
    return max(1, document["NumberOfFrames"] or 1)


async def load_task(blobs: BlobStore, document: Document, order: Order) -> Task:
    """Return the task that renders one frame of an instance.

    Parameters
    ----------
    document : Document
        Of the instance, with `FIELDS`.
    order : Order
        With the frame index and the client's wishes; the rest is filled in.

    Raises
    ------
    UnsupportedInstance
        If the instance has no pictures.
    NotFound
        If it has not so many frames, or is not stored any more.
    Unavailable
    """
    refuse_without_picture(document, order.max_samples)
    if order.frame_index >= number_of_frames(document):
        raise NotFound(f"the instance has no frame {order.frame_index + 1}")
    if not document["header_bytes"]:
        return Task(msgspec.structs.replace(order, is_whole=True), b"", await blobs.read(document["blob_key"]))
    return await _load_frame(blobs, document, order)


async def _load_frame(blobs: BlobStore, document: Document, order: Order) -> Task:
    header_bytes, transfer_syntax_uid = document["header_bytes"], document["TransferSyntaxUID"]
    if header_bytes > MAX_HEADER_BYTES:
        raise UnsupportedInstance("the header is too long")
    head = await blobs.read(document["blob_key"], 0, header_bytes + _ELEMENT_HEAD)
    header, element = head[:header_bytes], head[header_bytes:]
    if len(element) < _ELEMENT_HEAD:
        raise UnsupportedInstance("the instance has no Pixel Data")
    table = FrameTable.decode(document["frames"])
    pieces = _pieces(table, order.frame_index)
    if sum(length for _, length in pieces) > 8 * order.max_samples:
        raise UnsupportedInstance("the frame is too long")
    is_native = not table.is_encapsulated
    # Native frames are read in whole words: in big-endian ones the last byte of a frame may lie beyond its end.
    skipped_bytes = pieces[0][0] % 2 if is_native else 0
    located = msgspec.structs.replace(
        order,
        is_encapsulated=table.is_encapsulated,
        is_float=_tag(element, transfer_syntax_uid) in _FLOATING,
        pixel_data_vr=element[4:6].decode("latin-1"),
        skipped_bytes=skipped_bytes,
    )
    return Task(located, header, await _read_pieces(blobs, document["blob_key"], pieces, is_native=is_native))


def _pieces(table: FrameTable, frame_index: int) -> Sequence[tuple[int, int]]:
    """Return where a frame lies; one that is declared and not there is a contradiction of the instance."""
    try:
        return table.pieces(frame_index)
    except NotFound as error:
        raise UnsupportedInstance(f"Pixel Data has no frame {frame_index + 1}, although it is declared") from error


def _tag(element: bytes, transfer_syntax_uid: str) -> int:
    group, number = struct.unpack("<HH" if encoding_of(transfer_syntax_uid).is_little_endian else ">HH", element[:4])
    return int(group) << 16 | int(number)


async def _read_pieces(blobs: BlobStore, key: str, pieces: Sequence[tuple[int, int]], *, is_native: bool) -> bytes:
    """Return the bytes of a frame, its fragments joined; they lie side by side, so one read is enough."""
    start, end = pieces[0][0], sum(pieces[-1])
    if is_native:
        start, end = start & ~1, end + 1 & ~1
    span = await blobs.read(key, start, end - start)
    if len(pieces) == 1:
        return span
    return b"".join(span[offset - start : offset - start + length] for offset, length in pieces)
