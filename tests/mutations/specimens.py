"""Sound instances to be mutated: pydicom's own test files, and synthetic ones for what these do not have."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from struct import pack

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, MultiFrameGrayscaleByteSecondaryCaptureImageStorage

from radstream.dicom.dictionary import ITEM, ITEM_DELIMITATION, PIXEL_DATA, SEQUENCE_DELIMITATION, UNDEFINED_LENGTH
from radstream.dicom.elements import ReadElement, item_reader, reader_of, true_reader
from radstream.dicom.part10 import encode_meta
from radstream.dicom.syntaxes import encoding_of
from tests.dicom_bytes import BIG, DEFLATED, EXPLICIT, IMPLICIT, delimiter, element, encode, item
from tests.samples import Sample, is_deflated, samples

LARGEST_BYTES = 200_000
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E


@dataclass(frozen=True)
class Part:
    """An element at the top level, by its offsets in the data set."""

    tag: int
    vr: str
    start: int
    value: int
    end: int
    length: int


@dataclass(frozen=True)
class Specimen:
    """An instance as it is sent, sound or not.

    Parameters
    ----------
    meta : bytes
        What precedes the data set in a file.
    data_set : bytes
        Not deflated as long as it is sound.
    transfer_syntax_uid, sop_class_uid, sop_instance_uid : str
        What the sender declares; `reading_uid` is how the bytes of a sound one are to be read.
    """

    name: str
    meta: bytes
    data_set: bytes
    transfer_syntax_uid: str
    reading_uid: str
    sop_class_uid: str
    sop_instance_uid: str

    @property
    def is_encapsulated(self) -> bool:
        last = self.parts()[-1]
        return last.tag == PIXEL_DATA and last.length == UNDEFINED_LENGTH

    @property
    def header_bytes(self) -> int:
        """Offset of the Pixel Data in the data set; its end, if there is none."""
        return next((part.start for part in self.parts() if part.tag == PIXEL_DATA), len(self.data_set))

    def parts(self) -> list[Part]:
        """Return the elements at the top level of a sound data set."""
        return list(_parts(self.data_set, self.reading_uid))

    def with_data_set(self, data_set: bytes) -> Specimen:
        return replace(self, data_set=data_set)

    def with_element(self, tag: int, vr: str, value: bytes, length: int | None = None) -> Specimen:
        """Return it with an element put where it belongs, in place of one that is there."""
        pieces = [(part.tag, self.data_set[part.start : part.end]) for part in self.parts() if part.tag != tag]
        pieces.append((tag, element(tag, vr, value, length, self.reading_uid)))
        return self.with_data_set(b"".join(piece for _, piece in sorted(pieces, key=lambda piece: piece[0])))

    def without(self, *tags: int) -> Specimen:
        kept = [self.data_set[part.start : part.end] for part in self.parts() if part.tag not in tags]
        return self.with_data_set(b"".join(kept))

    def value_of(self, tag: int) -> bytes:
        return next((self.data_set[part.value : part.end] for part in self.parts() if part.tag == tag), b"")

    def declared_as(self, transfer_syntax_uid: str) -> Specimen:
        """Return it declared, by the file and by the sender, to be of a transfer syntax."""
        meta = encode_meta(self.sop_class_uid, self.sop_instance_uid, transfer_syntax_uid)
        return replace(self, transfer_syntax_uid=transfer_syntax_uid, meta=meta)

    def deflated(self) -> Specimen:
        return self.declared_as(DEFLATED).with_data_set(deflate(self.data_set))


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = stream.compress(data) + stream.flush()
    return deflated + bytes(len(deflated) % 2)


def _parts(data: bytes, syntax: str) -> Iterator[Part]:
    read = true_reader(data, 0, reader_of(encoding_of(syntax)))
    position = 0
    while position + 8 <= len(data):
        tag, vr, length, value = read(data, position)
        end = value + length if length != UNDEFINED_LENGTH else _end_of_items(data, value, read)
        yield Part(tag, vr, position, value, end, length)
        position = end


def _end_of_items(data: bytes, position: int, read: ReadElement) -> int:
    """Return where a sequence, or the fragments, of undefined length end."""
    while True:
        tag, _, length, value = read(data, position)
        if tag == SEQUENCE_DELIMITATION:
            return value
        assert tag == ITEM
        position = value + length if length != UNDEFINED_LENGTH else _end_of_item(data, value, read)


def _end_of_item(data: bytes, position: int, outer: ReadElement) -> int:
    read = item_reader(data, position, outer)
    while True:
        tag, _, length, value = read(data, position)
        if tag == ITEM_DELIMITATION:
            return value
        position = value + length if length != UNDEFINED_LENGTH else _end_of_items(data, value, read)


# --- the ones there are -----------------------------------------------------------------------------------------------


@cache
def specimens() -> tuple[Specimen, ...]:
    """Return every sound one; none is deflated."""
    real = [_specimen(sample) for sample in samples() if sample.is_storable and len(sample.data_set) <= LARGEST_BYTES]
    return tuple(specimen for specimen in (*real, *_synthetic()) if specimen is not None and _is_sound(specimen))


def fresh(specimen: Specimen, number: int) -> Specimen:
    """Return a specimen with UIDs that no other number gives, in a study of its own."""
    uids = {tag: f"2.25.{tag}{number:012}" for tag in (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID)}
    for tag, uid in uids.items():
        specimen = specimen.with_element(tag, "UI", padded(uid))
    specimen = replace(specimen, sop_instance_uid=uids[SOP_INSTANCE_UID])
    return specimen.declared_as(specimen.transfer_syntax_uid)


def padded(text: str | bytes, pad: bytes = b"\0") -> bytes:
    value = text.encode() if isinstance(text, str) else text
    return value + pad * (len(value) % 2)


def _specimen(sample: Sample) -> Specimen | None:
    if is_deflated(sample):
        return None
    uids = sample.sop_class_uid, sample.sop_instance_uid
    meta = encode_meta(*uids, sample.transfer_syntax_uid)
    return Specimen(sample.name, meta, sample.data_set, *[sample.transfer_syntax_uid] * 2, *uids)


def _is_sound(specimen: Specimen) -> bool:
    """Tell whether all of it is elements, in order and as declared; a few of pydicom's files are mutants already."""
    try:
        parts = specimen.parts()
    except Exception:  # noqa: BLE001 - whatever is wrong with it
        return False
    tags = [part.tag for part in parts]
    is_as_declared = bool(parts[0].vr) != encoding_of(specimen.reading_uid).is_implicit
    return is_as_declared and tags == sorted(set(tags)) and parts[-1].end == len(specimen.data_set)


