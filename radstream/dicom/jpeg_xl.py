"""What a JPEG XL codestream says about its size, read from its first bits (ISO/IEC 18181-1 A, ISO/IEC 18181-2)."""

from __future__ import annotations

import struct
from typing import Final

from radstream.contract.errors import UnsupportedInstance

_CODESTREAM: Final = b"\xff\x0a"
_CONTAINER: Final = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
_LONGEST_SIZE_BYTES: Final = 16
_SIZE_BITS: Final = (9, 13, 18, 30)
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height."""


def size_of_jpeg_xl(data: bytes) -> tuple[int, int]:
    """Return rows and columns of a JPEG XL codestream, alone or in its container.

    Raises
    ------
    UnsupportedInstance
        If there is none.
    """
    start = _codestream(data)
    if not start.startswith(_CODESTREAM):
        raise UnsupportedInstance("the frame is no JPEG XL codestream")
    bits = _Bits(start[len(_CODESTREAM) : _LONGEST_SIZE_BYTES])
    is_small = bits.take(1)
    rows = bits.side(is_small)
    ratio = bits.take(3)
    if ratio:
        width, height = _RATIOS[ratio - 1]
        return rows, rows * width // height
    return rows, bits.side(is_small)


def _codestream(data: bytes) -> bytes:
    """Return where the codestream begins: in a container in the first box that holds it, or a part of it."""
    position = 0
    while data.startswith(_CONTAINER) and position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        head = 16 if length == 1 else 8
        if kind == b"jxlc":
            return data[position + head : position + head + _LONGEST_SIZE_BYTES]
        if kind == b"jxlp":
            return data[position + head + 4 : position + head + 4 + _LONGEST_SIZE_BYTES]
        if length == 1 and position + 16 <= len(data):
            length = struct.unpack_from(">Q", data, position + 8)[0]
        if length < 8:
            break
        position += length
    return data[:_LONGEST_SIZE_BYTES]


class _Bits:
    """Bits of a byte string, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._left = len(data) * 8
        self._bits = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        if count > self._left:
            raise UnsupportedInstance("the JPEG XL codestream is cut off")
        taken = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return taken

    def side(self, is_small: int) -> int:
        """Return a side of the image (SizeHeader)."""
        return 8 * (1 + self.take(5)) if is_small else 1 + self.take(_SIZE_BITS[self.take(2)])
