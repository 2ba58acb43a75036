"""The header of a data set in Explicit VR Little Endian, whatever it is stored in, with some attributes changed.

Values stay as they are, apart from the byte order of big endian ones. VRs that were implicit are those of the
dictionaries. Sequences get a defined length; group lengths, which would be wrong then, are left out.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import (
    BULK_VRS,
    ITEM,
    ITEM_DELIMITATION,
    MAX_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    US_OR_OW,
    US_OR_SS,
    implied_vr,
    is_private_creator,
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
from radstream.dicom.values import WORD_BYTES, swap_words

Changes = Mapping[int, tuple[str, bytes] | None]
"""By tag the VR and the value, in little endian and of even length; None for what is left out."""

_DELIMITERS: Final = (ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION)
_PIXEL_REPRESENTATION: Final = 0x00280103
_LONG: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_SHORT_BYTES: Final = 0xFFFE
_PADDED_WITH_NUL: Final = BULK_VRS | {"UI"}
_SIZES: Final = WORD_BYTES | {"US": 2, "SS": 2, "AT": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8}
"""By VR, the size of the numbers whose byte order the transfer syntax decides."""


def rewrite(header: bytes, transfer_syntax_uid: str, changes: Changes | None = None) -> bytes:
    """Return `header` in Explicit VR Little Endian.

    Parameters
    ----------
    header : bytes
        A data set up to its Pixel Data (inflated, if it was deflated).
    transfer_syntax_uid : str
        In which it is stored; the first element shows whether that is true.
    changes : mapping, optional
        Attributes that take the place of those with the same tag, or are added, on the top level.

    Raises
    ------
    RejectedInstance
        If the header is damaged: what cannot be read cannot be written in another way.

    References
    ----------
    PS3.5 7.1 Data Elements, 7.5 Nesting of Data Sets, A.2; 6.2.2 Note for values that are too long for their VR.
    """
    read = true_reader(header, 0, reader_of(encoding_of(transfer_syntax_uid)))
    rewriting = _Rewriting(header)
    try:
        elements = rewriting.data_set(0, len(header), _Context(read))[0]
    except struct.error as error:
        raise RejectedInstance("the header ends inside an element") from error
    for tag, change in (changes or {}).items():
        elements[tag] = encode_element(tag, *change) if change else b""
    return b"".join(elements[tag] for tag in sorted(elements))


def encode_element(tag: int, vr: str, value: bytes) -> bytes:
    """Return an element in Explicit VR Little Endian; one that is too long for its VR becomes an UN (PS3.5 6.2.2)."""
    return element_head(tag, vr, len(value)) + value


def element_head(tag: int, vr: str, length: int) -> bytes:
    """Return what stands in front of a value of `length` bytes; see `encode_element`."""
    if vr in _LONG or length > _SHORT_BYTES:
        return encode_head(tag, vr if vr in _LONG else "UN", length)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode("ascii"), length)


def padding_of(vr: str) -> bytes:
    """Return the byte that makes a value of odd length even (PS3.5 6.2)."""
    return b"\0" if vr in _PADDED_WITH_NUL else b" "


def encode_head(tag: int, vr: str, length: int) -> bytes:
    """Return tag, VR and length of an element whose VR has a length of 32 bits."""
    return struct.pack("<HH2s2xI", tag >> 16, tag & 0xFFFF, vr.encode("ascii"), length)


class _Context(NamedTuple):
    """What an item inherits from what is around it."""

    read: ReadElement
    is_signed: bool = False
    depth: int = 0
    is_delimited: bool = False


class _Rewriting:
    """The walk through a header; `struct.error` is raised where it ends early."""

    def __init__(self, header: bytes) -> None:
        self._data = header

    def data_set(self, position: int, end: int, context: _Context) -> tuple[dict[int, bytes], int]:
        """Return the elements from `position` by tag, and where they end: at `end`, or behind a delimiter."""
        elements: dict[int, bytes] = {}
        creators: dict[int, str] = {}
        while position < end:
            if not any(self._data[position : position + 8]) and not any(self._data[position:end]):
                return elements, end  # padding
            tag, vr, length, value = context.read(self._data, position)
            if tag in _DELIMITERS:
                if context.is_delimited:
                    return elements, value if tag == ITEM_DELIMITATION else position
                position = value
                continue
            vr, value_bytes, position = self._element(tag, vr or implied_vr(tag, creators), length, value, end, context)
            if tag & 0xFFFF:
                elements.setdefault(tag, encode_element(tag, vr, value_bytes))
            context = _noted(tag, value_bytes, context, creators)
        return elements, position

    def _element(
        self, tag: int, vr: str, length: int, start: int, end: int, context: _Context
    ) -> tuple[str, bytes, int]:
        """Return VR and value of an element as they are to be written, and where the next element begins."""
        if length == UNDEFINED_LENGTH and vr in BULK_VRS - {"UN"}:
            raise RejectedInstance("the header has a compressed image of its own, such as an icon")
        if length == UNDEFINED_LENGTH or vr == "SQ":
            stop = end if length == UNDEFINED_LENGTH else start + length
            if stop > end:
                raise struct.error
            value, after = self._items(start, stop, context, is_delimited=length == UNDEFINED_LENGTH)
            return "SQ", value, after if length == UNDEFINED_LENGTH else stop
        if start + length > end:
            raise struct.error
        vr = _certain(vr, context)
        return vr, _value(self._data[start : start + length], vr, context.read), start + length

    def _items(self, position: int, end: int, context: _Context, *, is_delimited: bool) -> tuple[bytes, int]:
        """Return the items of a sequence, and where it ends."""
        if context.depth >= MAX_DEPTH:
            raise RejectedInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        items = []
        read = sequence_reader(self._data, position, end - position, context.read)
        while position < end:
            tag, _, length, value = read(self._data, position)
            if tag == ITEM:
                item, position = self._item(value, length, end, context._replace(read=read))
                items.append(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)
            elif tag == ITEM_DELIMITATION:
                position = value
            else:
                return b"".join(items), value if tag == SEQUENCE_DELIMITATION else position
        if is_delimited:
            raise struct.error
        return b"".join(items), position

    def _item(self, start: int, length: int, end: int, outer: _Context) -> tuple[bytes, int]:
        is_delimited = length == UNDEFINED_LENGTH
        stop = end if is_delimited else start + length
        if stop > end:
            raise struct.error
        read = item_reader(self._data, start, outer.read) if stop >= start + 8 else outer.read
        inner = outer._replace(read=read, depth=outer.depth + 1, is_delimited=is_delimited)
        elements, after = self.data_set(start, stop, inner)
        return b"".join(elements[tag] for tag in sorted(elements)), after if is_delimited else stop


def _noted(tag: int, value: bytes, context: _Context, creators: dict[int, str]) -> _Context:
    """Return the context for what follows: creators name private blocks, Pixel Representation says what is signed."""
    if is_private_creator(tag):
        creators[tag >> 16 << 16 | (tag & 0xFF) << 8] = value.decode("latin-1").strip(" \0")
    return context._replace(is_signed=value == b"\x01\x00") if tag == _PIXEL_REPRESENTATION else context


def _certain(vr: str, context: _Context) -> str:
    if vr == US_OR_SS:
        return "SS" if context.is_signed else "US"
    return "OW" if vr == US_OR_OW else vr


def _value(value: bytes, vr: str, read: ReadElement) -> bytes:
    size = _SIZES.get(vr, 1)
    if read is read_explicit_big and size > 1:
        value = swap_words(value, size)
    return value + padding_of(vr) * (len(value) % 2)
