"""What a compressed frame says about itself, read from its own header before any decoder touches it.

A decoder allocates what the codestream declares, not what the data set declares. So both are compared first, and a
frame of 60000 x 60000 pixels in an instance of 512 x 512 is refused for the price of a look at a few bytes.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from radstream.contract.errors import UnsupportedInstance

_JP2_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_SOC_AND_SIZ: Final = b"\xff\x4f\xff\x51"
_NO_FRAME_HEADER: Final = frozenset({0xC4, 0xC8, 0xCC})  # in the range of SOF, but DHT, JPG and DAC
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class Codestream:
    """The header of a codestream.

    Parameters
    ----------
    precision : int
        Bits of a sample, the same for all components.
    is_signed : bool
        Only JPEG 2000 can say so.
    colour : {"RGB", "YBR", ""}
        What three components are, if the codestream says so. A JPEG 2000 one with its component transform is "YBR":
        decoders undo that by themselves.
    """

    rows: int
    columns: int
    components: int
    precision: int
    is_signed: bool
    colour: Literal["RGB", "YBR", ""]


def read_jpeg(data: bytes) -> Codestream:
    """Return the header of a JPEG (ISO/IEC 10918-1) or JPEG-LS (ISO/IEC 14495-1) codestream.

    Raises
    ------
    UnsupportedInstance
        If there is none.
    """
    colour: Literal["RGB", "YBR", ""] = ""
    for marker, segment in jpeg_segments(data):
        if marker == 0xE0 and segment[:5] == b"JFIF\0":
            colour = "YBR"
        elif marker == 0xEE and segment[:5] == b"Adobe" and len(segment) >= 12 and not colour:
            colour = "YBR" if segment[11] else "RGB"
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER):
            return _jpeg_frame_header(segment, colour)
    raise UnsupportedInstance("the frame is no JPEG codestream")


def is_jpeg_complete(data: bytes) -> bool:
    """Tell whether a JPEG codestream has its end.

    Decoders of lossy JPEG fill up what is missing with grey and say nothing. No other bytes look like the end: in
    entropy-coded data a zero follows every 0xFF.
    """
    return b"\xff\xd9" in data.rstrip(b"\0")[-64:]


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker segments in front of the first scan, and the header of the scan."""
    position = 2 if data[:2] == b"\xff\xd8" else len(data)
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:  # fill byte, or a marker that stands alone
            position += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if length < 2:
            return
        yield marker, data[position + 4 : position + 2 + length]
        position = len(data) if marker == 0xDA else position + 2 + length


def _jpeg_frame_header(segment: bytes, colour: Literal["RGB", "YBR", ""]) -> Codestream:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise UnsupportedInstance("the frame header of the JPEG codestream is cut off")
    precision, rows, columns, components = struct.unpack_from(">BHHB", segment)
    if not colour and segment[6::3] == b"RGB":  # component identifiers, as libjpeg writes them
        colour = "RGB"
    return Codestream(rows, columns, components, precision, False, colour)


def unwrap_jpeg_2000(data: bytes) -> bytes:
    """Return the codestream alone if `data` is a JP2 file around it; such frames break PS3.5 A.4.4, but exist."""
    if not data.startswith(_JP2_SIGNATURE):
        return data
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"jp2c":
            return data[position + (16 if length == 1 else 8) :]
        if length < 8:
            break
        position += length
    raise UnsupportedInstance("the JP2 file has no codestream")


def read_jpeg_2000(data: bytes) -> Codestream:
    """Return the header of a JPEG 2000 or HTJ2K codestream (ISO/IEC 15444-1 A.5.1 SIZ, A.6.1 COD).

    Raises
    ------
    UnsupportedInstance
        If there is none, or its components differ in depth or size.
    """
    if not data.startswith(_SOC_AND_SIZ) or len(data) < 42:
        raise UnsupportedInstance("the frame is no JPEG 2000 codestream")
    length, _, x1, y1, x0, y0 = struct.unpack_from(">HHIIII", data, 4)
    components = int.from_bytes(data[40:42], "big")
    descriptions = {data[at : at + 3] for at in range(42, 42 + 3 * components, 3)}
    if len(descriptions) != 1 or length != 38 + 3 * components:
        raise UnsupportedInstance("the components of the JPEG 2000 codestream differ in depth or size")
    depth, x_step, y_step = (descriptions.pop() + b"\0\0\0")[:3]
    if (x_step, y_step) != (1, 1):
        raise UnsupportedInstance("the components of the JPEG 2000 codestream are subsampled")
    colour: Literal["YBR", ""] = "YBR" if coding_style(data, 4 + length)[4:5] == b"\1" else ""
    return Codestream(y1 - y0, x1 - x0, components, (depth & 0x7F) + 1, bool(depth & 0x80), colour)


def coding_style(data: bytes, position: int) -> bytes:
    """Return the coding style default (COD, ISO/IEC 15444-1 A.6.1) without its marker and length; empty if none comes.

    Parameters
    ----------
    position : int
        Of a marker segment of the main header.
    """
    return main_header_segment(data, position, 0xFF52)


def main_header_segment(data: bytes, position: int, wanted: int) -> bytes:
    """Return the first segment of JPEG 2000's main header from `position` on that has the marker `wanted`, as above."""
    while position + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == wanted:
            return data[position + 4 : position + 2 + length]
        if marker == 0xFF90 or length < 2:  # start of a tile part
            break
        position += 2 + length
    return b""


def rle_segments(data: bytes, expected: int) -> list[bytes]:
    """Return the segments of an RLE Lossless frame (PS3.5 G.5).

    Raises
    ------
    UnsupportedInstance
        If there are not `expected` ones, or their offsets make no sense.
    """
    if len(data) < 64:
        raise UnsupportedInstance("the RLE header is cut off")
    count, *offsets = struct.unpack_from("<16I", data)
    bounds = [*offsets[:count], len(data)]
    if count != expected or bounds[0] < 64 or bounds != sorted(bounds):
        raise UnsupportedInstance(f"the frame has {count} RLE segments where {expected} are needed, or not in order")
    return [data[start:end] for start, end in itertools.pairwise(bounds)]
