"""MR studies of the brain in three contrasts: MR Image Storage (PS3.3 A.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydicom.dataset import Dataset

from services.command.anatomy.brain import FIELD_OF_VIEW_MM, HEIGHT_MM, Head
from services.command.simulator.modules import Series, add_pixels, new_instance
from services.command.simulator.plan import StudyPlan

SOP_CLASS_UID: Final = "1.2.840.10008.5.1.4.1.1.4"
USUAL_SLICES: Final = 24
USUAL_SIZE: Final = 256


@dataclass(frozen=True)
class _Sequence:
    """A pulse sequence: its times in ms, the window that suits it in stored values."""

    contrast: str
    scanning_sequence: tuple[str, ...]
    repetition_time_ms: float
    echo_time_ms: float
    echo_train_length: int
    window: tuple[int, int]
    inversion_time_ms: float | None = None


_SEQUENCES: Final = (
    _Sequence("T1", ("SE",), 550, 12, 1, (520, 1050)),
    _Sequence("T2", ("SE",), 4500, 98, 15, (700, 1500)),
    _Sequence("FLAIR", ("SE", "IR"), 9000, 110, 21, (520, 1000), 2500),
)


def mr_instances(plan: StudyPlan) -> Iterator[Dataset]:
    """Yield the slices of a study, series after series, each from the bottom up."""
    head, count, size = Head(plan.generator(1)), plan.length(USUAL_SLICES), plan.size(USUAL_SIZE)
    spacing_mm = HEIGHT_MM / count
    for number, sequence in enumerate(_SEQUENCES, start=2):
        series = Series(number, f"ax {sequence.contrast}", "BRAIN", "Brain routine")
        for index in range(count):
            z_mm = (index + 0.5) * spacing_mm
            taken_at = plan.started_at + timedelta(minutes=4 * number, seconds=index)
            ds = new_instance(plan, SOP_CLASS_UID, series, index + 1, taken_at)
            _acquisition(ds, sequence)
            _geometry(ds, plan, size, z_mm, spacing_mm)
            ds.WindowCenter, ds.WindowWidth = sequence.window
            pixels = head.slice(plan.generator(2, number, index), size, z_mm, sequence.contrast)
            add_pixels(ds, pixels, "MONOCHROME2", 12)
            yield ds


def _acquisition(ds: Dataset, sequence: _Sequence) -> None:
    """Add the MR Image module (PS3.3 C.8.3.1)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.ScanningSequence = list(sequence.scanning_sequence)
    ds.SequenceVariant = "SK"
    ds.ScanOptions = ""
    ds.SequenceName = f"*tse2d{sequence.echo_train_length}"
    ds.MRAcquisitionType = "2D"
    ds.RepetitionTime, ds.EchoTime = sequence.repetition_time_ms, sequence.echo_time_ms
    if sequence.inversion_time_ms is not None:
        ds.InversionTime = sequence.inversion_time_ms
    ds.EchoTrainLength, ds.EchoNumbers, ds.NumberOfAverages = sequence.echo_train_length, 1, 1
    ds.MagneticFieldStrength, ds.ImagingFrequency, ds.ImagedNucleus = 1.5, 63.87, "1H"
    ds.FlipAngle, ds.PercentSampling, ds.PixelBandwidth = 90, 100, 130
    ds.InPlanePhaseEncodingDirection = "ROW"
    ds.SAR = 0.8


def _geometry(ds: Dataset, plan: StudyPlan, size: int, z_mm: float, spacing_mm: float) -> None:
    """Add the Frame of Reference and Image Plane modules (PS3.3 C.7.4.1, C.7.6.2)."""
    pixel_mm = FIELD_OF_VIEW_MM / size
    first_mm = -(size - 1) / 2 * pixel_mm
    ds.FrameOfReferenceUID = plan.uid("frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.PatientPosition = "HFS"
    ds.PatientOrientation = ["L", "P"]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [round(first_mm, 4), round(first_mm, 4), round(z_mm - HEIGHT_MM / 2, 4)]
    ds.SliceLocation = round(z_mm - HEIGHT_MM / 2, 4)
    ds.PixelSpacing = [round(pixel_mm, 6)] * 2
    ds.SliceThickness = round(spacing_mm * 0.85, 4)
    ds.SpacingBetweenSlices = round(spacing_mm, 4)
