"""One element's header at a time: the only place that knows how tag, VR and length lie in the bytes (PS3.5 7.1)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from radstream.dicom.syntaxes import Encoding

Buffer = bytes | bytearray | memoryview

ReadElement = Callable[[Buffer, int], tuple[int, str, int, int]]
"""Takes the bytes and an offset; returns tag, VR, length and the offset of the value.

VR is "" where it is implicit; a VR of two capitals that the Standard does not know is returned as it is. Raises
`struct.error` if the bytes end inside the element's header.
"""

_LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
_SHORT_VRS = (
    *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO"),
    *("LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"),
)

KNOWN_VRS: Final = frozenset(_LONG_VRS + _SHORT_VRS)
"""All VRs of PS3.5 6.2."""

# The name of each VR by its bytes, and whether a 32-bit length follows two reserved bytes (PS3.5 7.1.2).
_LONG: Final = {vr.encode(): vr for vr in _LONG_VRS}
_SHORT: Final = {vr.encode(): vr for vr in _SHORT_VRS}


def _implicit_reader(order: str) -> ReadElement:
    """Return the reader of elements with implicit VR (PS3.5 7.1.3)."""
    unpack = struct.Struct(f"{order}HHI").unpack_from

    def read_element(data: Buffer, position: int) -> tuple[int, str, int, int]:
        group, element, length = unpack(data, position)
        return group << 16 | element, "", length, position + 8

    return read_element


def _explicit_reader(order: str) -> ReadElement:
    """Return the reader of elements with explicit VR (PS3.5 7.1.2)."""
    unpack = struct.Struct(f"{order}HH2sH").unpack_from
    unpack_length = struct.Struct(f"{order}I").unpack_from

    def read_element(data: Buffer, position: int) -> tuple[int, str, int, int]:
        group, element, code, length = unpack(data, position)
        if group != 0xFFFE:
            vr = _SHORT.get(code)
            if vr is not None:
                return group << 16 | element, vr, length, position + 8
            vr = _LONG.get(code)
            if vr is not None:
                return group << 16 | element, vr, unpack_length(data, position + 8)[0], position + 12
            if code.isalpha() and code.isupper():
                return group << 16 | element, code.decode("ascii"), length, position + 8
        # Items and delimiters have no VR (PS3.5 7.5); some writers leave it out elsewhere too.
        return group << 16 | element, "", unpack_length(data, position + 4)[0], position + 8

    return read_element


read_implicit_little: Final = _implicit_reader("<")
read_explicit_little: Final = _explicit_reader("<")
read_explicit_big: Final = _explicit_reader(">")


def reader_of(encoding: Encoding) -> ReadElement:
    """Return the element reader of an encoding."""
    if encoding.is_implicit:
        return read_implicit_little
    return read_explicit_little if encoding.is_little_endian else read_explicit_big


_unpack_code: Final = struct.Struct("4x2s").unpack_from
_unpack_begin: Final = struct.Struct("4s").unpack_from


def has_explicit_vr(data: Buffer, position: int) -> bool:
    """Tell whether the element at `position` has two capitals where an explicit VR has them.

    A length that looks like that is of at least 16,705 bytes; the first attribute of a data set is never that long.

    Raises
    ------
    struct.error
        If the bytes end before.
    """
    code: bytes = _unpack_code(data, position)[0]
    return code.isalpha() and code.isupper()


def true_reader(data: Buffer, position: int, declared: ReadElement) -> ReadElement:
    """Return the reader for the data set that begins at `position`, whatever its transfer syntax declares.

    Real data sets declare explicit VR and are implicit, or the reverse; the first element shows which.
    """
    if len(data) < position + 6:
        return declared
    if has_explicit_vr(data, position):
        return read_explicit_little if declared is read_implicit_little else declared
    return read_implicit_little if declared is read_explicit_little else declared


_LITTLE_ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER_GROUP = (b"\xfe\xff", b"\xff\xfe")  # FFFE, in either byte order


def begins_with_item(data: Buffer, position: int) -> bool:
    """Tell whether the value at `position` begins with an Item of either byte order.

    Raises
    ------
    struct.error
        If the bytes end before.
    """
    return _unpack_begin(data, position)[0] in (_LITTLE_ITEM, b"\xff\xfe\xe0\x00")


def sequence_reader(data: Buffer, position: int, length: int, outer: ReadElement) -> ReadElement:
    """Return the reader for the items of the sequence whose value, of `length` bytes, begins at `position`.

    In a big endian data set the content of an UN is little endian all the same (PS3.5 6.2.2).

    Raises
    ------
    struct.error
        If the bytes end before this is known.
    """
    if outer is not read_explicit_big or length < 8:
        return outer
    begin: bytes = _unpack_begin(data, position)[0]
    return read_implicit_little if begin == _LITTLE_ITEM else outer


def item_reader(data: Buffer, position: int, outer: ReadElement) -> ReadElement:
    """Return the reader for the item whose first element is at `position`.

    Items of implicit data sets are implicit. Items of explicit ones may be implicit too: always in a UN of undefined
    length (PS3.5 6.2.2), and by mistake in some sequences. One that begins with a delimiter shows nothing.

    Raises
    ------
    struct.error
        If the bytes end before.
    """
    if outer is read_implicit_little or has_explicit_vr(data, position):
        return outer
    is_empty = bytes(data[position : position + 2]) in _DELIMITER_GROUP
    return outer if is_empty else read_implicit_little
