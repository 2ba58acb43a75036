"""What is written beside an image: who it is of, how it was made (the `annotation` parameter, PS3.18 8.3.5.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy.typing as npt
from pydicom import Dataset
from pydicom.valuerep import PersonName

from services.render.attributes import frame_group, numbers, text, values
from services.render.lettering import write_lines

Array = npt.NDArray[Any]

PATIENT: Final = "patient"
TECHNIQUE: Final = "technique"
OVERLAYS: Final = "overlays"
"""Ours: overlay planes are burnt in."""

KEYWORDS: Final = (PATIENT, TECHNIQUE, OVERLAYS)
LONGEST_LINE: Final = 64
MOST_LINES: Final = 12

_LABELLED: Final = (
    ("KVP", "kV {:g}"),
    ("XRayTubeCurrent", "mA {:g}"),
    ("Exposure", "mAs {:g}"),
    ("ExposureTime", "{:g} ms"),
    ("SliceThickness", "thickness {:g} mm"),
    ("SliceLocation", "location {:.2f} mm"),
    ("RepetitionTime", "TR {:g} ms"),
    ("EchoTime", "TE {:g} ms"),
    ("InversionTime", "TI {:g} ms"),
    ("FlipAngle", "flip angle {:g}"),
    ("MagneticFieldStrength", "{:g} T"),
)
_SOURCES: Final = (
    "CTXRayDetailsSequence",
    "CTExposureSequence",
    "MRTimingAndRelatedParametersSequence",
    "MREchoSequence",
    "PixelMeasuresSequence",
)
"""Functional groups in which enhanced objects keep what is at the top of others."""


def annotate(picture: Array, dataset: Dataset, frame_index: int, wanted: Sequence[str]) -> Array:
    """Return `picture` with the annotations that are wanted: the patient top left, the technique bottom left.

    Parameters
    ----------
    picture : ndarray
        uint8 of shape (rows, columns) or (rows, columns, 3).
    dataset : Dataset
        The header of the image.
    wanted : sequence of str
        Of `KEYWORDS`.
    """
    for keyword, lines_of, corner in _WRITTEN:
        if keyword in wanted:
            lines = [line[:LONGEST_LINE] for line in lines_of(dataset, frame_index) if line]
            picture = write_lines(picture, lines[:MOST_LINES], corner)  # type: ignore[arg-type]
    return picture


def patient_lines(dataset: Dataset, _frame_index: int = 0) -> list[str]:
    """Return name, id, birth date with sex and age, study date, accession number and institution; empty ones too."""
    born = " ".join(filter(None, (text(dataset, "PatientBirthDate"), text(dataset, "PatientSex"))))
    return [
        _name(dataset),
        text(dataset, "PatientID"),
        " ".join(filter(None, (born, text(dataset, "PatientAge")))),
        " ".join(filter(None, (text(dataset, "StudyDate"), text(dataset, "StudyTime")[:6]))),
        text(dataset, "AccessionNumber"),
        text(dataset, "InstitutionName"),
    ]


def _name(dataset: Dataset) -> str:
    """Return the first component group that has something: the others are the same in other letters."""
    for value in values(dataset, "PatientName")[:1]:
        groups = str(value).split("=") if isinstance(value, str | PersonName) else []
        return next((group.replace("^", " ").strip() for group in groups if group.strip("^ ")), "")
    return ""


def technique_lines(dataset: Dataset, frame_index: int) -> list[str]:
    """Return how an image was made: modality and device, series, position, then what sets the looks of its modality."""
    sources = [dataset, *(frame_group(dataset, frame_index, name) for name in _SOURCES)]
    figures = [_figure(sources, keyword, pattern) for keyword, pattern in _LABELLED]
    place = [f"{name} {text(dataset, keyword)}" for name, keyword in _NUMBERS if text(dataset, keyword)]
    view = [text(dataset, keyword) for keyword in ("BodyPartExamined", "ViewPosition", "ImageLaterality")]
    return [
        " ".join(filter(None, (text(dataset, "Modality"), text(dataset, "ManufacturerModelName")))),
        text(dataset, "SeriesDescription"),
        " ".join(place),
        " ".join(filter(None, view)),
        *filter(None, figures),
    ]


_NUMBERS: Final = (("series", "SeriesNumber"), ("image", "InstanceNumber"))


def _figure(sources: Sequence[Dataset], keyword: str, pattern: str) -> str:
    found = [value for source in sources for value in numbers(source, keyword)[:1]]
    return pattern.format(found[0]) if found else ""


_WRITTEN: Final[tuple[tuple[str, Callable[[Dataset, int], list[str]], str], ...]] = (
    (PATIENT, patient_lines, "top left"),
    (TECHNIQUE, technique_lines, "bottom left"),
)
