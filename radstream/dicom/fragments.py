"""Walks the items of encapsulated Pixel Data (PS3.5 A.4) without reading what is in them, in bounded memory."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import UNDEFINED_LENGTH

MOST_FRAGMENTS: Final = 1_000_000
"""More are an attack: an hour of video has some 200,000 frames."""

_ITEM_HEAD: Final = struct.Struct("<HHI")
_LOOK_BYTES: Final = _ITEM_HEAD.size + 2  # with the first two bytes of the fragment
_AHEAD_BYTES: Final = 1 << 16
_SMALL_BYTES: Final = 1 << 15  # fragments up to this size are passed several at a time
_ITEM: Final = (0xFFFE, 0xE000)
_DELIMITER: Final = (0xFFFE, 0xE0DD)

# Start of Image (JPEG, JPEG-LS) and Start of Codestream (JPEG 2000, HTJ2K; JPEG XL).
_CODESTREAM_BEGINS: Final = frozenset({b"\xff\xd8", b"\xff\x4f", b"\xff\x0a"})


@dataclass
class Fragments:
    """The fragments of a Pixel Data.

    Parameters
    ----------
    basic_offset_table : tuple of int
        Offset in the blob and length of the first item's value.
    places : list of tuple of int
        Offset in the blob and length of the value of each further item.
    begins_codestream : list of bool
        For each fragment, whether it begins with the marker with which a codestream does.
    is_complete : bool
        Whether the delimiter follows the last one, so that none is missing.
    """

    basic_offset_table: tuple[int, int] = (0, 0)
    places: list[tuple[int, int]] = field(default_factory=list)
    begins_codestream: list[bool] = field(default_factory=list)
    is_complete: bool = False

    def firsts_at(self, offsets: Sequence[int]) -> list[int]:
        """Return the indexes of the fragments at the offsets of a Basic Offset Table; [] if that is wrong.

        Offsets are counted from the first item behind the table to the tag of an item; they ascend, from 0.
        """
        if not self.places or not offsets or offsets[0] != 0:
            return []
        base = self.places[0][0]
        index_at = {offset - base: index for index, (offset, _) in enumerate(self.places)}
        firsts = [index_at[offset] for offset in offsets if offset in index_at]
        is_sound = len(firsts) == len(offsets) and firsts == sorted(set(firsts))
        return firsts if is_sound else []


async def walk_fragments(offset: int, end: int, read: Callable[[int, int], Awaitable[bytes]]) -> Fragments:
    """Return the fragments of the Pixel Data whose value begins at `offset` of a blob that ends at `end`.

    What is missing at the end is not there; a fragment that reaches beyond the end is kept as it is declared.

    Raises
    ------
    RejectedInstance
        If there are more than `MOST_FRAGMENTS`.
    """
    found = Fragments()
    window = _Window(read, end)
    is_table = True
    while offset + _ITEM_HEAD.size <= end:
        look = await window.at(offset)
        group, element, length = _ITEM_HEAD.unpack_from(look)
        if (group, element) != _ITEM or length == UNDEFINED_LENGTH:
            found.is_complete = (group, element) == _DELIMITER
            break  # the delimiter, or nonsense
        if offset + _ITEM_HEAD.size == end:
            break  # a fragment of which nothing is there
        if is_table:
            found.basic_offset_table = (offset + _ITEM_HEAD.size, length)
            is_table = False
        else:
            found.places.append((offset + _ITEM_HEAD.size, length))
            found.begins_codestream.append(look[_ITEM_HEAD.size :] in _CODESTREAM_BEGINS)
        if len(found.places) > MOST_FRAGMENTS:
            raise RejectedInstance("the Pixel Data has absurdly many fragments")
        offset += _ITEM_HEAD.size + length
    return found


class _Window:
    """Reads ahead while fragments are small, and only the head of each when they are not."""

    def __init__(self, read: Callable[[int, int], Awaitable[bytes]], end: int) -> None:
        self._read = read
        self._end = end
        self._start = 0
        self._data = b""

    async def at(self, offset: int) -> bytes:
        """Return the head of the item at `offset` and the first two bytes of its value."""
        behind = offset - self._start
        if behind + _LOOK_BYTES > len(self._data):
            ahead = _AHEAD_BYTES if behind < len(self._data) + _SMALL_BYTES else _LOOK_BYTES
            self._data = await self._read(offset, min(ahead, self._end - offset))
            self._start, behind = offset, 0
        return self._data[behind : behind + _LOOK_BYTES].ljust(_ITEM_HEAD.size, b"\0")
