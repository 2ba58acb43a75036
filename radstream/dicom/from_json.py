"""From a DICOM JSON object to the bytes of a data set, in Explicit VR Little Endian; bulk data stays where it is.

Equal objects give equal bytes: elements in the order of their tags, sequences and items of defined length, no group
lengths. Text is UTF-8, and Specific Character Set says so, since that is what DICOM JSON is in.

References
----------
PS3.18 F.2 DICOM JSON Model Object Structure, F.1.1; PS3.5 7.1, 7.5, A.2, A.4.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import BULK_VRS, MAX_DEPTH, PIXEL_DATA, standard_vr
from radstream.dicom.elements import KNOWN_VRS
from radstream.dicom.encapsulation import Frames, encapsulated
from radstream.dicom.json_values import CHARSET_VRS, write_values
from radstream.dicom.original_attributes import Coerced
from radstream.dicom.rewrite import element_head, encode_element, encode_head, padding_of
from radstream.dicom.values import REFERABLE_VRS

SPECIFIC_CHARACTER_SET: Final = 0x00080005

LONGEST_VALUE_BYTES: Final = 0xFFFFFFFE
"""Of a value of defined length (PS3.5 7.1.1)."""

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_FORMS: Final = frozenset({"Value", "BulkDataURI", "InlineBinary"})
_UTF_8: Final = encode_element(SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 192")


class Bulk(Protocol):
    """A value that is not held in memory."""

    @property
    def size_bytes(self) -> int:
        """Its length in bytes."""


Piece = bytes | Bulk
"""A part of a data set: bytes, or a value that takes their place."""

Place = tuple[tuple[int, int], ...]
"""Where an item is: tags of the sequences that it is in, each with the number of the item."""


@dataclass
class DataSet:
    """What was written.

    Parameters
    ----------
    pieces : list of bytes or Bulk
        One after the other they are the data set.
    coerced : list of Coerced
        Attributes of which a number of VR DS had to be rounded to 16 characters.
    is_discarded : bool
        Group lengths were left out: they would be wrong.
    """

    pieces: list[Piece] = field(default_factory=list)
    coerced: list[Coerced] = field(default_factory=list)
    is_discarded: bool = False


def encode_json(attributes: Mapping[str, Any], bulk: Mapping[str, Bulk | Frames]) -> DataSet:
    """Return the data set that a DICOM JSON object describes.

    Parameters
    ----------
    attributes : mapping
        The object. File Meta Information in it is no part of the data set, and left out.
    bulk : mapping of str to Bulk or Frames
        By "BulkDataURI".

    Raises
    ------
    RejectedInstance
        If the object is not of this model, a value cannot be written in its VR, or `bulk` lacks one. The text names
        the tag, never a value.
    """
    writing = _Writing(bulk)
    elements = writing.elements(attributes, ())
    if not writing.is_ascii and SPECIFIC_CHARACTER_SET not in elements:
        elements[SPECIFIC_CHARACTER_SET] = [_UTF_8]
    writing.data_set.pieces = _merged(piece for tag in sorted(elements) for piece in elements[tag])
    return writing.data_set


def references(attributes: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield each "BulkDataURI" in a DICOM JSON object, with the tag of its attribute; what is malformed has none."""
    for key, entry in attributes.items():
        if not isinstance(entry, dict) or not _TAG.fullmatch(key):
            continue
        if isinstance(uri := entry.get("BulkDataURI"), str):
            yield uri, int(key, 16)
        elif depth < MAX_DEPTH and isinstance(values := entry.get("Value"), list):
            for item in values:
                if isinstance(item, dict):
                    yield from references(item, depth + 1)


