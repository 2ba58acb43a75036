"""From a catalog document to a worker's task: what of the blob is read, and what cannot become a picture at all."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.errors import NotFound, UnsupportedInstance
from radstream.dicom.codecs import is_decodable
from radstream.dicom.frames import FrameTable
from radstream.dicom.syntaxes import encoding_of, is_video
from services.render.task import Further, Order, Task

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

_NEAR_BYTES: Final = 1 << 16
"""Between the header and a frame that are read at once: a second read costs more."""


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


async def load_task(blobs: BlobStore, document: Document, order: Order, more: Sequence[int] = ()) -> Task:
    """Return the task that renders one frame of an instance, or several as a moving picture.

    Parameters
    ----------
    document : Document
        Of the instance, with `FIELDS`.
    order : Order
        With the index of the first frame and the client's wishes; the rest is filled in.
    more : sequence of int
        Indexes of further frames.

    Raises
    ------
    UnsupportedInstance
        If the instance has no pictures.
    NotFound
        If it has not so many frames, or is not stored any more.
    Unavailable
    """
    refuse_without_picture(document, order.max_samples)
    for index in (order.frame_index, *more):
        if index >= number_of_frames(document):
            raise NotFound(f"the instance has no frame {index + 1}")
    if not document["header_bytes"]:
        whole = msgspec.structs.replace(order, is_whole=True, more_frames=tuple(map(Further, more)))
        return Task(whole, b"", await blobs.read(document["blob_key"]))
    return await _load_frames(blobs, document, order, more)


async def _load_frames(blobs: BlobStore, document: Document, order: Order, more: Sequence[int]) -> Task:
    if document["header_bytes"] > MAX_HEADER_BYTES:
        raise UnsupportedInstance("the header is too long")
    table = FrameTable.decode(document["frames"])
    places = [_place(table, index) for index in (order.frame_index, *more)]
    if sum(place.length_bytes for place in places) > 8 * order.max_samples:
        raise UnsupportedInstance("the frames are too long" if more else "the frame is too long")
    first = places[0]
    header, element, data = await _read_first(blobs, document, first)
    located = msgspec.structs.replace(
        order,
        is_encapsulated=table.is_encapsulated,
        is_float=_tag(element, document["TransferSyntaxUID"]) in _FLOATING,
        pixel_data_vr=element[4:6].decode("latin-1"),
        skipped_bytes=first.skipped_bytes,
    )
    if not more:
        return Task(located, header, data)
    others = [place.take(await blobs.read(document["blob_key"], place.start, place.span)) for place in places[1:]]
    further = (
        Further(index, len(frame), place.skipped_bytes)
        for index, frame, place in zip(more, others, places[1:], strict=True)
    )
    return Task(msgspec.structs.replace(located, more_frames=tuple(further)), header, b"".join((data, *others)))


@dataclass(frozen=True)
class _Place:
    """Where a frame lies in its blob.

    Parameters
    ----------
    start, span : int
        What is read, in bytes. Fragments lie side by side, so one read is enough; native frames are read in whole
        words, for in big-endian ones the last byte of a frame may lie beyond its end.
    skipped_bytes : int
        Of that, in front of a native frame.
    """

    start: int
    span: int
    pieces: Sequence[tuple[int, int]]
    skipped_bytes: int = 0

    @property
    def length_bytes(self) -> int:
        return sum(length for _, length in self.pieces)

    def take(self, data: bytes) -> bytes:
        """Return the frame's bytes out of those that were read, its fragments joined."""
        if len(self.pieces) == 1:
            return data
        return b"".join(data[offset - self.start : offset - self.start + length] for offset, length in self.pieces)


def _place(table: FrameTable, frame_index: int) -> _Place:
    pieces = _pieces(table, frame_index)
    start, end = pieces[0][0], sum(pieces[-1])
    if table.is_encapsulated:
        return _Place(start, end - start, pieces)
    even = start & ~1
    return _Place(even, (end + 1 & ~1) - even, pieces, start - even)


async def _read_first(blobs: BlobStore, document: Document, place: _Place) -> tuple[bytes, bytes, bytes]:
    """Return the header, the head of the Pixel Data element, and a frame: in one read if they lie side by side."""
    key, header_bytes = document["blob_key"], document["header_bytes"]
    is_near = place.start - header_bytes <= _NEAR_BYTES
    head = await blobs.read(key, 0, place.start + place.span if is_near else header_bytes + _ELEMENT_HEAD)
    element = head[header_bytes : header_bytes + _ELEMENT_HEAD]
    if len(element) < _ELEMENT_HEAD:
        raise UnsupportedInstance("the instance has no Pixel Data")
    data = head[place.start :] if is_near else await blobs.read(key, place.start, place.span)
    return head[:header_bytes], element, place.take(data)


def _pieces(table: FrameTable, frame_index: int) -> Sequence[tuple[int, int]]:
    """Return where a frame lies; one that is declared and not there is a contradiction of the instance."""
    try:
        return table.pieces(frame_index)
    except NotFound as error:
        raise UnsupportedInstance(f"Pixel Data has no frame {frame_index + 1}, although it is declared") from error


def _tag(element: bytes, transfer_syntax_uid: str) -> int:
    group, number = struct.unpack("<HH" if encoding_of(transfer_syntax_uid).is_little_endian else ">HH", element[:4])
    return int(group) << 16 | int(number)
