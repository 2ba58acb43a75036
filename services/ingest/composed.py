"""A described instance whose bulk data has come, as the data set that is stored. Pure.

References
----------
PS3.18 10.5.2 (attributes that are derived from compressed frames, or coerced), I.2.1 (warnings).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import PIXEL_DATA
from radstream.dicom.encapsulation import Frames
from radstream.dicom.from_json import Bulk, DataSet, Piece, encode_json, references
from radstream.dicom.original_attributes import with_original_attributes
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from services.ingest.described import NUMBER_OF_FRAMES, SAMPLES_PER_PIXEL, Came, Described, number_of, text_of

COERCED: Final = 0xB000
"""*Coercion of Data Elements* (PS3.18 table I.2-1): a number was rounded to the 16 characters that its VR has."""

DISCARDED: Final = 0xB006
"""*Elements Discarded*: group lengths, which would be wrong."""

NOT_OF_CLASS: Final = 0xB007
"""*Data Set does not match SOP Class*: Pixel Data is not what the Image Pixel attributes say."""

_PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
_PLANAR_CONFIGURATION: Final = 0x00280006
_ROWS, _COLUMNS, _BITS_ALLOCATED = 0x00280010, 0x00280011, 0x00280100


_COLOURS: Final = {1: {"MONOCHROME1", "MONOCHROME2"}, 3: {"RGB"}}
"""Photometric Interpretations of decoded pictures, by Samples per Pixel."""


@dataclass(frozen=True)
class Composed:
    """A whole instance.

    Parameters
    ----------
    pieces : sequence of bytes or Bulk
        Its data set.
    warning : int
        The Warning Reason, 0 if there is none.
    """

    pieces: Sequence[Piece]
    transfer_syntax_uid: str
    warning: int


def compose(described: Described, now: datetime) -> Composed:
    """Return the instance.

    Parameters
    ----------
    now : datetime
        Stands in the instance if something in it has to be coerced, beside what it said before (10.5.2).

    Raises
    ------
    RejectedInstance
        If bulk data is missing, or the metadata cannot be written as data set.
    """
    image = _image(described)
    _refuse_other_picture(image, described)
    attributes = {**_derived(image), **described.attributes}
    data_set, warning = _written(attributes, _bulk(described), now)
    if image:
        is_of_class = len(image) == described.expected(_image_location(described)) and _fits(image[0], attributes)
    else:
        is_of_class = _is_as_long(_inline_bytes(attributes), attributes)
    warning = warning if is_of_class else NOT_OF_CLASS  # the single most appropriate one
    return Composed(data_set.pieces, _transfer_syntax_uid(described), warning)


def _written(attributes: Mapping[str, Any], bulk: Mapping[str, Bulk | Frames], now: datetime) -> tuple[DataSet, int]:
    """Return the data set, and what there is to be said of how it was written."""
    data_set = encode_json(attributes, bulk)
    if data_set.coerced:
        return encode_json(with_original_attributes(attributes, data_set.coerced, now), bulk), COERCED
    return data_set, DISCARDED if data_set.is_discarded else 0


def _transfer_syntax_uid(described: Described) -> str:
    syntaxes = {came.transfer_syntax_uid for came in itertools.chain.from_iterable(described.came.values())} - {""}
    if len(syntaxes) > 1:
        raise RejectedInstance("the frames are of different transfer syntaxes")
    return syntaxes.pop() if syntaxes else EXPLICIT_VR_LITTLE_ENDIAN


def _bulk(described: Described) -> dict[str, Bulk | Frames]:
    """Return what has come by the URIs of the metadata."""
    uris = {uri for uri, _ in references(described.attributes)}
    found = {uri: described.came.get(described.base.location(uri)) for uri in uris}
    return {uri: _value(came) for uri, came in found.items() if came}


def _value(came: Sequence[Came]) -> Bulk | Frames:
    first = came[0]
    if not first.transfer_syntax_uid:
        return first.value
    return Frames([each.value for each in came], is_video=not first.is_frame)


def _image_location(described: Described) -> str:
    entry = described.attributes.get(f"{PIXEL_DATA:08X}")
    uri = entry.get("BulkDataURI") if isinstance(entry, dict) else None
    return described.base.location(uri) if isinstance(uri, str) else ""


def _image(described: Described) -> Sequence[Came]:
    """Return the Pixel Data of the image itself, empty if it has none in a part of its own."""
    return described.came.get(_image_location(described), [])


def _refuse_other_picture(image: Sequence[Came], described: Described) -> None:
    """Refuse pixels that were decoded here and are not what the metadata says: nobody could read them.

    Raises
    ------
    RejectedInstance
    """
    derived = _derived(image) if image and not image[0].transfer_syntax_uid else {}
    if not derived:
        return
    for tag in (SAMPLES_PER_PIXEL, NUMBER_OF_FRAMES, _ROWS, _COLUMNS, _BITS_ALLOCATED, _PLANAR_CONFIGURATION):
        is_said = f"{tag:08X}" in described.attributes
        if is_said and described.number(tag) != (number_of(derived, tag) or tag == NUMBER_OF_FRAMES):
            raise RejectedInstance(f"{tag:08X} is not that of the picture")
    colours = described.text(_PHOTOMETRIC_INTERPRETATION).strip()
    if colours and colours not in _COLOURS[number_of(derived, SAMPLES_PER_PIXEL)]:
        raise RejectedInstance(f"{_PHOTOMETRIC_INTERPRETATION:08X} is not that of the picture")


def _derived(image: Sequence[Came]) -> dict[str, Any]:
    """Return the Image Pixel Description as far as the frames tell it."""
    return image[0].recognized.image_pixel if image and image[0].recognized else {}


def _fits(image: Came, attributes: Mapping[str, Any]) -> bool:
    """Tell whether Pixel Data is what the attributes say; what cannot be seen of it is taken for that."""
    if not image.transfer_syntax_uid:
        return _is_as_long(image.value.size_bytes, attributes)
    if image.recognized and not image.recognized.is_as_named:
        return False
    derived = _derived([image])
    tags = (_ROWS, _COLUMNS, SAMPLES_PER_PIXEL) if derived else ()
    return all(number_of(attributes, tag) == number_of(derived, tag) for tag in tags)


def _is_as_long(size_bytes: int, attributes: Mapping[str, Any]) -> bool:
    """Tell whether native Pixel Data is as long as the attributes say; what is not there, or not said, is."""
    expected = -(-_native_bits(attributes) // 8)
    return 0 in (size_bytes, expected) or size_bytes + size_bytes % 2 == expected + expected % 2


def _inline_bytes(attributes: Mapping[str, Any]) -> int:
    """Return the length of Pixel Data that is in the metadata, 0 if it is not."""
    entry = attributes.get(f"{PIXEL_DATA:08X}")
    text = entry.get("InlineBinary") if isinstance(entry, dict) else None
    return len(text) * 3 // 4 - text.count("=", -2) if isinstance(text, str) else 0


def _native_bits(attributes: Mapping[str, Any]) -> int:
    """Return how long native Pixel Data is by the Image Pixel attributes (PS3.5 8.1), 0 if they do not say."""
    bits = max(1, number_of(attributes, NUMBER_OF_FRAMES))
    for tag in (_ROWS, _COLUMNS, SAMPLES_PER_PIXEL, _BITS_ALLOCATED):
        bits *= number_of(attributes, tag)
    is_halved = text_of(attributes, _PHOTOMETRIC_INTERPRETATION).strip() == "YBR_FULL_422"
    return bits * 2 // 3 if is_halved else bits
