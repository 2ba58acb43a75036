"""What an instance of its own says of how it was enhanced."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydicom import Dataset

from services.render.attributes import frame_group, numbers, text
from services.render.enhancement.mark import name_of, text_of
from services.render.enhancement.steps import Enhancement
from services.render.secondary_capture import Derivation, Source

_CODES: Final = {
    "film": ("113086", "Edge enhancement"),
    "denoise": ("113087", "Smoothing"),
    "unsharp": ("113089", "Unsharp mask"),
    "detail": ("113086", "Edge enhancement"),
}
"""PS3.16 CID 7203 Image Derivation; it knows no windows and no histogram equalisation."""


def codes_of(enhancement: Enhancement) -> tuple[tuple[str, str], ...]:
    """Return value and meaning of the codes of an enhancement."""
    return tuple(_CODES[step.name] for step in enhancement if step.name in _CODES)


def derivation_of(
    enhancement: Enhancement, dataset: Dataset, frame_index: int, size: tuple[int, int] | None
) -> Derivation:
    """Return what is said of the enhanced picture of a frame.

    Parameters
    ----------
    dataset : Dataset
        The header of its instance.
    size : (int, int) or None
        Rows and columns of the picture, if it shows the whole frame.
    """
    frames = int((numbers(dataset, "NumberOfFrames") or [1])[0])
    uids = text(dataset, "SOPClassUID"), text(dataset, "SOPInstanceUID")
    source = Source(*uids, (frame_index + 1,) if frames > 1 else ())
    spacing = _spacing(dataset, frame_index, size) if size is not None else None
    description = text_of(enhancement)
    return Derivation(f"Enhanced {name_of(enhancement)}", description, codes_of(enhancement), (source,), spacing)


def _spacing(dataset: Dataset, frame_index: int, size: tuple[int, int]) -> tuple[float, float] | None:
    """Return the distances of rows and columns of the picture, which may be larger or smaller than the frame."""
    stored = numbers(frame_group(dataset, frame_index, "PixelMeasuresSequence"), "PixelSpacing")
    lengths = [*numbers(dataset, "Rows"), *numbers(dataset, "Columns")]
    if len(stored) != 2 or len(lengths) != 2 or not all(np.isfinite(stored)) or min(stored) <= 0:
        return None
    return stored[0] * lengths[0] / size[0], stored[1] * lengths[1] / size[1]
