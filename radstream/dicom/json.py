"""From the header's bytes to DICOM JSON (PS3.18 F), in one walk. What is malformed is flagged, never fatal."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any, Final

from radstream.contract.errors import NotFound, RejectedInstance
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
    is_private,
    is_private_creator,
    private_vr,
    standard_vr,
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
from radstream.dicom.values import CONVERTERS, to_inline, to_little_endian

Attributes = dict[str, dict[str, Any]]

LONGEST_INLINE_BYTES: Final = 1024
"""A longer value of a bulk VR is referred to, not given."""

_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_PIXEL_REPRESENTATION: Final = 0x00280103


@dataclass(frozen=True)
class Header:
    """What was read.

    Parameters
    ----------
    attributes : dict
        The DICOM JSON object. Values of bulk VRs longer than `LONGEST_INLINE_BYTES` are ``{"vr", "BulkDataURI"}`` with
        the path that `locate` understands.
    flags : tuple of str
        What was malformed, as tag and kind: ``00280010 value``, ``00100010 charset``, ``truncated``.
    """

    attributes: Attributes
    flags: tuple[str, ...]


def read_header(header: bytes, transfer_syntax_uid: str) -> Header:
    """Return the DICOM JSON of a data set up to its Pixel Data.

    Parameters
    ----------
    header : bytes
        The data set's bytes up to Pixel Data (inflated, if it was deflated). If they end early, all before is returned.

    Raises
    ------
    RejectedInstance
        If sequences are nested deeper than 64.

    References
    ----------
    PS3.18 F.2 DICOM JSON Model Object Structure; PS3.5 7 The Data Set.
    """
    walk, attributes = _walked(header, transfer_syntax_uid)
    return Header(_in_utf8(attributes), tuple(dict.fromkeys(walk.flags)))


def locate(header: bytes, transfer_syntax_uid: str, path: str) -> tuple[int, int, str]:
    """Return where a bulk value lies in `header`: offset, length in bytes, and its VR.

    Parameters
    ----------
    path : str
        As `read_header` refers to it: a tag, or tag, item index (from 0), tag …, with slashes between them.

    Raises
    ------
    NotFound
        If there is no such value.
    RejectedInstance
        As `read_header`.
    """
    walk = _walked(header, transfer_syntax_uid)[0]
    if path not in walk.places:
        raise NotFound("the instance has no such bulk data")
    return walk.places[path]


def _walked(header: bytes, transfer_syntax_uid: str) -> tuple[_Walk, Attributes]:
    walk = _Walk(header)
    read = true_reader(header, 0, reader_of(encoding_of(transfer_syntax_uid)))
    attributes, _ = walk.data_set(0, len(header), _Context(read))
    return walk, attributes


def pixel_data_reference(tag: int, vr: str) -> Attributes:
    """Return the entry of (Float, Double Float) Pixel Data, which `read_header` never sees."""
    return {f"{tag:08X}": {"vr": vr, "BulkDataURI": f"{tag:08X}"}}


def _in_utf8(attributes: Attributes) -> Attributes:
    """Name the character set that the JSON is in (PS3.18 F.1.1)."""
    if attributes.get("00080005", {}).get("Value"):
        attributes["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return attributes


@dataclass(frozen=True)
class _Context:
    """What an item inherits from what is around it."""

    read: ReadElement
    charset: CharacterSet = DEFAULT_CHARACTER_SET
    is_signed: bool = False
    path: str = ""
    depth: int = 0
    is_delimited: bool = False

    @property
    def order(self) -> str:
        return ">" if self.read is read_explicit_big else "<"


class _Walk:
    """One walk through `data`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.flags: list[str] = []
        self.places: dict[str, tuple[int, int, str]] = {}  # of bulk values: offset, length, VR

    def data_set(self, position: int, end: int, context: _Context) -> tuple[Attributes, int]:
        """Return the attributes from `position`, and where they end: at `end`, or behind a delimiter."""
        attributes: Attributes = {}
        creators: dict[int, str] = {}
        try:
            while position < end:
                tag, vr, length, value = context.read(self.data, position)
                if tag >= ITEM and tag in (ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION):
                    if context.is_delimited:
                        return attributes, value if tag == ITEM_DELIMITATION else position
                    position = value  # a stray one means nothing
                    continue
                if length == UNDEFINED_LENGTH:
                    entry, position = self._undefined(tag, _vr_of(tag, vr, creators), value, end, context)
                elif value + length > end:
                    self.flags.append("truncated")
                    return attributes, end
                else:
                    resolved = vr if vr and vr != "UN" else _vr_of(tag, vr, creators)
                    entry = self._entry(tag, resolved, value, value + length, context)
                    position = value + length
                key = KEYS.get(tag) or f"{tag:08X}"
                if not tag & 0xFFFF or tag >> 16 == 0x0002 or key in attributes:
                    continue  # group lengths and meta elements are no attributes; of doubles the first counts
                attributes[key] = entry
                if tag in (_SPECIFIC_CHARACTER_SET, _PIXEL_REPRESENTATION) or is_private_creator(tag):
                    context = self._take_note(tag, entry, context, creators)
        except struct.error:
            if any(self.data[position:end]):  # a few NULs at the end are padding
                self.flags.append("truncated")
            position = end
        return attributes, position

    def _take_note(self, tag: int, entry: dict[str, Any], context: _Context, creators: dict[int, str]) -> _Context:
        """Return the context for the elements that follow one on which their reading depends."""
        values = entry.get("Value", [])
        if tag == _SPECIFIC_CHARACTER_SET:
            charset, is_known = character_set(values)
            if not is_known:
                self.flags.append("00080005 charset")
            return replace(context, charset=charset)
        if tag == _PIXEL_REPRESENTATION:
            return replace(context, is_signed=values == [1])
        if values and isinstance(values[0], str):
            creators[tag >> 16 << 16 | (tag & 0xFF) << 8] = values[0]
        return context

    def _entry(self, tag: int, vr: str, start: int, end: int, context: _Context) -> dict[str, Any]:
        """Return the entry of a value of defined length."""
        if vr == "SQ":
            items, _ = self._items(tag, start, end, context)
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        if vr in (US_OR_SS, US_OR_OW):
            vr = ("SS" if context.is_signed else "US") if vr == US_OR_SS else "OW"
        if start == end:
            return {"vr": vr if vr in CONVERTERS or vr in BULK_VRS else "UN"}
        converter = CONVERTERS.get(vr)
        if converter is None:
            return self._bulk(tag, vr, start, end, context)
        values, is_good = converter(self.data[start:end], context.charset, context.order)
        if not is_good:
            self.flags.append(f"{tag:08X} {'charset' if vr in _IN_CHARSET else 'value'}")
        return {"vr": vr, "Value": values} if values else {"vr": vr}

    def _bulk(self, tag: int, vr: str, start: int, end: int, context: _Context) -> dict[str, Any]:
        """Return the entry of bytes: inline if they are few, as reference if not."""
        if vr not in BULK_VRS:
            self.flags.append(f"{tag:08X} vr")
            vr = "UN"
        path = f"{context.path}{tag:08X}"
        self.places[path] = (start, end - start, vr)
        if end - start > LONGEST_INLINE_BYTES:
            return {"vr": vr, "BulkDataURI": path}
        value = self.data[start:end]
        return {"vr": vr, "InlineBinary": to_inline(to_little_endian(value, vr) if context.order == ">" else value)}

    def _undefined(self, tag: int, vr: str, start: int, end: int, context: _Context) -> tuple[dict[str, Any], int]:
        """Return the entry of a value of undefined length: a sequence, or fragments (PS3.5 7.5.2, A.4)."""
        if vr in BULK_VRS - {"UN"}:
            position = self._after_fragments(start, end, context)
            path = f"{context.path}{tag:08X}"
            self.places[path] = (start, position - start, vr)
            return {"vr": vr, "BulkDataURI": path}, position
        items, position = self._items(tag, start, end, context)
        return ({"vr": "SQ", "Value": items} if items else {"vr": "SQ"}), position

    def _after_fragments(self, position: int, end: int, context: _Context) -> int:
        while position < end:
            tag, _, length, value = context.read(self.data, position)
            if tag != ITEM or length == UNDEFINED_LENGTH:
                return value if tag == SEQUENCE_DELIMITATION else position
            position = value + length
        return position

    def _items(self, tag: int, position: int, end: int, context: _Context) -> tuple[list[Attributes], int]:
        """Return the items of a sequence, and where it ends."""
        if context.depth >= MAX_DEPTH:
            raise RejectedInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        read = sequence_reader(self.data, position, context.read)
        items: list[Attributes] = []
        while position < end:
            kind, _, length, value = read(self.data, position)
            if kind == ITEM:
                is_delimited = length == UNDEFINED_LENGTH
                item_end = end if is_delimited else min(value + length, end)
                inner = _Context(
                    item_reader(self.data, value, read) if item_end > value + 8 else read,
                    context.charset,
                    context.is_signed,
                    f"{context.path}{tag:08X}/{len(items)}/",
                    context.depth + 1,
                    is_delimited,
                )
                item, after = self.data_set(value, item_end, inner)
                items.append(item)
                position = after if is_delimited else value + length
            elif kind == ITEM_DELIMITATION:
                position = value  # a useless one after an item of defined length
            else:
                return items, value if kind == SEQUENCE_DELIMITATION else position
        return items, position


_IN_CHARSET: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})


def _vr_of(tag: int, vr: str, creators: dict[int, str]) -> str:
    """Return the VR of an element that does not tell it (or tells that it is unknown), by the dictionaries."""
    if vr and vr != "UN":
        return vr
    if not is_private(tag):
        return standard_vr(tag) if tag & 0xFFFF else "UL"
    if is_private_creator(tag):
        return "LO"
    creator = creators.get(tag & 0xFFFFFF00)
    return private_vr(creator, tag) if creator is not None else "UN"
