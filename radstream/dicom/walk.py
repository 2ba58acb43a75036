"""The walk through a header's bytes from which its DICOM JSON comes. What is malformed is flagged, never fatal."""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

from radstream.contract.errors import RejectedInstance
from radstream.dicom.charset import DEFAULT_CHARACTER_SET, CharacterSet, character_set
from radstream.dicom.dictionary import (
    BULK_VRS,
    ITEM,
    ITEM_DELIMITATION,
    KEYS,
    MAX_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    US_OR_OW,
    US_OR_SS,
    implied_vr,
)
from radstream.dicom.elements import (
    ReadElement,
    item_reader,
    read_explicit_big,
    reader_of,
    sequence_reader,
    true_reader,
)
from radstream.dicom.syntaxes import encoding_of
from radstream.dicom.values import CONVERTERS, REFERABLE_VRS, to_inline, to_little_endian

Attributes = dict[str, dict[str, Any]]

Place = tuple[int, int, str]
"""Offset in the header, length in bytes, VR."""

LONGEST_INLINE_BYTES: Final = 1024
"""A longer value of a bulk VR is referred to, not given."""

LONGEST_VALUE_BYTES: Final = 1 << 20
"""A longer value is referred to, where its VR allows that: as numbers it would take many times its size."""

LONGEST_OTHER_BYTES: Final = 1 << 16
"""A longer value of any other VR is none, and kept as bytes."""

MOST_PARTS: Final = 1 << 20
"""So many elements, items, values, and 64s of bytes make a DICOM JSON object; what is behind them is left out."""

TOO_LONG: Final = "header too long"
"""The flag of a header of which only the beginning is described."""

MOST_FLAGS: Final = 1000
"""So many things that are malformed are told apart; of a header that is nonsense there may be millions."""

_GIVEN_UP_TO: Final = {vr: LONGEST_VALUE_BYTES if vr in REFERABLE_VRS else LONGEST_OTHER_BYTES for vr in CONVERTERS}
_DELIMITERS: Final = (ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION)
_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_PIXEL_REPRESENTATION: Final = 0x00280103
_NOTED: Final = (_SPECIFIC_CHARACTER_SET, _PIXEL_REPRESENTATION)
_PART_BITS: Final = 6  # 64 bytes of text or path count as a part: each part then takes less than 400 bytes
_CREATOR_MASK, _CREATOR = 0x0001FF00, 0x00010000  # odd group, element up to FF: a private creator (PS3.5 7.8.1)
_IN_CHARSET: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_FRAGMENTED: Final = BULK_VRS - {"UN"}  # with undefined length these have fragments, all others items


class _Context(NamedTuple):
    """What an item inherits from what is around it."""

    read: ReadElement
    order: str
    charset: CharacterSet = DEFAULT_CHARACTER_SET
    is_signed: bool = False
    path: str = ""
    depth: int = 0
    is_delimited: bool = False


