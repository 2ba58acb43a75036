"""Follows the structure of a data set element by element, without looking at values: the core of the header scanner."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import (
    BULK_VRS,
    ITEM,
    ITEM_DELIMITATION,
    MAX_DEPTH,
    PIXEL_DATA_TAGS,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    standard_vr,
)
from radstream.dicom.elements import (
    Buffer,
    ReadElement,
    begins_with_item,
    item_reader,
    sequence_reader,
    true_reader,
)

WANTED_TAGS: Final = frozenset({0x00080016, 0x00080018, 0x0020000D, 0x0020000E})
"""SOP Class, SOP Instance, Study Instance and Series Instance UID."""

_WANTED_BYTES = 256  # what is kept of a value; a UID has at most 64
_ENDLESS = 1 << 63
_SPECIAL = WANTED_TAGS | PIXEL_DATA_TAGS | {ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION}

# What is open around the next element: the data set or an item, a sequence, the fragments of an encapsulated value.
_DATA_SET, _SEQUENCE, _FRAGMENTS = range(3)


class _Level(NamedTuple):
    """One thing that is open.

    Parameters
    ----------
    end : int
        The offset in the data set at which it ends at the latest; what would reach beyond it is cut there.
    is_delimited : bool
        It has undefined length and ends with a delimiter.
    limit_bytes : int
        Values shorter than this need not be looked into: a level of nesting costs 16 bytes (the headers of a sequence
        and of an item), so that what is short cannot be too deep.
    """

    kind: int
    end: int
    read: ReadElement
    is_delimited: bool
    depth: int
    limit_bytes: int


class Structure:
    """The state of one walk through a data set.

    Attributes
    ----------
    pixel_data_offset : int or None
        Where the Pixel Data element begins, in bytes from the beginning of the data set; the walk ends there.
    values : dict of int to bytes
        By tag, the values of `WANTED_TAGS` at the top level, without padding; at most 256 bytes each.
    """

    def __init__(self, read: ReadElement) -> None:
        self.pixel_data_offset: int | None = None
        self.values: dict[int, bytes] = {}
        self._level = _Level(_DATA_SET, _ENDLESS, read, False, 0, 16 * MAX_DEPTH)
        self._outer: list[_Level] = []

    def walk(self, data: Buffer, size: int, base: int) -> int:
        """Follow the elements whose headers (and values, where wanted) are whole in the first `size` bytes of `data`.

        Parameters
        ----------
        base : int
            Offset in the data set of ``data[0]``, where the last walk stopped.

        Returns
        -------
        int
            Offset in `data` of the next element to follow; beyond `size` if a value reaches beyond.

        Raises
        ------
        RejectedInstance
            If sequences are nested deeper than `MAX_DEPTH`.
        """
        position = 0
        if base == 0:
            self._level = self._level._replace(read=true_reader(data, 0, self._level.read))
        while position < size and self.pixel_data_offset is None:
            level = self._level
            read, limit_bytes, end = level.read, level.limit_bytes, level.end - base
            stop = min(size, end)
            try:
                while position < stop:
                    tag, _, length, value = read(data, position)
                    if length >= limit_bytes or tag in _SPECIAL:
                        position = self._follow(data, position, base)
                        break
                    position = value + length
            except struct.error:
                if end > size:
                    return position  # the header is not whole yet
                position = end  # and never will be
            while position >= self._level.end - base:
                position = self._level.end - base  # what reaches beyond is cut
                self._close()
        return position

    def is_whole(self, offset: int) -> bool:
        """Tell whether the data set may end at `offset`: nothing is open there."""
        while self._outer and self._level.end <= offset:
            self._close()
        return not self._outer

    def _close(self) -> None:
        self._level = self._outer.pop()

    def _enter(self, kind: int, end: int, read: ReadElement, *, is_delimited: bool, depth: int) -> None:
        """Go into an item, a sequence or fragments."""
        limit_bytes = 0 if kind != _DATA_SET else 16 * (MAX_DEPTH - depth)
        self._outer.append(self._level)
        self._level = _Level(kind, end, read, is_delimited, depth, limit_bytes)

    def _follow(self, data: Buffer, position: int, base: int) -> int:
        """Return where to go on after an element that is not simply skipped."""
        if self._level.kind == _SEQUENCE:
            return self._follow_in_sequence(data, position, base)
        if self._level.kind == _FRAGMENTS:
            return self._follow_fragment(data, position)
        return self._follow_in_data_set(data, position, base)

    def _follow_in_sequence(self, data: Buffer, position: int, base: int) -> int:
        """Enter an item, leave the sequence, or recover: its delimiter may be missing."""
        level = self._level
        tag, _, length, value = level.read(data, position)
        if tag == ITEM and length < 16 * (MAX_DEPTH - level.depth):
            return value + length
        if tag == ITEM:
            is_delimited = length == UNDEFINED_LENGTH
            end = level.end if is_delimited else min(level.end, base + value + length)
            read = item_reader(data, value, level.read)
            self._enter(_DATA_SET, end, read, is_delimited=is_delimited, depth=level.depth)
            return value
        if tag == ITEM_DELIMITATION:
            return value  # a useless one after an item of defined length
        self._close()
        if not level.is_delimited:
            return level.end - base
        return value if tag == SEQUENCE_DELIMITATION else position

    def _follow_fragment(self, data: Buffer, position: int) -> int:
        """Pass over a fragment of an encapsulated value (PS3.5 A.4), or leave it at its delimiter."""
        tag, _, length, value = self._level.read(data, position)
        if tag == ITEM and length != UNDEFINED_LENGTH:
            return value + length
        self._close()
        return value if tag == SEQUENCE_DELIMITATION else position

    def _follow_in_data_set(self, data: Buffer, position: int, base: int) -> int:
        """Take note of what is wanted, go into what may be deep, pass over the rest."""
        level = self._level
        tag, vr, length, value = level.read(data, position)
        if tag >= ITEM and tag in _SPECIAL:
            return self._follow_delimiter(tag, position, value)
        if tag in PIXEL_DATA_TAGS and not self._outer:
            self.pixel_data_offset = base + position
            return position
        if tag in WANTED_TAGS and not self._outer and length != UNDEFINED_LENGTH:
            self._keep(tag, data, value, length)
        if base + value > level.end or length < level.limit_bytes or not _may_be_deep(data, tag, vr, length, value):
            return value + length
        is_delimited = length == UNDEFINED_LENGTH
        end = level.end if is_delimited else min(level.end, base + value + length)
        kind = _FRAGMENTS if is_delimited and _vr_of(tag, vr) in BULK_VRS - {"UN"} else _SEQUENCE
        depth = level.depth + (kind == _SEQUENCE)
        if depth > MAX_DEPTH:
            raise RejectedInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        read = sequence_reader(data, value, length, level.read)
        self._enter(kind, end, read, is_delimited=is_delimited, depth=depth)
        return value

    def _follow_delimiter(self, tag: int, position: int, value: int) -> int:
        """Leave the item at its delimiter, or where that is missing; a stray one elsewhere means nothing."""
        if not self._level.is_delimited:
            return value
        self._close()
        return value if tag == ITEM_DELIMITATION else position

    def _keep(self, tag: int, data: Buffer, value: int, length: int) -> None:
        """Keep a wanted value, once it is whole."""
        kept: bytes = struct.unpack_from(f"{min(length, _WANTED_BYTES)}s", data, value)[0]
        # What is longer is no UID, and must not become one because it is cut.
        self.values.setdefault(tag, kept.strip(b"\0 ") if length <= _WANTED_BYTES else kept)


def _vr_of(tag: int, vr: str) -> str:
    """Return the VR, that of the dictionary where the data set does not tell."""
    return standard_vr(tag) if vr in {"", "UN"} else vr


def _may_be_deep(data: Buffer, tag: int, vr: str, length: int, value: int) -> bool:
    """Tell whether the value is, or may be, a sequence or fragments.

    Raises
    ------
    struct.error
        If the bytes end before this is known.
    """
    if length == UNDEFINED_LENGTH or vr == "SQ":
        return True
    if vr not in {"", "UN"}:
        return False
    return standard_vr(tag) in {"SQ", "UN"} and begins_with_item(data, value)
