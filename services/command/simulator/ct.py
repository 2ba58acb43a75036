"""CT studies of the thorax: CT Image Storage (PS3.3 A.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from pydicom.dataset import Dataset

from services.command.anatomy.thorax import FIELD_OF_VIEW_MM, HEIGHT_MM, Thorax
from services.command.simulator.modules import Series, add_pixels, new_instance
from services.command.simulator.plan import StudyPlan

SOP_CLASS_UID: Final = "1.2.840.10008.5.1.4.1.1.2"
USUAL_SLICES: Final = 60
USUAL_SIZE: Final = 512

_SERIES: Final = Series(2, "Thorax 5.0 soft", "CHEST", "Thorax routine")


def ct_instances(plan: StudyPlan) -> Iterator[Dataset]:
    """Yield the slices of a study, from the head down."""
    thorax, count, size = Thorax(plan.generator(1)), plan.length(USUAL_SLICES), plan.size(USUAL_SIZE)
    spacing_mm = HEIGHT_MM / count
    for index in range(count):
        z_mm = HEIGHT_MM - (index + 0.5) * spacing_mm
        taken_at = plan.started_at + timedelta(seconds=60 + 0.1 * index)
        ds = new_instance(plan, SOP_CLASS_UID, _SERIES, index + 1, taken_at)
        _acquisition(ds)
        _geometry(ds, plan, size, z_mm, spacing_mm)
        hounsfield = thorax.slice(plan.generator(2, index), size, z_mm)
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1024, "HU"
        ds.WindowCenter, ds.WindowWidth = [40, -600], [400, 1500]
        ds.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]
        add_pixels(ds, hounsfield + hounsfield.dtype.type(1024), "MONOCHROME2", 16)
        yield ds


def _acquisition(ds: Dataset) -> None:
    """Add the CT Image module (PS3.3 C.8.2.1)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ScanOptions = "HELICAL MODE"
    ds.KVP = 120
    ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure = 500, 220, 110
    ds.DataCollectionDiameter, ds.ReconstructionDiameter = 500, FIELD_OF_VIEW_MM
    ds.ConvolutionKernel = "B31f"
    ds.GantryDetectorTilt, ds.TableHeight, ds.RotationDirection = 0, 148, "CW"
    ds.CTDIvol = 7.4


def _geometry(ds: Dataset, plan: StudyPlan, size: int, z_mm: float, spacing_mm: float) -> None:
    """Add the Frame of Reference and Image Plane modules (PS3.3 C.7.4.1, C.7.6.2): z grows to the head."""
    pixel_mm = FIELD_OF_VIEW_MM / size
    first_mm = -(size - 1) / 2 * pixel_mm
    ds.FrameOfReferenceUID = plan.uid("frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.PatientPosition = "HFS"
    ds.PatientOrientation = ["L", "P"]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [round(first_mm, 4), round(first_mm, 4), round(z_mm - HEIGHT_MM, 4)]
    ds.SliceLocation = round(z_mm - HEIGHT_MM, 4)
    ds.PixelSpacing = [round(pixel_mm, 6)] * 2
    ds.SliceThickness = ds.SpacingBetweenSlices = round(spacing_mm, 4)