class Walk:
    """One walk through a header.

    Parameters
    ----------
    header : bytes
        The data set's bytes up to Pixel Data (inflated, if it was deflated). If they end early, all before is read.

    Attributes
    ----------
    attributes : dict
        The DICOM JSON object; of more than `MOST_PARTS` parts only the first, which is flagged.
    flags : dict
        Its keys are what was malformed, in their order, see `radstream.dicom.json.Header`.
    places : dict of str to tuple
        By path, where the bulk values lie.

    Raises
    ------
    RejectedInstance
        If sequences are nested deeper than `MAX_DEPTH`.
    """

    def __init__(self, header: bytes, transfer_syntax_uid: str) -> None:
        self.flags: dict[str, None] = {}
        self.places: dict[str, Place] = {}
        self._data = header
        self._left = MOST_PARTS
        read = true_reader(header, 0, reader_of(encoding_of(transfer_syntax_uid)))
        self.attributes, _ = self._data_set(0, len(header), _Context(read, _order(read)))
        if self._left <= 0:
            self.flags[TOO_LONG] = None

    def _data_set(self, position: int, end: int, context: _Context) -> tuple[Attributes, int]:
        """Return the attributes from `position`, and where they end: at `end`, or behind a delimiter."""
        attributes: Attributes = {}
        creators: dict[int, str] = {}
        data, read = self._data, context.read
        try:
            while position < end and self._left > 0:
                self._left -= 1
                tag, vr, length, value = read(data, position)
                if tag >= ITEM and tag in _DELIMITERS:
                    if context.is_delimited:
                        return attributes, value if tag == ITEM_DELIMITATION else position
                    position = value  # a stray one means nothing
                    continue
                if not vr or vr == "UN":
                    vr = implied_vr(tag, creators)
                if length == UNDEFINED_LENGTH:
                    entry, position = self._undefined(tag, vr, value, end, context)
                else:
                    position = value + length
                    if position > end:
                        self._flag("truncated")
                        return attributes, end
                    entry = self._entry(tag, vr, value, position, context)
                key = KEYS[tag]
                if key and key not in attributes:  # of an attribute that comes twice the first counts
                    attributes[key] = entry
                    if tag in _NOTED or tag & _CREATOR_MASK == _CREATOR:
                        context = self._take_note(tag, entry, context, creators)
            self._flag_missing_delimiter(context.is_delimited)
        except struct.error:
            self._flag_rest(position, end)
            position = end
        return attributes, position

    def _flag_rest(self, position: int, end: int) -> None:
        """Say that the last element is not whole; a few NULs at the end are padding."""
        if any(self._data[position:end]):
            self._flag("truncated")

    def _flag_missing_delimiter(self, is_delimited: bool) -> None:
        """Say that what has undefined length ended without its delimiter."""
        if is_delimited and self._left > 0:
            self._flag("truncated")

    def _take_note(self, tag: int, entry: dict[str, Any], context: _Context, creators: dict[int, str]) -> _Context:
        """Return the context for the elements that follow one on which their reading may depend."""
        values = entry.get("Value", [])
        if tag == _SPECIFIC_CHARACTER_SET:
            charset, is_known = character_set(values)
            if not is_known:
                self._flag("00080005 charset")
            if values:
                entry["Value"] = ["ISO_IR 192"]  # which is what the JSON is in (PS3.18 F.1.1)
            return context._replace(charset=charset)
        if tag == _PIXEL_REPRESENTATION:
            return context._replace(is_signed=values == [1])
        if values and isinstance(values[0], str):
            creators[tag >> 16 << 16 | (tag & 0xFF) << 8] = values[0]
        return context

    def _entry(self, tag: int, vr: str, start: int, end: int, context: _Context) -> dict[str, Any]:
        """Return the entry of a value of defined length."""
        converter = CONVERTERS.get(vr)
        if converter is not None and end - start <= _GIVEN_UP_TO[vr]:
            if start == end:
                return {"vr": vr}
            values, is_good = converter(self._data[start:end], context.charset, context.order)
            self._left -= len(values) + (end - start >> _PART_BITS)
            if not is_good:
                self._flag(f"{tag:08X} {'charset' if vr in _IN_CHARSET else 'value'}")
            return {"vr": vr, "Value": values} if values else {"vr": vr}
        if vr == "SQ":
            items, _ = self._items(tag, start, end, context, is_delimited=False)
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        if vr == US_OR_SS:
            return self._entry(tag, "SS" if context.is_signed else "US", start, end, context)
        return self._bulk(tag, "OW" if vr == US_OR_OW else vr, start, end, context)

    def _bulk(self, tag: int, vr: str, start: int, end: int, context: _Context) -> dict[str, Any]:
        """Return the entry of bytes: inline if they are few, as reference if not (PS3.18 F.2.6, F.2.7)."""
        if vr not in REFERABLE_VRS:
            self._flag(f"{tag:08X} {'value' if vr in CONVERTERS else 'vr'}")
            vr = "UN"
        if start == end:
            return {"vr": vr}
        path = self._place(tag, vr, start, end, context)
        if end - start > LONGEST_INLINE_BYTES:
            return {"vr": vr, "BulkDataURI": path}
        value = self._data[start:end]
        return {"vr": vr, "InlineBinary": to_inline(to_little_endian(value, vr) if context.order == ">" else value)}

    def _place(self, tag: int, vr: str, start: int, end: int, context: _Context) -> str:
        """Remember where a value lies; return its path."""
        path = f"{context.path}{tag:08X}"
        self.places.setdefault(path, (start, end - start, vr))
        self._left -= len(path) + min(end - start, LONGEST_INLINE_BYTES) >> _PART_BITS
        return path

    def _undefined(self, tag: int, vr: str, start: int, end: int, context: _Context) -> tuple[dict[str, Any], int]:
        """Return the entry of a value of undefined length: a sequence, or fragments (PS3.5 7.5.2, A.4)."""
        if vr in _FRAGMENTED:
            position = self._after_fragments(start, end, context)
            return {"vr": vr, "BulkDataURI": self._place(tag, vr, start, position, context)}, position
        items, position = self._items(tag, start, end, context, is_delimited=True)
        return ({"vr": "SQ", "Value": items} if items else {"vr": "SQ"}), position

    def _after_fragments(self, position: int, end: int, context: _Context) -> int:
        read = sequence_reader(self._data, position, end - position, context.read)
        while position < end:
            tag, _, length, value = read(self._data, position)
            if tag != ITEM or length == UNDEFINED_LENGTH:
                return value if tag == SEQUENCE_DELIMITATION else position
            position = value + length
        self._flag("truncated")
        return position

    def _items(
        self, tag: int, position: int, end: int, context: _Context, *, is_delimited: bool
    ) -> tuple[list[Attributes], int]:
        """Return the items of a sequence, and where it ends."""
        if context.depth >= MAX_DEPTH:
            raise RejectedInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        items: list[Attributes] = []
        try:
            read = sequence_reader(self._data, position, end - position, context.read)
            while position < end and self._left > 0:
                self._left -= 1
                kind, _, length, value = read(self._data, position)
                if kind == ITEM:
                    path = f"{context.path}{tag:08X}/{len(items)}/"
                    item, position = self._item(value, length, end, context._replace(read=read, path=path))
                    items.append(item)
                elif kind == ITEM_DELIMITATION:
                    position = value  # a useless one after an item of defined length
                else:
                    return items, value if kind == SEQUENCE_DELIMITATION else position
            self._flag_missing_delimiter(is_delimited)
        except struct.error:
            self._flag("truncated")
            position = end
        return items, position

    def _item(self, start: int, length: int, end: int, outer: _Context) -> tuple[Attributes, int]:
        """Return an item of a sequence that ends at `end`, and where the item ends."""
        is_delimited = length == UNDEFINED_LENGTH
        item_end = end if is_delimited else min(start + length, end)
        read = item_reader(self._data, start, outer.read) if item_end >= start + 8 else outer.read
        inner = outer._replace(read=read, order=_order(read), depth=outer.depth + 1, is_delimited=is_delimited)
        item, after = self._data_set(start, item_end, inner)
        return item, after if is_delimited else start + length

    def _flag(self, flag: str) -> None:
        if len(self.flags) < MOST_FLAGS:
            self.flags[flag] = None


def _order(read: ReadElement) -> str:
    return ">" if read is read_explicit_big else "<"
