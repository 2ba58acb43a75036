"""Images under presentation states look as DCMTK's `dcmp2pgm` shows them, within one grey level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from services.render.description import describe
from services.render.parse import parse_whole
from services.render.pixels import Wish
from services.render.presentation_state import State, present
from tests import dcmtk_pictures
from tests.pixel_files import pixel_files
from tests.render_engines import to_bytes
from tests.rendering import render
from tests.states import items, state_of

pytestmark = pytest.mark.skipif(not dcmtk_pictures.is_installed(), reason="DCMTK's dcmp2pgm is not installed")

Array = np.ndarray[Any, Any]
RESCALED = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"}


def window(center: str, width: str, **more: str) -> Any:
    return items({"WindowCenter": center, "WindowWidth": width, **more})


def shown(name: str, state: Dataset) -> Array:
    """Return our picture of an image under a state."""
    file = pixel_files()[name]
    samples, interpretation = file.decode(0)
    description = replace(describe(file.dataset, 0), pixel_aspect=1.0, padding=None)  # DCMTK shows padding
    dataset, is_big_endian = parse_whole(to_bytes(state), 1 << 20)
    described, presentation = present(
        State(dataset, is_big_endian), file.dataset, description, 0, lambda: samples.view("u2")
    )
    return render(samples, interpretation, described, Wish(), presentation)


CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "rescale": RESCALED,
    "window": RESCALED | {"SoftcopyVOILUTSequence": window("40", "400")},
    "another window": RESCALED | {"SoftcopyVOILUTSequence": window("-100", "900")},
    "inverse": RESCALED | {"SoftcopyVOILUTSequence": window("40", "400"), "PresentationLUTShape": "INVERSE"},
    "modality table": {
        "ModalityLUTSequence": items(
            {"LUTDescriptor": [2200, 0, 16], "LUTData": [n * n // 80 for n in range(2200)], "ModalityLUTType": "US"}
        ),
        "SoftcopyVOILUTSequence": window("20000", "40000"),
    },
    "VOI table": {
        "SoftcopyVOILUTSequence": items(
            {
                "VOILUTSequence": items(
                    {"LUTDescriptor": [1000, 500, 12], "LUTData": [n * n // 245 for n in range(1000)]}
                )
            }
        ),
    },
    "presentation table": RESCALED
    | {
        "SoftcopyVOILUTSequence": window("40", "400"),
        "PresentationLUTShape": None,
        "PresentationLUTSequence": items(
            {"LUTDescriptor": [4096, 0, 12], "LUTData": [n * n // 4096 for n in range(4096)]}
        ),
    },
    "turned": RESCALED
    | {"SoftcopyVOILUTSequence": window("40", "400"), "ImageRotation": 90, "ImageHorizontalFlip": "N"},
    "turned and flipped": RESCALED
    | {"SoftcopyVOILUTSequence": window("40", "400"), "ImageRotation": 270, "ImageHorizontalFlip": "Y"},
}


@pytest.mark.parametrize("case", CASES)
def test_an_image_under_a_state_looks_as_dcmtk_shows_it(case: str, tmp_path: Path) -> None:
    file = pixel_files()["CT_small.dcm"]
    state = state_of(file.dataset, **CASES[case])
    image, stored = tmp_path / "image.dcm", tmp_path / "state.dcm"
    image.write_bytes(file.content)
    stored.write_bytes(to_bytes(state))
    theirs = dcmtk_pictures.presented(image, stored, tmp_path)
    ours = shown("CT_small.dcm", state)
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).max() <= 1
