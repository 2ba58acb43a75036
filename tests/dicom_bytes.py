"""Data sets for the readers of `radstream/dicom`: real files, ones that pydicom writes, and single elements."""

from __future__ import annotations

import io
import random
import struct
import warnings

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from radstream.contract.errors import RejectedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.header import HeaderScanner
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of
from tests.samples import Sample

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
SYNTAXES = (IMPLICIT, EXPLICIT, BIG)
UNDEFINED = 0xFFFFFFFF

_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"}


class Value(bytes):
    """Bulk data in memory, for the writers."""

    @property
    def size_bytes(self) -> int:
        return len(self)


def encode(ds: Dataset, transfer_syntax_uid: str) -> bytes:
    """Return the bytes of a data set, without preamble and meta group, as pydicom writes them."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    ds.file_meta.MediaStorageSOPClassUID = ds.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(file, enforce_file_format=True)
    content = file.getvalue()
    return content[144 + int.from_bytes(content[140:144], "little") :]


def element(tag: int, vr: str, value: bytes, length: int | None = None, syntax: str = EXPLICIT) -> bytes:
    """Return an element, with `length` instead of the true one if it is given; the VR is left out where it is."""
    size = len(value) if length is None else length
    order = ">" if syntax == BIG else "<"
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", size) + value
    if vr in _LONG:
        return head + vr.encode() + struct.pack(f"{order}HI", 0, size) + value
    return head + vr.encode() + struct.pack(f"{order}H", size) + value


def item(value: bytes, length: int | None = None, syntax: str = EXPLICIT) -> bytes:
    """Return an Item, which is alike in all encodings of one byte order."""
    return delimiter(0xE000, syntax, len(value) if length is None else length) + value


def delimiter(number: int, syntax: str = EXPLICIT, length: int = 0) -> bytes:
    """Return the element (FFFE,`number`): E00D ends an item, E0DD a sequence."""
    return struct.pack(">HHI" if syntax == BIG else "<HHI", 0xFFFE, number, length)


def scan(data: bytes, syntax: str) -> HeaderScanner:
    """Return the scanner that has seen a whole data set."""
    scanner = HeaderScanner(syntax)
    scanner.feed(data)
    scanner.finish()
    return scanner


def outcome(data: bytes, syntax: str, sizes: list[int] | None = None) -> object:
    """Return all that a scanner found out, or why it refused; fed in pieces of `sizes`, again and again, if given."""
    scanner = HeaderScanner(syntax)
    position, number = 0, 0
    try:
        while position < len(data):
            size = sizes[number % len(sizes)] if sizes else len(data)
            scanner.feed(memoryview(data)[position : position + size])
            position, number = position + size, number + 1
        scanner.finish()
    except RejectedInstance as error:
        return str(error)
    return scanner.pixel_data_offset, scanner.values, scanner.is_done


def header_of(sample: Sample) -> tuple[bytes, str]:
    """Return the data set up to its Pixel Data, inflated if it was deflated, and the transfer syntax."""
    content = sample.path.read_bytes()
    meta = parse_meta(content)
    assert meta is not None
    data_set, syntax = content[meta.data_set_offset :], meta.transfer_syntax_uid
    if encoding_of(syntax).is_deflated:
        data_set, syntax = inflate(data_set, 1 << 26), EXPLICIT
    scanner = HeaderScanner(syntax)
    scanner.feed(data_set)
    return data_set[: scanner.pixel_data_offset], syntax


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return `data` with some of its bytes changed, moved, or what has a meaning put in their place."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8, 20))):
        at, copied = chance.randrange(len(result) + 1), chance.randrange(len(data))
        new = chance.choice((chance.randbytes(chance.randint(1, 4)), chance.choice(_MEANINGFUL), data[copied:][:40]))
        result[at : at + (len(new) if chance.random() < 0.75 else chance.randint(0, 8))] = new
    return bytes(result if chance.random() < 0.8 else result[: chance.randrange(len(result) + 1)])


_MEANINGFUL = (
    *(delimiter(number) for number in (0xE000, 0xE00D, 0xE0DD)),
    *(bytes([each]) * 4 for each in (0, 255)),
    b"SQ\0\0",
    b"UN\0\0",
    b"OB\0\0\xff\xff\xff\xff",
    b"\xe0\x7f\x10\0",
    b"\x08\0\x18\0",
    element(0x00081140, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED),
)
