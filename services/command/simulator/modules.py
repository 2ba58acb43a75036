"""The modules that every composite instance has: patient, study, series, equipment, SOP common (PS3.3 C.7, C.12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from services.command.simulator.plan import StudyPlan


@dataclass(frozen=True)
class Series:
    """A series of a study.

    Parameters
    ----------
    number : int
        (0020,0011) Series Number.
    description : str
        (0008,103E) Series Description.
    body_part : str
        (0018,0015) Body Part Examined.
    """

    number: int
    description: str
    body_part: str
    protocol: str


def new_instance(plan: StudyPlan, sop_class_uid: str, series: Series, number: int, taken_at: datetime) -> Dataset:
    """Return a data set with everything but the image.

    Parameters
    ----------
    number : int
        (0020,0013) Instance Number, from 1.
    taken_at : datetime
        (0008,0022) Acquisition Date and Time.
    """
    ds = Dataset()
    _sop_common(ds, plan, sop_class_uid, series, number)
    _patient(ds, plan)
    _study(ds, plan, series)
    _series(ds, plan, series)
    _equipment(ds, plan)
    ds.InstanceNumber = number
    ds.AcquisitionNumber = 1
    for kind in ("Acquisition", "Content", "InstanceCreation"):
        setattr(ds, f"{kind}Date", taken_at.strftime("%Y%m%d"))
        setattr(ds, f"{kind}Time", taken_at.strftime("%H%M%S.%f"))
    ds.ImageComments = "Simulated: this is nobody's anatomy"
    return ds


def add_pixels(ds: Dataset, pixels: NDArray[np.integer], photometric_interpretation: str, bits_stored: int) -> None:
    """Add the Image Pixel module (PS3.3 C.7.6.3), little endian.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns) or (frames, rows, columns, 3)
        Unsigned or signed, 8 or 16 bits.
    """
    is_colour = pixels.ndim == 4
    ds.SamplesPerPixel = 3 if is_colour else 1
    if is_colour:
        ds.PlanarConfiguration = 0
        ds.NumberOfFrames = pixels.shape[0]
    ds.PhotometricInterpretation = photometric_interpretation
    ds.Rows, ds.Columns = pixels.shape[1:3] if is_colour else pixels.shape
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits_stored
    ds.HighBit = bits_stored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.LossyImageCompression = "00"
    ds.add_new(
        "PixelData", "OB" if ds.BitsAllocated == 8 else "OW", pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    )


def _sop_common(ds: Dataset, plan: StudyPlan, sop_class_uid: str, series: Series, number: int) -> None:
    ds.SOPClassUID = sop_class_uid
    ds.SOPInstanceUID = plan.uid("instance", series.number, number)
    if plan.person.character_sets:
        ds.SpecificCharacterSet = list(plan.person.character_sets)


def _patient(ds: Dataset, plan: StudyPlan) -> None:
    person = plan.person
    ds.PatientName = person.name
    ds.PatientID = person.patient_id
    ds.PatientBirthDate = person.birth_date.strftime("%Y%m%d")
    ds.PatientSex = person.sex
    ds.PatientAge = person.age(plan.started_at.date())
    ds.PatientSize = f"{person.size_m:.2f}"
    ds.PatientWeight = f"{person.weight_kg:.1f}"


def _study(ds: Dataset, plan: StudyPlan, series: Series) -> None:
    ds.StudyInstanceUID = plan.study_instance_uid
    ds.StudyDate, ds.StudyTime = plan.started_at.strftime("%Y%m%d"), plan.started_at.strftime("%H%M%S")
    ds.StudyID = f"{plan.number + 1}"
    ds.AccessionNumber = plan.accession_number
    ds.ReferringPhysicianName = ("Hartley^Rosalind^^Dr.", "Duarte^Miguel^^Dr.", "Achterberg^Saskia^^Prof.")[
        plan.number % 3
    ]
    ds.StudyDescription = f"{plan.modality} {series.body_part.capitalize()}"


def _series(ds: Dataset, plan: StudyPlan, series: Series) -> None:
    ds.SeriesInstanceUID = plan.uid("series", series.number)
    ds.SeriesNumber = series.number
    ds.Modality = plan.modality
    ds.SeriesDescription = series.description
    ds.ProtocolName = series.protocol
    ds.BodyPartExamined = series.body_part
    ds.SeriesDate, ds.SeriesTime = ds.StudyDate, ds.StudyTime
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = ds.StudyDate, ds.StudyTime
    ds.PerformedProcedureStepID = f"PPS{plan.number:06d}"
    request = Dataset()
    request.RequestedProcedureID = f"RP{plan.number:06d}"
    request.ScheduledProcedureStepID = f"SPS{plan.number:06d}"
    request.AccessionNumber = plan.accession_number
    ds.RequestAttributesSequence = [request]


def _equipment(ds: Dataset, plan: StudyPlan) -> None:
    ds.Manufacturer = "Radstream"
    ds.ManufacturerModelName = f"Simulated {plan.modality}"
    ds.DeviceSerialNumber = f"{plan.seed % 10**8:08d}"
    ds.SoftwareVersions = "1"
    ds.InstitutionName = "Simulated Hospital"
    ds.StationName = f"SIM{plan.modality}1"
