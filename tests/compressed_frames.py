"""Compressed frames of every transfer syntax that is decoded, with the header that goes with each."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.compressions import COMPRESSIONS
from radstream.dicom.image_pixel import FrameAttributes, image_pixel
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.dicom.transcode import FrameOrder, attributes_of, transcode_frame, transcoded_form
from services.render.task import Order, Task
from tests.pixel_files import pixel_files

DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
JPEG_XL = ("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.112")
LONGEST_BYTES = 200_000
DAMAGED = "JPEG2000-embedded-sequence-delimiter.dcm"


@dataclass(frozen=True)
class CompressedFrame:
    """A sound frame."""

    name: str
    transfer_syntax_uid: str
    header: bytes
    data: bytes

    def task(self, data: bytes, **wanted: Any) -> Task:
        """Return the task that renders `data` in the place of the frame."""
        order = Order(transfer_syntax_uid=self.transfer_syntax_uid, is_encapsulated=True, **wanted)
        return Task(order, self.header, data)


@cache
def compressed_frames() -> tuple[CompressedFrame, ...]:
    """Return first frames of pydicom's files, and synthetic ones in every syntax that can be made."""
    return (*_real(), *_made(_gray(), "gray"), *_made(_colour(), "colour"))


def _real() -> list[CompressedFrame]:
    frames = []
    for name, file in pixel_files().items():
        is_shown = name != DAMAGED and file.attributes["photometric_interpretation"] != "PALETTE COLOR"
        if file.dataset["PixelData"].is_undefined_length and is_shown:
            data, _ = file.frame(0)
            if 64 < len(data) <= LONGEST_BYTES:
                header = _header(file.attributes)
                frames.append(CompressedFrame(name, file.transfer_syntax_uid, header, data))
    return frames


Plain = tuple[np.ndarray[Any, Any], FrameAttributes]


def _gray() -> Plain:
    y, x = np.mgrid[0:96, 0:80]
    noise = np.random.default_rng(1).integers(0, 40, x.shape)
    return (1000 + 8 * x + 5 * y + noise).astype(np.uint16), _attributes(96, 80, 1, 12)


def _colour() -> Plain:
    y, x = np.mgrid[0:64, 0:72]
    return np.stack([x * 3, y * 3, (x + y) % 256], axis=-1).astype(np.uint8), _attributes(64, 72, 3, 8)


def _attributes(rows: int, columns: int, samples: int, bits: int) -> FrameAttributes:
    return FrameAttributes(
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        bits_allocated=8 if bits == 8 else 16,
        bits_stored=bits,
        high_bit=bits - 1,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2" if samples == 1 else "RGB",
        planar_configuration=0,
    )


def _made(plain: Plain, name: str) -> list[CompressedFrame]:
    samples, attributes = plain
    data, frames = samples.tobytes(), []
    for target in COMPRESSIONS:
        order = FrameOrder(source=EXPLICIT_VR_LITTLE_ENDIAN, target=target, attributes=attributes)
        try:
            encoded = transcode_frame(data, order)
        except UnsupportedInstance:
            continue  # a syntax that does not carry such pixels
        form = transcoded_form(image_pixel(**attributes), EXPLICIT_VR_LITTLE_ENDIAN, target)
        frames.append(CompressedFrame(name, target, _header(attributes_of(form)), encoded))
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    others = {DEFLATED_FRAMES: deflate.compress(data) + deflate.flush()}
    others |= {syntax: imagecodecs.jpegxl_encode(samples, lossless=syntax == JPEG_XL[0]) for syntax in JPEG_XL}
    return frames + [CompressedFrame(name, syntax, _header(attributes), encoded) for syntax, encoded in others.items()]


def _header(attributes: FrameAttributes) -> bytes:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    ds.Rows, ds.Columns = attributes["rows"], attributes["columns"]
    ds.SamplesPerPixel = attributes["samples_per_pixel"]
    ds.PhotometricInterpretation = attributes["photometric_interpretation"]
    ds.BitsAllocated, ds.BitsStored = attributes["bits_allocated"], attributes["bits_stored"]
    ds.HighBit, ds.PixelRepresentation = attributes["high_bit"], attributes["pixel_representation"]
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = attributes["planar_configuration"]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = EXPLICIT_VR_LITTLE_ENDIAN
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()
