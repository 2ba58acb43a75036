"""Compressed frames as encapsulated Pixel Data (PS3.5 A.4): a Basic Offset Table, and one fragment for each frame."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from radstream.contract.errors import RejectedInstance
from radstream.dicom.fragments import MOST_FRAGMENTS

_ITEM: Final = struct.Struct("<HHI")
_DELIMITER: Final = _ITEM.pack(0xFFFE, 0xE0DD, 0)
_LONGEST_FRAGMENT_BYTES: Final = 0xFFFFFFFE
_LARGEST_OFFSET: Final = 0xFFFFFFFF


class Frame(Protocol):
    """The bytes of a frame, or of a whole video."""

    @property
    def size_bytes(self) -> int:
        """Their length in bytes."""


@dataclass(frozen=True)
class Frames:
    """All frames of a Pixel Data.

    Parameters
    ----------
    frames : sequence of Frame
    is_video : bool
        There is one stream, of which the frames have no offsets: the table is empty (PS3.5 A.4.5).
    """

    frames: Sequence[Frame]
    is_video: bool = False


def encapsulated(frames: Frames) -> list[bytes | Frame]:
    """Return the value of Pixel Data, from the Basic Offset Table to the Sequence Delimitation Item.

    The table is empty too if an offset would not fit into its 32 bits: each frame being one fragment, they are told
    apart without it.

    Raises
    ------
    RejectedInstance
        If a frame is longer than a fragment can be, or there are more than `fragments.MOST_FRAGMENTS`.
    """
    sizes = [frame.size_bytes + frame.size_bytes % 2 for frame in frames.frames]
    if len(sizes) > MOST_FRAGMENTS or any(size > _LONGEST_FRAGMENT_BYTES for size in sizes):
        raise RejectedInstance("a frame is longer than 4 GiB, or there are absurdly many")
    pieces: list[bytes | Frame] = [_offset_table([] if frames.is_video else sizes)]
    for frame, size in zip(frames.frames, sizes, strict=True):
        pieces += [_ITEM.pack(0xFFFE, 0xE000, size), frame]
        if size > frame.size_bytes:
            pieces.append(b"\0")
    return [*pieces, _DELIMITER]


def _offset_table(sizes: Sequence[int]) -> bytes:
    """Return the item with the offset of each frame's item from the end of the table."""
    offsets = list(itertools.accumulate((size + _ITEM.size for size in sizes), initial=0))[:-1]
    if offsets and offsets[-1] > _LARGEST_OFFSET:
        offsets = []
    return _ITEM.pack(0xFFFE, 0xE000, 4 * len(offsets)) + struct.pack(f"<{len(offsets)}I", *offsets)