class _Writing:
    """One data set being written."""

    def __init__(self, bulk: Mapping[str, Bulk | Frames]) -> None:
        self.data_set = DataSet()
        self.is_ascii = True
        self._bulk = bulk

    def elements(self, attributes: Mapping[str, Any], place: Place) -> dict[int, list[Piece]]:
        """Return the elements of a data set or item by tag."""
        if len(place) > MAX_DEPTH:
            raise RejectedInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        elements: dict[int, list[Piece]] = {}
        for key, entry in attributes.items():
            tag = _tag(key)
            if tag in elements:
                raise RejectedInstance(f"{tag:08X} comes twice")
            if tag >> 16 == 0x0002:
                continue
            if not tag & 0xFFFF:
                self.data_set.is_discarded = True
                continue
            elements[tag] = self._element(tag, _entry(tag, entry), place)
        return elements

    def _element(self, tag: int, entry: Mapping[str, Any], place: Place) -> list[Piece]:
        vr = _vr(tag, entry)
        try:
            if "BulkDataURI" in entry:
                return self._referred(tag, vr, entry["BulkDataURI"])
            if "InlineBinary" in entry:
                return [encode_element(tag, vr, _even(_inline(vr, entry["InlineBinary"]), vr))]
            values = entry.get("Value")
            if not isinstance(values, list | None):
                raise RejectedInstance('"Value" is no array')
            if vr == "SQ":
                return self._sequence(tag, values or [], place)
            return [self._plain(tag, vr, values or [], place)]
        except RejectedInstance as error:
            raise RejectedInstance(f"{tag:08X}: {error}", error.status) from error

    def _plain(self, tag: int, vr: str, values: Sequence[Any], place: Place) -> bytes:
        if not values or (vr in BULK_VRS and list(values) == [None]):
            return encode_element(tag, vr, b"")
        if tag == SPECIFIC_CHARACTER_SET:
            return _UTF_8
        value, is_exact = write_values(vr, values)
        if not is_exact:
            self.data_set.coerced.append(Coerced(place, tag, values))
        if vr in CHARSET_VRS and not value.isascii():
            self.is_ascii = False
        return encode_element(tag, vr, _even(value, vr))

    def _sequence(self, tag: int, items: Sequence[Any], place: Place) -> list[Piece]:
        pieces: list[Piece] = []
        for number, item in enumerate(items, 1):
            if not isinstance(item, dict | None):
                raise RejectedInstance("an item is no object")
            elements = self.elements(item or {}, (*place, (tag, number)))
            content = [piece for inner in sorted(elements) for piece in elements[inner]]
            pieces += [struct.pack("<HHI", 0xFFFE, 0xE000, _length(content)), *content]
        return [encode_head(tag, "SQ", _length(pieces)), *pieces]

    def _referred(self, tag: int, vr: str, uri: object) -> list[Piece]:
        if vr not in REFERABLE_VRS:
            raise RejectedInstance(f"VR {vr} cannot be bulk data")
        value = self._bulk.get(uri) if isinstance(uri, str) else None
        if value is None:
            raise RejectedInstance("its bulk data is not in the request")
        if isinstance(value, Frames):
            if tag != PIXEL_DATA:
                raise RejectedInstance("only Pixel Data can be compressed")
            return [encode_head(tag, "OB", 0xFFFFFFFF), *encapsulated(value)]
        if value.size_bytes > LONGEST_VALUE_BYTES:
            raise RejectedInstance("the value is longer than 4 GiB")
        padding = padding_of(vr) * (value.size_bytes % 2)
        return [element_head(tag, vr, value.size_bytes + len(padding)), value, padding]


def _tag(key: str) -> int:
    """Return the tag that a key is, of an attribute that a data set can have."""
    if not _TAG.fullmatch(key):
        raise RejectedInstance("a name is no tag of eight hexadecimal digits")
    tag = int(key, 16)
    if tag >> 16 in (0x0000, 0xFFFE):
        raise RejectedInstance(f"{tag:08X} is no attribute of a data set")
    return tag


def _entry(tag: int, entry: object) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise RejectedInstance(f"{tag:08X} is no object")
    if len(_FORMS & entry.keys()) > 1:
        raise RejectedInstance(f"{tag:08X} has more than one value")
    return entry


def _vr(tag: int, entry: Mapping[str, Any]) -> str:
    """Return the VR of an attribute; where it is left out, that of the dictionary if there is one."""
    vr = entry.get("vr", standard_vr(tag))
    if not isinstance(vr, str) or vr not in KNOWN_VRS:
        raise RejectedInstance(f"{tag:08X} has no VR that is known")
    return vr


def _inline(vr: str, text: object) -> bytes:
    if vr not in BULK_VRS:
        raise RejectedInstance(f"VR {vr} cannot be inline binary")
    try:
        return base64.b64decode(text if isinstance(text, str) else "-", validate=True)
    except (binascii.Error, ValueError) as error:
        raise RejectedInstance("the inline binary is no base64") from error


def _even(value: bytes, vr: str) -> bytes:
    return value + padding_of(vr) * (len(value) % 2)


def _length(pieces: Sequence[Piece]) -> int:
    length = sum(len(piece) if isinstance(piece, bytes) else piece.size_bytes for piece in pieces)
    if length > LONGEST_VALUE_BYTES:
        raise RejectedInstance("a sequence is longer than 4 GiB")
    return length


def _merged(pieces: Iterator[Piece]) -> list[Piece]:
    """Return the same with bytes that follow one another joined."""
    merged: list[Piece] = []
    held = bytearray()
    for piece in pieces:
        if isinstance(piece, bytes):
            held += piece
        else:
            merged += [bytes(held), piece]
            held = bytearray()
    return [*merged, bytes(held)] if held else merged
