"""The frames in pydicom's own test files, cut out by pydicom: input and oracle of the tests about pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import get_frame

from radstream.dicom.codecs import decode_frame
from radstream.dicom.image_pixel import FrameAttributes, image_pixel
from radstream.dicom.native import are_bytes_swapped, frame_bits, swap_bytes
from tests.samples import samples


@dataclass(frozen=True)
class PixelFile:
    """A file with Pixel Data."""

    name: str
    content: bytes
    dataset: pydicom.Dataset
    transfer_syntax_uid: str

    @property
    def is_big_endian(self) -> bool:
        return self.transfer_syntax_uid == "1.2.840.10008.1.2.2"

    @property
    def number_of_frames(self) -> int:
        return int(self.dataset.get("NumberOfFrames") or 1)

    @property
    def attributes(self) -> FrameAttributes:
        ds = self.dataset
        return FrameAttributes(
            rows=ds.Rows,
            columns=ds.Columns,
            samples_per_pixel=ds.SamplesPerPixel,
            bits_allocated=ds.BitsAllocated,
            bits_stored=ds.BitsStored,
            high_bit=ds.HighBit,
            pixel_representation=ds.PixelRepresentation,
            photometric_interpretation=ds.PhotometricInterpretation,
            planar_configuration=int(ds.get("PlanarConfiguration") or 0),
        )

    def frame(self, index: int) -> tuple[bytes, int]:
        """Return the bytes of a frame, and in which bit of the first one it begins."""
        element = self.dataset["PixelData"]
        if element.is_undefined_length:
            return get_frame(element.value, index, number_of_frames=self.number_of_frames), 0
        bits = frame_bits(image_pixel(**self.attributes))
        is_swapped = are_bytes_swapped(self.transfer_syntax_uid, element.VR, self.dataset.BitsAllocated)
        data = swap_bytes(element.value) if is_swapped else element.value
        return data[index * bits // 8 : -(-(index + 1) * bits // 8)], index * bits % 8

    def decode(self, index: int) -> tuple[np.ndarray[Any, Any], str]:
        data, bit_offset = self.frame(index)
        return decode_frame(data, self.transfer_syntax_uid, bit_offset=bit_offset, **self.attributes)


@cache
def pixel_files() -> dict[str, PixelFile]:
    """Return every readable file with Pixel Data and a countable number of frames, by name."""
    files = {}
    for sample in samples():
        content = sample.path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(sample.path)
            is_image = sample.transfer_syntax_uid and "PixelData" in dataset and "Rows" in dataset
        if is_image and sample.name != "badVR.dcm":  # its number of frames is "1A"
            files[sample.name] = PixelFile(sample.name, content, dataset, sample.transfer_syntax_uid)
    return files
