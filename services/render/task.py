"""What a worker gets to render, and what comes back; `radstream.sandbox.messages` says how it travels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from services.render.encode import DEFAULT_QUALITY
from services.render.pixels import Wish


class Further(msgspec.Struct, frozen=True):
    """One more frame of a moving picture: where it lies in the bytes of a task; without meaning for a whole file."""

    frame_index: int
    length_bytes: int = 0
    skipped_bytes: int = 0


class Smaller(msgspec.Struct, frozen=True):
    """The same picture once more, so that it fits a square of `side` pixels."""

    side: int
    quality: int = DEFAULT_QUALITY


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How a frame is to be rendered, and how it lies in its bytes.

    Parameters
    ----------
    is_whole : bool
        The frame's bytes are the whole Part 10 file (deflated, or with a header of unknown length), and there is no
        header beside.
    is_encapsulated : bool
        The frame is a compressed one of its own.
    is_float : bool
        From Float or Double Float Pixel Data.
    pixel_data_vr : str
        VR of Pixel Data, if the transfer syntax says it.
    skipped_bytes : int
        In front of the frame in its bytes: native ones begin at a word.
    max_samples : int
        Largest Rows x Columns x Samples per Pixel.
    max_whole_bytes : int
        Largest data set that a deflated one may become.
    more_frames : tuple of Further
        Frames of a moving picture beside the first; they follow in the frame's bytes.
    smaller : tuple of Smaller
        What else is made of the frame while it is decoded; of a picture that does not move.
    presentation_state : bytes
        The Part 10 file of the presentation state that is applied; empty for none.
    """

    transfer_syntax_uid: str
    frame_index: int = 0
    is_whole: bool = False
    is_encapsulated: bool = False
    is_float: bool = False
    pixel_data_vr: str = ""
    skipped_bytes: int = 0
    max_samples: int = 1 << 28
    max_whole_bytes: int = 1 << 29
    media_type: str = "image/jpeg"
    quality: int = DEFAULT_QUALITY
    wish: Wish = Wish()
    more_frames: tuple[Further, ...] = ()
    smaller: tuple[Smaller, ...] = ()
    presentation_state: bytes = b""


@dataclass(frozen=True)
class Task:
    """One frame to be rendered, or several of a moving picture: never more of their instance than they need.

    Parameters
    ----------
    header : bytes
        The Part 10 file up to Pixel Data.
    frame : bytes
        The encoded frame; several one after the other.
    """

    order: Order
    header: bytes
    frame: bytes


@dataclass(frozen=True)
class RenderedImage:
    """A picture, encoded; with it the smaller ones that were ordered."""

    media_type: str
    body: bytes
    rows: int
    columns: int
    smaller: tuple[RenderedImage, ...] = ()


Measures = tuple[int, int, int]
"""Rows and columns of a picture, and the bytes of its file."""

_ENCODER: Final = msgspec.msgpack.Encoder()


def encode_order(order: Order) -> bytes:
    """Return `order` as the worker gets it."""
    return _ENCODER.encode(order)


def decode_order(document: bytes) -> Order:
    """Return the order in the document of a task."""
    return msgspec.msgpack.decode(document, type=Order)


def encode_images(images: Sequence[RenderedImage]) -> tuple[bytes, bytes]:
    """Return note and body of an answer: measures of each picture, and their files one after the other."""
    measures: list[Measures] = [(image.rows, image.columns, len(image.body)) for image in images]
    return _ENCODER.encode(measures), b"".join(image.body for image in images)


def decode_images(media_type: str, note: bytes, body: bytes) -> RenderedImage:
    """Return the picture in an answer, the smaller ones with it."""
    images, start = [], 0
    for rows, columns, length in msgspec.msgpack.decode(note, type=list[Measures]):
        images.append(RenderedImage(media_type, body[start : start + length], rows, columns))
        start += length
    return with_smaller(images)


def with_smaller(images: Sequence[RenderedImage]) -> RenderedImage:
    """Return the first of `images` with the others as the smaller ones."""
    first, *smaller = images
    return replace(first, smaller=tuple(smaller)) if smaller else first
