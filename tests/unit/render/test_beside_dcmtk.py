"""What we show is what DCMTK computes from the same file with the same window, within one grey level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.render.description import Description, describe
from services.render.grayscale import is_padding, rescale
from services.render.pixels import Wish
from services.render.windows import Window
from tests import dcmtk_pictures
from tests.pixel_files import PixelFile, pixel_files
from tests.rendering import render

Array = np.ndarray[Any, Any]

pytestmark = pytest.mark.skipif(not dcmtk_pictures.is_installed(), reason="DCMTK's dcmj2pnm is not installed")

DAMAGED = "MR_truncated.dcm"
WORDS_OF_32_BITS = {"rtdose_expb.dcm", "rtdose_expb_1frame.dcm"}
"""Big-endian: DCMTK swaps the halves of each sample, pydicom and we do not."""

NOT_OF_DCMTK = {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}
"""DCMTK has no JPEG 2000."""


def grayscale() -> list[str]:
    return [
        name
        for name, file in pixel_files().items()
        if file.dataset.PhotometricInterpretation in {"MONOCHROME1", "MONOCHROME2"}
        and file.transfer_syntax_uid not in NOT_OF_DCMTK
        and name not in {DAMAGED, *WORDS_OF_32_BITS}
    ]


def prepared(file: PixelFile, index: int) -> tuple[Array, str, Description]:
    samples, interpretation = file.decode(index)
    description = describe(file.dataset, index, is_big_endian=file.is_big_endian)
    return samples, interpretation, replace(description, pixel_aspect=1.0, palette=None)


def path_of(file: PixelFile, folder: Path) -> Path:
    path = folder / "image.dcm"
    path.write_bytes(file.content)
    return path


def assert_close(ours: Array, theirs: Array, samples: Array, description: Description) -> None:
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(int) - theirs)
    difference[is_padding(samples, description)] = 0  # DCMTK shows padding, PS3.3 C.7.5.1.1.2 does not
    assert difference.max() <= 1


@pytest.mark.parametrize("name", grayscale())
def test_every_grayscale_picture_is_that_of_dcmtk(name: str, tmp_path: Path) -> None:
    file = pixel_files()[name]
    path = path_of(file, tmp_path)
    compared = 0
    for index in sorted({0, file.number_of_frames - 1}):
        samples, interpretation, description = prepared(file, index)
        values = rescale(samples, description)
        low, high = np.percentile(values, [2, 98])
        windows = [(round((low + high) / 2), max(round(high - low), 2))]
        if float(description.slope).is_integer() and float(description.intercept).is_integer():
            windows.append((float(values.mean()), 51.0))  # DCMTK rounds values, which a narrow window would magnify
        for center, width in windows:
            theirs = dcmtk_pictures.picture_of(path, "--frame", str(index + 1), "--set-window", str(center), str(width))
            if theirs is not None:
                ours = render(samples, interpretation, description, Wish(Window(center, width)))
                assert_close(ours, theirs, samples, description)
                compared += 1
    if not compared:
        pytest.skip(f"DCMTK cannot read the pixels of {name}")


@pytest.mark.parametrize("name", [name for name in grayscale() if "WindowCenter" in pixel_files()[name].dataset])
def test_every_window_that_an_image_brings_is_applied_as_by_dcmtk(name: str, tmp_path: Path) -> None:
    file = pixel_files()[name]
    path = path_of(file, tmp_path)
    samples, interpretation, description = prepared(file, 0)
    for number in range(1, len(description.windows) + 1):
        theirs = dcmtk_pictures.picture_of(path, "--use-window", str(number))
        if theirs is None:
            pytest.skip(f"DCMTK cannot read the pixels of {name}")
        voi = str(len(description.voi_tables) + number)
        assert_close(render(samples, interpretation, description, Wish(voi=voi)), theirs, samples, description)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm"])
def test_sigmoid_windows_are_those_of_dcmtk(name: str, tmp_path: Path) -> None:
    file = pixel_files()[name]
    samples, interpretation, description = prepared(file, 0)
    values = rescale(samples, description)
    center, width = float(values.mean()), float(max(values.std() * 2, 2))
    theirs = dcmtk_pictures.picture_of(
        path_of(file, tmp_path), "--set-window", str(center), str(width), "--sigmoid-function"
    )
    assert theirs is not None
    ours = render(samples, interpretation, description, Wish(Window(center, width, "SIGMOID")))
    assert_close(ours, theirs, samples, description)
