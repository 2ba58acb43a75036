"""Synthetic frames for the tests of codecs, and the attributes that describe them."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
from pydicom.pixels.encoders import RLELosslessEncoder

from radstream.dicom.image_pixel import FrameAttributes

Array = np.ndarray[Any, Any]


def described(samples: Array, **changes: object) -> FrameAttributes:
    """Return the attributes of a frame of `samples`."""
    bits = samples.dtype.itemsize * 8
    attributes: dict[str, object] = {
        "rows": samples.shape[0],
        "columns": samples.shape[1],
        "samples_per_pixel": 3 if samples.ndim == 3 else 1,
        "bits_allocated": bits,
        "bits_stored": bits,
        "pixel_representation": int(samples.dtype.kind == "i"),
        "photometric_interpretation": "RGB" if samples.ndim == 3 else "MONOCHROME2",
        "planar_configuration": 0,
    }
    return attributes | changes  # type: ignore[return-value]


def noise(*shape: int, kind: str = "u1", low: int = 0, high: int = 255) -> Array:
    return np.random.default_rng(7).integers(low, high, shape, endpoint=True).astype(kind)


def scene(size: int = 32) -> Array:
    """Return a smooth RGB picture, which survives lossy codecs."""
    y, x = np.mgrid[0:size, 0:size] * 255 // size
    return np.stack([x, y, 255 - x], axis=2).astype(np.uint8)


def bits(frame: Array) -> int:
    return frame.dtype.itemsize * 8


def lossless_jpeg(frame: Array, precision: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=precision))


def encode_rle(frame: Array) -> bytes:
    """Return `frame` encoded by pydicom."""
    attributes = described(frame)
    return RLELosslessEncoder.encode(
        frame.tobytes(),
        rows=attributes["rows"],
        columns=attributes["columns"],
        samples_per_pixel=attributes["samples_per_pixel"],
        bits_allocated=attributes["bits_allocated"],
        bits_stored=attributes["bits_stored"],
        pixel_representation=attributes["pixel_representation"],
        photometric_interpretation=attributes["photometric_interpretation"],
        planar_configuration=0,
        number_of_frames=1,
        encoding_plugin="pydicom",
    )
