"""What a header says the values of its frames are of. Pure: a pydicom data set in, one value out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from services.render.attributes import frame_group, text


@dataclass(frozen=True)
class Subject:
    """What the values of a frame are of.

    Parameters
    ----------
    modality : str
    is_hounsfield : bool
        Rescaled values are Hounsfield units.
    """

    modality: str = ""
    is_hounsfield: bool = False


UNKNOWN: Final = Subject()


def subject_of(dataset: Dataset, frame_index: int) -> Subject:
    """Return what a frame of `dataset` shows.

    Values of CT are Hounsfield units unless Rescale Type says otherwise (PS3.3 C.8.2.1, C.11.1.1.2).
    """
    modality = text(dataset, "Modality").upper()
    rescaling = frame_group(dataset, frame_index, "PixelValueTransformationSequence")
    kind = text(rescaling, "RescaleType").upper()
    is_hounsfield = modality == "CT" and kind in {"", "HU", "HU_MOD"} and bool(text(rescaling, "RescaleSlope"))
    return Subject(modality, is_hounsfield)
