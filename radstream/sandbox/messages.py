"""What a worker gets and gives, and how both travel through its pipes.

A message is a short MessagePack document in front of long byte strings that are passed on as they are:
``<length of the document: 4 bytes><lengths of the byte strings: 8 bytes each><document><byte strings>``.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

REQUEST: Final = struct.Struct("<IQQ")
"""In front of a task: lengths of the order, the header and the frame."""

ANSWER: Final = struct.Struct("<IQ")
"""In front of an answer: lengths of the outcome and the body."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a task.

    Parameters
    ----------
    reason : str
        Why there is no result; empty if there is one.
    note : bytes
        What is to be known of the body, as the handler of the task encodes it.
    """

    reason: str = ""
    note: bytes = b""


_ENCODER: Final = msgspec.msgpack.Encoder()


def encode_task(order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the pieces of a task in the order in which they are sent."""
    return REQUEST.pack(len(order), len(header), len(frame)) + order, header, frame


def encode_outcome(outcome: Outcome, body: bytes) -> bytes:
    """Return an answer with its body."""
    document = _ENCODER.encode(outcome)
    return ANSWER.pack(len(document), len(body)) + document + body


def decode_outcome(document: bytes) -> Outcome:
    """Return the outcome in the document of an answer."""
    return msgspec.msgpack.decode(document, type=Outcome)
