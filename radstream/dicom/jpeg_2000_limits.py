"""What a JPEG 2000 or HTJ2K codestream says of itself and cannot be: one flipped bit of its header is enough.

Decoders believe it. So it is looked at before they run, as `radstream.dicom.codestream` does with size and depth.
"""

from __future__ import annotations

import struct
from typing import Final

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codestream import coding_style, main_header_segment

_MOST_TILES: Final = 65_535
_TILE_PART_BYTES: Final = 14  # of an empty one: its header and the marker where its data would start
_MOST_LEVELS: Final = 32
_MOST_BIT_PLANES: Final = 30
_HIGH_THROUGHPUT: Final = 0x40  # of Rsiz: Part 15


def refuse_impossible_jpeg_2000(data: bytes) -> None:
    """Refuse a whole codestream, which `read_jpeg_2000` has read, whose tiles or code-blocks cannot be.

    Raises
    ------
    UnsupportedInstance
    """
    behind_size = 4 + int.from_bytes(data[4:6], "big")
    _refuse_impossible_tiles(data)
    _refuse_impossible_code_blocks(coding_style(data, behind_size))
    if data[6] & _HIGH_THROUGHPUT:
        _refuse_impossible_steps(main_header_segment(data, behind_size, 0xFF5C))


def _refuse_impossible_tiles(data: bytes) -> None:
    """Raise unless the tiles cover the image from its first sample on, and may all be there (A.5.1, B.3).

    Decoders believe what is said: they make room for each tile, and some look for one that lies nowhere without end.
    """
    x1, y1, x0, y0, width, height, left, top = struct.unpack_from(">8I", data, 8)
    if not (left <= x0 < left + width and top <= y0 < top + height):
        raise UnsupportedInstance("the tiles of the JPEG 2000 codestream do not begin where its image does")
    tiles = -(-(x1 - left) // width) * -(-(y1 - top) // height)
    if tiles > min(_MOST_TILES, len(data) // _TILE_PART_BYTES):
        raise UnsupportedInstance("the JPEG 2000 codestream has more tiles than there is room for in it")


def _refuse_impossible_code_blocks(style: bytes) -> None:
    """Raise unless code-blocks have 4 to 1024 samples a side and at most 4096, in at most 33 resolutions (A.6.1)."""
    if len(style) < 10:
        raise UnsupportedInstance("the JPEG 2000 codestream has no coding style")
    levels, width, height = style[5:8]
    if levels > _MOST_LEVELS or max(width, height) > 8 or width + height > 8:
        raise UnsupportedInstance("the JPEG 2000 codestream has code-blocks or resolutions that there are none of")


def _refuse_impossible_steps(quantization: bytes) -> None:
    """Raise if a subband of HTJ2K has more bit-planes than its decoder has bits for, which it does not look at (A.6.4).

    The number of bit-planes is that of guard bits and the exponent of the step together, less one.
    """
    style, steps = quantization[:1], quantization[1:]
    if not style or not style[0] & 0x1F:  # without quantization: as many as the samples have
        return
    guard_bits = style[0] >> 5
    if any(guard_bits + (step >> 3) - 1 > _MOST_BIT_PLANES for step in steps[::2]):
        raise UnsupportedInstance("the HTJ2K codestream has step sizes that there are none of")
