"""What the worker with the volumes is told and what it answers; `radstream.sandbox.messages` says how it travels."""

from __future__ import annotations

from typing import Final

import msgspec

from services.render import task
from services.render.encode import DEFAULT_QUALITY
from services.render.pixels import Wish
from services.render.reconstruction.grid import Grid
from services.render.reconstruction.volume import Form
from services.render.secondary_capture import Derivation


class Open(msgspec.Struct, frozen=True, tag=True):
    """Begin a volume.

    Parameters
    ----------
    limit_bytes : int
        Of all volumes together.
    """

    key: str
    form: Form
    limit_bytes: int


class Fill(msgspec.Struct, frozen=True, tag=True):
    """Decode a frame and put it in its place; header and frame lie beside the order."""

    key: str
    number: int
    frame: task.Order


class Show(msgspec.Struct, frozen=True, tag=True):
    """Make the picture of a plane or slab.

    Parameters
    ----------
    label : str
        What is burnt in.
    derivation : Derivation or None
        What is said of it in an instance of its own: for application/dicom.
    """

    key: str
    grid: Grid
    projection: str
    label: str
    wish: Wish = Wish()
    media_type: str = "image/jpeg"
    quality: int = DEFAULT_QUALITY
    derivation: Derivation | None = None


class Done(msgspec.Struct, frozen=True):
    """What became of an order.

    Parameters
    ----------
    is_missing : bool
        The volume is not there, or not complete: it has to be filled first.
    """

    is_missing: bool = False
    rows: int = 0
    columns: int = 0


Order = Open | Fill | Show
_ENCODER: Final = msgspec.msgpack.Encoder()
_ORDERS: Final[msgspec.msgpack.Decoder[Order]] = msgspec.msgpack.Decoder(Order)
_ANSWERS: Final = msgspec.msgpack.Decoder(Done)


def encode(message: Order | Done) -> bytes:
    """Return an order or an answer as it travels."""
    return _ENCODER.encode(message)


def decode_order(document: bytes) -> Order:
    """Return the order in the document of a task."""
    return _ORDERS.decode(document)


def decode_answer(note: bytes) -> Done:
    """Return the answer in the note of an outcome."""
    return _ANSWERS.decode(note)
