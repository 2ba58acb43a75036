"""Makes `enhancement.jpg`: real images as they are stored and after each enhancement, side by side.

Run as ``make contact-sheet``. The images are pydicom's own test files; the pictures are made by the pipeline that
answers ``/rendered``, so the sheet shows what a reader gets.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.data import get_testdata_file

from radstream.dicom.codecs import decode_frame, encode_jpeg
from services.render.description import describe
from services.render.enhancement.steps import parse_enhancement
from services.render.lettering import write_lines
from services.render.pixels import Wish, fitted, shaded

Array = npt.NDArray[Any]

SIDE: Final = 320
QUALITY: Final = 80
SHEET: Final = Path(__file__).with_name("enhancement.jpg")

ROWS: Final = {
    "RG1_UNCR.dcm": ("", "auto", "unsharp", "detail", "clahe", "film"),
    "RG3_UNCR.dcm": ("", "auto", "unsharp", "detail", "clahe", "film"),
    "693_UNCR.dcm": ("", "auto", "brain,denoise", "brain,detail", "brain,clahe", "bone,detail"),
    "explicit_VR-UN.dcm": ("", "auto", "auto,denoise", "auto,denoise,detail", "auto,clahe", "liver,denoise"),
    "MR2_UNCR.dcm": ("", "auto", "denoise", "detail", "clahe", "denoise,detail,clahe"),
    "US1_UNCR.dcm": ("", "unsharp", "denoise", "detail", "clahe", "denoise,detail,clahe"),
}
"""Files of pydicom, and what is done to each."""


def main() -> None:
    """Write the sheet beside this file."""
    logging.disable()
    warnings.simplefilter("ignore")
    rows = [np.concatenate([tile(name, steps) for steps in row], axis=1) for name, row in ROWS.items()]
    SHEET.write_bytes(encode_jpeg(np.concatenate(rows), QUALITY))


def tile(name: str, steps: str) -> Array:
    """Return a picture of `SIDE` x `SIDE`, RGB."""
    dataset = pydicom.dcmread(str(get_testdata_file(name)))
    description = describe(dataset, 0)
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    is_encapsulated = dataset["PixelData"].is_undefined_length
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)) if is_encapsulated else None
    samples, kind = decode_frame(frame or dataset.PixelData, syntax, **description.attributes)
    wish = Wish(box=(SIDE, SIDE), enhancement=parse_enhancement(steps) if steps else ())
    picture = fitted(shaded(samples, kind, description, wish), description, wish)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if not steps:
        picture = write_lines(picture, ["AS STORED"], "bottom right")
    framed = np.zeros((SIDE, SIDE, 3), np.uint8)
    top, left = (SIDE - picture.shape[0]) // 2, (SIDE - picture.shape[1]) // 2
    framed[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return framed


if __name__ == "__main__":
    main()
