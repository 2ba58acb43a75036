"""A picture as an instance of its own: a Secondary Capture that says what it was made of, and how. Runs in the worker.

Equal pictures of equal instances have equal bytes and equal UIDs, so that one that is stored twice is there once. That
is why no time is in it: the archive knows when it arrived.

References
----------
PS3.3 A.8.1 (Secondary Capture Image), C.7.6.1 (General Image: Derivation), C.8.6 (Secondary Capture), C.12.4 (General
Reference); PS3.5 B.2 (UIDs derived from UUIDs).
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from radstream.contract.errors import UnsupportedInstance
from radstream.web.accept import Offer
from services.render.attributes import integer

Array = npt.NDArray[Any]

DICOM: Final = "application/dicom"
CAPTURE: Final = Offer(DICOM, transfer_syntax_uid=ExplicitVRLittleEndian)
"""What a client asks for that wants to store a picture."""

_COPIED: Final = (
    "SpecificCharacterSet",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "Modality",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "BodyPartExamined",
    "StudyInstanceUID",
    "StudyID",
    "Laterality",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
"""What is true of the picture as it is of its source: whose it is, of which study, of what."""

_REQUIRED: Final = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
)
"""Type 2: there, if need be without a value."""

_FIRST_SERIES: Final = 9000
"""Of what was made here: it stands behind the series of the modality."""

_NAMESPACE: Final = uuid.UUID("5c6f0a5e-4d3b-5e0c-9a55-2f7f0c1f6b1d")
_PURPOSE: Final = ("121322", "Source image for image processing operation")


@dataclass(frozen=True)
class Source:
    """An instance that a picture was made of; no frame numbers are all its frames."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Derivation:
    """What was done.

    Parameters
    ----------
    series : str
        In a few words; pictures of one series with equal words are one series.
    description : str
        All of it.
    codes : tuple of (str, str)
        Code value and meaning, of the DICOM Controlled Terminology (PS3.16 CID 7203).
    spacing : (float, float) or None
        Between rows and between columns of the picture, in millimetres, if that is known.
    """

    series: str
    description: str
    codes: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    spacing: tuple[float, float] | None = None


def secondary_capture(picture: Array, dataset: Dataset, derivation: Derivation) -> bytes:
    """Return a picture as Part 10 file, Explicit VR Little Endian.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns), 0 is black; or (rows, columns, 3), RGB.
    dataset : Dataset
        Header of a source; of its patient and study.

    Raises
    ------
    UnsupportedInstance
        If the header holds what cannot be written again.
    """
    made = _copied(dataset)
    _describe(made, dataset, derivation)
    _draw(made, picture)
    identity = (*map(repr, derivation.sources), derivation.description, hashlib.sha256(picture.tobytes()).hexdigest())
    made.SOPInstanceUID = _uid(str(picture.shape), *identity)
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    file = io.BytesIO()
    try:
        made.save_as(file, enforce_file_format=True)
    except (ValueError, TypeError, AttributeError, UnicodeError, OverflowError) as error:
        raise UnsupportedInstance(f"the header cannot be written again ({type(error).__name__})") from error
    return file.getvalue()


def _copied(dataset: Dataset) -> Dataset:
    made = Dataset()
    for keyword in _COPIED:
        if keyword in dataset:
            made[keyword] = dataset[keyword]
    for keyword in _REQUIRED:
        if keyword not in made:
            setattr(made, keyword, None)
    if "StudyInstanceUID" not in made:
        raise UnsupportedInstance("the source does not say of which study it is")
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    return made


def _describe(made: Dataset, dataset: Dataset, derivation: Derivation) -> None:
    made.SOPClassUID = SecondaryCaptureImageStorage
    made.SeriesInstanceUID = _uid(str(dataset.get("SeriesInstanceUID")), derivation.series)
    made.SeriesDescription = derivation.series[:64]
    made.SeriesNumber = _FIRST_SERIES + integer(dataset, "SeriesNumber", 0) % _FIRST_SERIES
    made.InstanceNumber = integer(dataset, "InstanceNumber", 1)
    made.Modality = made.get("Modality") or "OT"
    made.PatientOrientation = None
    made.ConversionType = "WSD"
    made.SecondaryCaptureDeviceManufacturer = "Radstream"
    made.SecondaryCaptureDeviceManufacturerModelName = "render"
    made.SecondaryCaptureDeviceSoftwareVersions = version("radstream")
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BurnedInAnnotation = "YES"
    made.DerivationDescription = derivation.description[:1024]
    if derivation.codes:
        made.DerivationCodeSequence = [_code(*code) for code in derivation.codes]
    made.SourceImageSequence = _references(derivation.sources)
    if derivation.spacing is not None:
        made.PixelSpacing = [f"{distance:.10g}" for distance in derivation.spacing]


def _references(sources: Sequence[Source]) -> list[Dataset]:
    references = []
    for source in sources:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
        if source.frame_numbers:
            item.ReferencedFrameNumber = list(source.frame_numbers)
        item.PurposeOfReferenceCodeSequence = [_code(*_PURPOSE)]
        references.append(item)
    return references


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _draw(made: Dataset, picture: Array) -> None:
    """Put the pixels in (PS3.3 C.7.6.3)."""
    is_colour = picture.ndim == 3
    made.Rows, made.Columns = picture.shape[:2]
    made.SamplesPerPixel = 3 if is_colour else 1
    made.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        made.PlanarConfiguration = 0
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    pixels = np.ascontiguousarray(picture, np.uint8).tobytes()
    made.add_new(0x7FE00010, "OB", pixels + bytes(len(pixels) % 2))


def _uid(*parts: str) -> str:
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(10).join(parts)).int}"
