"""Small synthetic instances, made quickly: one template, whose UIDs are replaced where they stand."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

MR_IMAGE_STORAGE = str(MRImageStorage)
EXPLICIT_VR_LITTLE_ENDIAN = str(ExplicitVRLittleEndian)


@dataclass(frozen=True)
class Instance:
    """An instance to send.

    Parameters
    ----------
    data_set : bytes
        Explicit VR Little Endian, without a meta group.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    data_set: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data_set).hexdigest()

    @property
    def url(self) -> str:
        series = f"studies/{self.study_instance_uid}/series/{self.series_instance_uid}"
        return f"{series}/instances/{self.sop_instance_uid}"


def uid(level: int, number: int) -> str:
    """Return a UID of always the same length."""
    return f"2.25.{level}{number:030}"


@cache
def _template(size: int) -> bytes:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, uid(3, 0)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid(1, 0), uid(2, 0)
    ds.PatientID, ds.PatientName, ds.AccessionNumber = "P1", "Test^Fault", "A1"
    ds.StudyDate, ds.StudyTime, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "20260102", "101112", "MR", 1, 1
    ds.Rows = ds.Columns = size
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.arange(size * size, dtype="<u2").tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    content = file.getvalue()
    return content[144 + int.from_bytes(content[140:144], "little") :]


def make_instance(study: int, number: int, *, size: int = 64, altered: bytes = b"") -> Instance:
    """Return instance `number` of `study`, with `altered` in place of its last bytes."""
    uids = uid(1, study), uid(2, study), uid(3, study * 100_000 + number)
    data_set = _template(size)
    for old, new in zip((uid(1, 0), uid(2, 0), uid(3, 0)), uids, strict=True):
        data_set = data_set.replace(old.encode(), new.encode())
    return Instance(*uids, data_set[: len(data_set) - len(altered)] + altered)


def make_instances(studies: int, per_study: int) -> Iterator[Instance]:
    """Yield instances, one in ten of them of half a megabyte."""
    for study in range(1, studies + 1):
        for number in range(1, per_study + 1):
            yield make_instance(study, number, size=512 if number % 10 == 0 else 64)
