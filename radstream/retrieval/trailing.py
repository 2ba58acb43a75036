"""What stands behind the Pixel Data of a data set: digital signatures and padding (PS3.5 6.1, PS3.15 C)."""

from __future__ import annotations

import struct
from typing import Final

from radstream.dicom.dictionary import PIXEL_DATA_TAGS, UNDEFINED_LENGTH
from radstream.dicom.elements import reader_of, true_reader
from radstream.dicom.syntaxes import encoding_of
from radstream.retrieval.extent import Extent
from radstream.retrieval.joined import whole
from radstream.retrieval.pixel_data import PixelData

LONGEST_BYTES: Final = 1 << 20
"""More of it is not looked at: nobody signs with so much."""

_HEAD_BYTES: Final = 12
_DELIMITER: Final = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


async def trailing(pixel_data: PixelData) -> bytes:
    """Return the elements behind Pixel Data as they are stored; empty if there are none, or absurdly many.

    Raises
    ------
    NotFound, Unavailable
    """
    end = await _end(pixel_data)
    length = pixel_data.source_bytes - end
    if not 0 < length <= LONGEST_BYTES:
        return b""
    behind = await _read(pixel_data, end, length)
    if pixel_data.table.is_encapsulated:
        return behind.removeprefix(_DELIMITER) if behind.startswith(_DELIMITER) else b""
    return behind


async def _end(pixel_data: PixelData) -> int:
    """Return where the value of Pixel Data ends; of fragments, where the last one of the last frame does."""
    if pixel_data.table.is_encapsulated:
        return sum(pixel_data.table.pieces(pixel_data.table.number_of_frames - 1)[-1])
    head = await _read(pixel_data, pixel_data.offset, _HEAD_BYTES)
    declared = reader_of(encoding_of(pixel_data.transfer_syntax_uid))
    try:
        tag, _, length, value = true_reader(head, 0, declared)(head, 0)
    except struct.error:
        return pixel_data.source_bytes
    is_known = tag in PIXEL_DATA_TAGS and length != UNDEFINED_LENGTH
    return pixel_data.offset + value + length if is_known else pixel_data.source_bytes


async def _read(pixel_data: PixelData, offset: int, length: int) -> bytes:
    return await whole(Extent(pixel_data.source, ((offset, min(length, pixel_data.source_bytes - offset)),)))
