"""Loops of a beating heart: Ultrasound Multi-frame Image Storage (PS3.3 A.7)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from services.command.anatomy.heart import DEPTH_MM, FourChambers
from services.command.simulator.modules import Series, add_pixels, new_instance
from services.command.simulator.plan import StudyPlan

SOP_CLASS_UID: Final = "1.2.840.10008.5.1.4.1.1.3.1"
USUAL_FRAMES: Final = 40
USUAL_SHAPE: Final = (480, 640)
FRAMES_PER_S: Final = 25

_SERIES: Final = Series(1, "Apical four chambers", "HEART", "Echocardiography")


def us_instances(plan: StudyPlan) -> Iterator[Dataset]:
    """Yield the two loops of a study."""
    rows, columns = plan.size(USUAL_SHAPE[0]), plan.size(USUAL_SHAPE[1])
    heart = FourChambers(plan.generator(1), rows, columns)
    heart_rate = int(plan.generator(3).integers(58, 92))
    for index in range(2):
        rng = plan.generator(2, index)
        phases = [frame / FRAMES_PER_S * heart_rate / 60 for frame in range(plan.length(USUAL_FRAMES))]
        frames = np.stack([heart.frame(rng, phase) for phase in phases])
        ds = new_instance(plan, SOP_CLASS_UID, _SERIES, index + 1, plan.started_at + timedelta(minutes=3 + index))
        _acquisition(ds)
        _cine(ds, heart_rate)
        ds.SequenceOfUltrasoundRegions = [_region(rows, columns, heart.spacing_mm)]
        add_pixels(ds, frames, "RGB", 8)
        yield ds


def _acquisition(ds: Dataset) -> None:
    """Add the US Image module (PS3.3 C.8.5.6)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "TTE", "0001"]
    ds.PatientOrientation = ""
    ds.TransducerType, ds.TransducerFrequency = "SECTOR_PHASED", 2500000
    ds.DepthOfScanField = round(DEPTH_MM)
    ds.MechanicalIndex = "1.1"
    ds.BurnedInAnnotation = "NO"


def _cine(ds: Dataset, heart_rate: int) -> None:
    """Add the Cine and Multi-frame modules (PS3.3 C.7.6.5, C.7.6.6)."""
    ds.FrameIncrementPointer = Tag("FrameTime")
    ds.FrameTime = 1000 / FRAMES_PER_S
    ds.CineRate = ds.RecommendedDisplayFrameRate = FRAMES_PER_S
    ds.PreferredPlaybackSequencing = 0
    ds.HeartRate = heart_rate


def _region(rows: int, columns: int, spacing_mm: float) -> Dataset:
    """Return the US Region Calibration of the sector (PS3.3 C.8.5.5): a pixel in cm."""
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = columns - 1, round(rows * 0.86) - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = spacing_mm / 10
    return region
