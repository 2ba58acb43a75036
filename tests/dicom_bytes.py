"""Data sets for the readers of `radstream/dicom`: real files, and ones that pydicom writes."""

from __future__ import annotations

import io
import struct
import warnings

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


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


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """Return an element in Explicit VR Little Endian."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"}:
        return head + struct.pack("<HI", 0, size) + value
    return head + struct.pack("<H", size) + value


def item(value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value) if length is None else length) + value
