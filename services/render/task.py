"""What a worker gets and gives, and how both travel through its pipes.

A message is a short MessagePack document in front of long byte strings that are passed on as they are:
``<length of the document: 4 bytes><lengths of the byte strings: 8 bytes each><document><byte strings>``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import msgspec

from services.render.encode import DEFAULT_QUALITY
from services.render.pixels import Wish

REQUEST: Final = struct.Struct("<IQQ")
"""In front of a task: lengths of the document, the header and the frame."""

ANSWER: Final = struct.Struct("<IQ")
"""In front of an answer: lengths of the document and the picture."""


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


@dataclass(frozen=True)
class Task:
    """One frame to be rendered: never more of its instance than that frame needs.

    Parameters
    ----------
    header : bytes
        The Part 10 file up to Pixel Data.
    frame : bytes
        The encoded frame.
    """

    order: Order
    header: bytes
    frame: bytes


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a task: a picture of `rows` x `columns`, or the `reason` why there is none."""

    media_type: str = ""
    rows: int = 0
    columns: int = 0
    reason: str = ""


@dataclass(frozen=True)
class RenderedImage:
    """A picture, encoded."""

    media_type: str
    body: bytes
    rows: int
    columns: int


_ENCODER: Final = msgspec.msgpack.Encoder()


def encode_task(task: Task) -> tuple[bytes, bytes, bytes]:
    """Return the pieces of a task in the order in which they are sent."""
    order = _ENCODER.encode(task.order)
    return REQUEST.pack(len(order), len(task.header), len(task.frame)) + order, task.header, task.frame


def decode_order(document: bytes) -> Order:
    """Return the order in the document of a task."""
    return msgspec.msgpack.decode(document, type=Order)


def encode_outcome(outcome: Outcome, body: bytes) -> bytes:
    """Return an answer with its picture."""
    document = _ENCODER.encode(outcome)
    return ANSWER.pack(len(document), len(body)) + document + body


def decode_outcome(document: bytes) -> Outcome:
    """Return the outcome in the document of an answer."""
    return msgspec.msgpack.decode(document, type=Outcome)
