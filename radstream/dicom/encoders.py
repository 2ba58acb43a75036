"""From sample values to the bytes of a frame, in every transfer syntax that can be encoded.

What is lossless is bit for bit the same after decoding; `radstream.dicom.transcode` looks whether it is. Loss is only
for who asks for a lossy transfer syntax by its UID.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np

from radstream.dicom.codec_calls import call
from radstream.dicom.image_pixel import ImagePixel
from radstream.dicom.native import Samples

JPEG_QUALITY: Final = 90
"""Of lossy JPEG, 1 to 100."""

NEAR: Final = 1
"""Of near-lossless JPEG-LS: a sample differs by twice as much at most, by as much if it is not black or white."""

JPEG_2000_DB: Final = 65
"""Peak signal-to-noise ratio of lossy JPEG 2000, in dB."""

HTJ2K_STEP: Final = 1 / 4096
"""Quantization step of lossy HTJ2K, as a part of the range of Bits Stored."""

SMALLEST_RESOLUTION: Final = 64
"""Side of the lowest resolution of HTJ2K with RPCL options in pixels, at most."""

_DEEPEST: Final = 32
_RLE_HEADER: Final = struct.Struct("<16I")


def rle(samples: Samples, pixel: ImagePixel) -> bytes:
    """RLE Lossless, PS3.5 G: each byte of each sample in a segment of its own, the highest first; rows end runs."""
    size = pixel.bits_allocated // 8
    words = np.ascontiguousarray(samples, f">{samples.dtype.kind}{size}")
    bytes_of = words.view(np.uint8).reshape(pixel.rows, pixel.columns, -1)
    separate = (np.ascontiguousarray(bytes_of[..., number]) for number in range(bytes_of.shape[2]))
    segments = [_even(call("packbits_encode", plane)) for plane in separate]
    offsets = np.cumsum([_RLE_HEADER.size, *map(len, segments[:-1])]).tolist()
    return _RLE_HEADER.pack(len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


def _even(data: bytes) -> bytes:
    return bytes(data) + b"\0" * (len(data) % 2)


def jpeg_baseline(samples: Samples, pixel: ImagePixel) -> bytes:
    """JPEG Baseline; colours with half the chrominance in a row, as YBR_FULL_422 says."""
    return _lossy_jpeg(samples, pixel, 8)


def jpeg_extended(samples: Samples, pixel: ImagePixel) -> bytes:
    """JPEG Extended of 12 bits."""
    return _lossy_jpeg(samples, pixel, 12)


def _lossy_jpeg(samples: Samples, pixel: ImagePixel, precision: int) -> bytes:
    options: dict[str, Any] = {"level": JPEG_QUALITY, "bitspersample": precision}
    if pixel.samples_per_pixel == 3:
        given = "RGB" if pixel.photometric_interpretation == "RGB" else "YCBCR"
        options |= {"colorspace": given, "outcolorspace": "YCBCR", "subsampling": "422"}
    return bytes(call("jpeg8_encode", np.ascontiguousarray(samples), **options))


def jpeg_lossless(samples: Samples, pixel: ImagePixel) -> bytes:
    """JPEG Process 14, selection value 1: the stored bits of each sample, colours as they are."""
    precision = max(pixel.bits_stored, 2)
    colours: dict[str, Any] = {"colorspace": "RGB", "outcolorspace": "RGB"} if pixel.samples_per_pixel == 3 else {}
    words = _unsigned(samples)
    stored = words & words.dtype.type((1 << precision) - 1)
    return bytes(call("jpeg8_encode", stored, lossless=True, predictor=1, bitspersample=precision, **colours))


def jpeg_ls(samples: Samples, _pixel: ImagePixel) -> bytes:
    """JPEG-LS without loss; the codestream has as many bits as are allocated."""
    return _jpeg_ls(samples, 0)


def jpeg_ls_near(samples: Samples, pixel: ImagePixel) -> bytes:
    """JPEG-LS with samples that differ by twice `NEAR` at most, and stay within Bits Stored."""
    return _jpeg_ls(samples.clip(NEAR, (1 << pixel.bits_stored) - 1 - NEAR), NEAR)


def _jpeg_ls(samples: Samples, near: int) -> bytes:
    # Noise takes more than it had, which the library does not expect unless it is told.
    return bytes(call("jpegls_encode", _unsigned(samples), level=near, out=2 * samples.nbytes + 4096))


def jpeg_2000(samples: Samples, pixel: ImagePixel) -> bytes:
    """JPEG 2000 without loss; RGB by way of the reversible component transform."""
    return _jpeg_2000(samples, pixel, level=0, reversible=True)


def jpeg_2000_lossy(samples: Samples, pixel: ImagePixel) -> bytes:
    """JPEG 2000 with the irreversible transform."""
    return _jpeg_2000(samples, pixel, level=JPEG_2000_DB, reversible=False)


def _jpeg_2000(samples: Samples, pixel: ImagePixel, **options: Any) -> bytes:
    is_rgb = pixel.photometric_interpretation == "RGB"
    precision = max(pixel.bits_stored, 2)
    options |= {"codecformat": "j2k", "bitspersample": precision, "mct": is_rgb, "numthreads": 1}
    return bytes(call("jpeg2k_encode", np.ascontiguousarray(samples), **options))


def htj2k(samples: Samples, pixel: ImagePixel) -> bytes:
    """HTJ2K without loss; RGB by way of the reversible component transform."""
    return _htj2k(samples, pixel, reversible=True)


def htj2k_rpcl(samples: Samples, pixel: ImagePixel) -> bytes:
    """HTJ2K without loss, by resolution, with the lengths of tile parts and a small lowest resolution."""
    side, shrinking = max(pixel.rows, pixel.columns), 1
    while side > SMALLEST_RESOLUTION << shrinking and shrinking < _DEEPEST:
        shrinking += 1
    return _htj2k(samples, pixel, reversible=True, tlm=True, tilepart=1, resolutions=shrinking)


def htj2k_lossy(samples: Samples, pixel: ImagePixel) -> bytes:
    """HTJ2K with the irreversible transform."""
    step = HTJ2K_STEP * (1 << pixel.bits_stored) / (1 << 8 * samples.dtype.itemsize)
    return _htj2k(samples, pixel, reversible=False, level=step)


def _htj2k(samples: Samples, pixel: ImagePixel, **options: Any) -> bytes:
    is_rgb = pixel.photometric_interpretation == "RGB"
    return bytes(call("htj2k_encode", np.ascontiguousarray(samples), rgb=is_rgb, planar=False, **options))


def _unsigned(samples: Samples) -> Samples:
    return np.ascontiguousarray(samples).view(f"u{samples.dtype.itemsize}")