def _synthetic() -> Iterator[Specimen]:
    yield _make("ct implicit", CTImageStorage, IMPLICIT, _slice)
    yield _make("ct explicit", CTImageStorage, EXPLICIT, _slice)
    yield _make("ct big endian", CTImageStorage, BIG, _slice)
    yield _make("enhanced mr", EnhancedMRImageStorage, EXPLICIT, _enhanced)
    yield _fragmented("fragments with a table", with_table=True)
    yield _fragmented("fragments without a table", with_table=False)


def _make(name: str, sop_class_uid: str, syntax: str, fill: Callable[[Dataset], None]) -> Specimen:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class_uid, "2.25.3"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.1", "2.25.2"
    ds.PatientID, ds.PatientName, ds.StudyDate, ds.Modality = "P1", "Mutant^Every", "20260102", "CT"
    ds.Rows = ds.Columns = 32
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    fill(ds)
    meta = encode_meta(sop_class_uid, "2.25.3", syntax)
    return Specimen(name, meta, encode(ds, syntax), syntax, syntax, sop_class_uid, "2.25.3")


def _slice(ds: Dataset) -> None:
    ds.WindowCenter, ds.WindowWidth, ds.RescaleSlope, ds.RescaleIntercept = "40", "400", "1", "-1024"
    ds.PixelData = np.arange(32 * 32, dtype="<u2").tobytes()


def _enhanced(ds: Dataset) -> None:
    ds.NumberOfFrames = 8
    groups = []
    for number in range(8):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, number]
        group.PlanePositionSequence = [position]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.PixelData = np.arange(8 * 32 * 32, dtype="<u2").tobytes()


def _fragmented(name: str, *, with_table: bool) -> Specimen:
    """Return three frames of two fragments each, which begin like JPEG and hold noise."""
    plain = _make(name, MultiFrameGrayscaleByteSecondaryCaptureImageStorage, EXPLICIT, _frames)
    noise = random.Random(1)
    pieces = [item(begin + noise.randbytes(98)) for _ in range(3) for begin in (b"\xff\xd8", b"\0\0")]
    offsets = pack("<3I", *(2 * index * len(pieces[0]) for index in range(3))) if with_table else b""
    value = item(offsets) + b"".join(pieces) + delimiter(0xE0DD)
    data_set = plain.without(PIXEL_DATA).data_set + element(PIXEL_DATA, "OB", value, UNDEFINED_LENGTH)
    return replace(plain.with_data_set(data_set), reading_uid=JPEG_BASELINE).declared_as(JPEG_BASELINE)


def _frames(ds: Dataset) -> None:
    ds.NumberOfFrames, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 3, 8, 8, 7
    ds.PixelData = bytes(2)
