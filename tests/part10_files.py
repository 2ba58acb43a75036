"""Part 10 files of attributes that a test names, for the doors of a running system."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import pydicom
from pydicom.data import get_testdata_file

from radstream.dicom.part10 import encode_meta
from tests.index_engines import CT_IMAGE_STORAGE, EXPLICIT, data_set
from tests.wado_engines import fragments

MPEG4: Final = "1.2.840.10008.1.2.4.102"
VIDEO_PHOTOGRAPHIC: Final = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"


def file_of(*, syntax: str = EXPLICIT, pixel_data: bytes = b"", **attributes: Any) -> bytes:
    """Return a file with `attributes` by keyword and, from its tag on, `pixel_data`."""
    sop_class, sop_instance = (attributes.get(name, "") for name in ("SOPClassUID", "SOPInstanceUID"))
    meta = encode_meta(sop_class or CT_IMAGE_STORAGE, sop_instance or "1.2.3.1", syntax)
    return meta + data_set(**attributes) + pixel_data


def uids(number: int) -> dict[str, str]:
    """Return the UIDs of an instance in a series and a study of its own."""
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    return {name: f"2.25.14{level}.{number}" for level, name in enumerate(names)}


def video(stream: bytes, **attributes: Any) -> bytes:
    """Return a file whose frames are a video."""
    image = {"Rows": 480, "Columns": 640, "NumberOfFrames": 25, "SamplesPerPixel": 3, "BitsAllocated": 8}
    image |= {"BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "PhotometricInterpretation": "YBR_PARTIAL_420"}
    named = {"SOPClassUID": VIDEO_PHOTOGRAPHIC, "Modality": "XC", **image, **attributes}
    return file_of(syntax=MPEG4, pixel_data=fragments([stream], 1), **named)


def document(content: bytes, **attributes: Any) -> bytes:
    """Return an Encapsulated PDF."""
    mime = {"MIMETypeOfEncapsulatedDocument": "application/pdf", "EncapsulatedDocument": content}
    return file_of(SOPClassUID=ENCAPSULATED_PDF, Modality="DOC", **mime, **attributes)


def pydicom_file(name: str) -> bytes:
    """Return one of pydicom's own files."""
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def in_own_study(content: bytes, number: int) -> bytes:
    """Return a file with the UIDs of `number`: several of pydicom's files share theirs."""
    found = pydicom.dcmread(io.BytesIO(content))
    for name, uid in uids(number).items():
        setattr(found, name, uid)
    buffer = io.BytesIO()
    found.save_as(buffer)
    return buffer.getvalue()
