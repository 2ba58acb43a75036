"""Radiographs of a chest or a hand: Computed Radiography Image Storage (PS3.3 A.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from services.command.anatomy import chest, hand
from services.command.simulator.modules import Series, add_pixels, new_instance
from services.command.simulator.plan import StudyPlan

SOP_CLASS_UID: Final = "1.2.840.10008.5.1.4.1.1.1"
USUAL_SIZE: Final = 2048

_CHEST: Final = Series(1, "Chest PA", "CHEST", "Chest standing")
_HAND: Final = Series(1, "Hand left", "HAND", "Hand two planes")


def cr_instances(plan: StudyPlan) -> Iterator[Dataset]:
    """Yield the one picture of a study: of a chest or of a hand."""
    size = plan.size(USUAL_SIZE)
    is_hand = plan.number // 4 % 2 == 1
    series = _HAND if is_hand else _CHEST
    ds = new_instance(plan, SOP_CLASS_UID, series, 1, plan.started_at + timedelta(minutes=2))
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PlateID, ds.CassetteOrientation = f"P{plan.number:04d}", "PORTRAIT"
    if is_hand:
        pixels = hand.hand(plan.generator(2), size)
        _exposure(ds, 50, 2, hand.FIELD_OF_VIEW_MM / size)
        ds.ViewPosition, ds.PatientOrientation, ds.Laterality = "PA", ["R", "F"], "L"
        ds.PresentationLUTShape = "INVERSE"
        _show(ds, pixels, "MONOCHROME1")
    else:
        pixels = chest.chest(plan.generator(2), size)
        _exposure(ds, 120, 3, chest.FIELD_OF_VIEW_MM / size)
        ds.ViewPosition, ds.PatientOrientation = "PA", ["L", "F"]
        ds.PresentationLUTShape = "IDENTITY"
        _show(ds, pixels, "MONOCHROME2")
    yield ds


def _exposure(ds: Dataset, kilovolts: int, milliampere_seconds: int, pixel_mm: float) -> None:
    """Add the CR Image module (PS3.3 C.8.1.2)."""
    ds.KVP, ds.Exposure = kilovolts, milliampere_seconds
    ds.DistanceSourceToDetector = 1500
    ds.ImagerPixelSpacing = ds.PixelSpacing = [round(pixel_mm, 6)] * 2
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"


def _show(ds: Dataset, pixels: NDArray[np.uint16], photometric_interpretation: str) -> None:
    """Add the pixels, and the window that shows nearly all of their values."""
    low, high = np.percentile(pixels[::8, ::8], (1, 99.5))
    ds.WindowCenter, ds.WindowWidth = round(float(low + high) / 2), max(1, round(float(high - low)))
    ds.BurnedInAnnotation = "NO"
    add_pixels(ds, pixels, photometric_interpretation, 12)
