"""Frames without compression, and what is common to all: from bits to sample values. Pure numpy.

See PS3.5 8.1.1: the bits of a container beyond Bits Stored hold nothing that may be relied on, so they are cut off and
the sign is put in their place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.image_pixel import ImagePixel
from radstream.dicom.syntaxes import encoding_of

Samples = npt.NDArray[Any]


def frame_bits(pixel: ImagePixel) -> int:
    """Return how many bits a native frame takes; frames of 1-bit pixels need not start at a byte."""
    samples = pixel.rows * pixel.columns * 2 if pixel.is_subsampled else pixel.samples
    return samples * pixel.bits_allocated


def are_bytes_swapped(transfer_syntax_uid: str, vr: str, bits_allocated: int) -> bool:
    """Tell whether single bytes lie in big-endian words: the first pixel is the second byte (PS3.5 8.1.2, A.3)."""
    return vr == "OW" and bits_allocated <= 8 and not encoding_of(transfer_syntax_uid).is_little_endian


def swap_bytes(words: bytes) -> bytes:
    """Return the bytes in the order of pixels; see `are_bytes_swapped`."""
    return np.frombuffer(words, np.uint16, len(words) // 2).byteswap().tobytes()


def unpack(data: bytes, pixel: ImagePixel, *, is_big_endian: bool = False, bit_offset: int = 0) -> Samples:
    """Return the sample values of a native frame.

    Parameters
    ----------
    data : bytes
        At least the frame; what follows is padding.
    bit_offset : int
        Of the frame in the first byte, for 1-bit pixels.

    Returns
    -------
    ndarray
        Of `pixel.shape`, in the byte order of this machine; subsampled chrominance repeated.

    Raises
    ------
    UnsupportedInstance
        If `data` ends inside the frame.
    """
    if len(data) * 8 < frame_bits(pixel) + bit_offset:
        raise UnsupportedInstance("Pixel Data ends before the frame is complete")
    if pixel.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[bit_offset : bit_offset + pixel.samples].reshape(pixel.shape)
    kind = "f" if pixel.is_float else "u"
    container = np.dtype(f"{'>' if is_big_endian else '<'}{kind}{pixel.bits_allocated // 8}")
    words = np.frombuffer(data, container, frame_bits(pixel) // pixel.bits_allocated)
    words = words.astype(container.newbyteorder("="), copy=False)
    return arrange(words if pixel.is_float else to_stored_values(words, pixel), pixel)


def arrange(samples: Samples, pixel: ImagePixel) -> Samples:
    """Return flat `samples` in the shape of the frame: planes interleaved, subsampled chrominance repeated."""
    if pixel.samples_per_pixel == 1:
        return samples.reshape(pixel.shape)
    if pixel.is_subsampled:
        return _repeat_chrominance(samples, pixel)
    if pixel.planar_configuration == 1:
        return np.moveaxis(samples.reshape(3, pixel.rows, pixel.columns), 0, 2)
    return samples.reshape(pixel.shape)


def _repeat_chrominance(samples: Samples, pixel: ImagePixel) -> Samples:
    """Expand Y1 Y2 Cb Cr of two pixels in a row (PS3.3 C.7.6.3.1.2)."""
    if pixel.columns % 2 or pixel.planar_configuration != 0:
        raise UnsupportedInstance("subsampling needs an even number of Columns and Planar Configuration 0")
    pairs = samples.reshape(-1, 4)
    expanded = np.empty((len(pairs), 2, 3), samples.dtype)
    expanded[:, :, 0] = pairs[:, :2]
    expanded[:, :, 1:] = pairs[:, None, 2:]
    return expanded.reshape(pixel.shape)


def to_stored_values(words: Samples, pixel: ImagePixel) -> Samples:
    """Return what Bits Stored, High Bit and Pixel Representation make of whole unsigned containers."""
    return cut(words, pixel.high_bit, pixel.bits_stored, pixel.is_signed)


def cut(words: Samples, high_bit: int, bits_stored: int, is_signed: bool) -> Samples:
    """Return the values in the `bits_stored` bits up to `high_bit` of unsigned `words`, same size of container."""
    size = words.dtype.itemsize
    if bits_stored == size * 8:
        return words.view(f"i{size}") if is_signed else words
    if is_signed:
        return (words << (size * 8 - 1 - high_bit)).view(f"i{size}") >> (size * 8 - bits_stored)
    shift = high_bit + 1 - bits_stored
    return (words >> shift if shift else words) & words.dtype.type((1 << bits_stored) - 1)


def reinterpret(samples: Samples, precision: int, pixel: ImagePixel) -> Samples:
    """Return decoded `samples` of a codestream as the data set describes them.

    JPEG and JPEG-LS cannot say that samples are signed, and JPEG 2000 encoders often say it wrongly. With as many bits
    as are stored there is no doubt: Pixel Representation says what they mean. With fewer bits than that, only samples
    whose highest bit is clear mean the same either way.

    Raises
    ------
    UnsupportedInstance
        If the samples do not fit in Bits Allocated, or their sign is in doubt.
    """
    if precision > max(pixel.bits_allocated, 8):
        raise UnsupportedInstance(f"the codestream has {precision} bits a sample, more than Bits Allocated")
    if samples.dtype.kind == "u" and precision < samples.dtype.itemsize * 8 and int(samples.max()) >> precision:
        raise UnsupportedInstance(f"the codestream has samples that are larger than its {precision} bits")
    if precision < pixel.bits_stored and (samples.dtype.kind == "i") != pixel.is_signed:
        limit = 1 << (precision - 1) if pixel.is_signed else 0
        if samples.max() >= limit if pixel.is_signed else samples.min() < limit:
            raise UnsupportedInstance("the codestream contradicts Pixel Representation, and has fewer bits than stored")
    words = samples.astype(f"u{max(pixel.bits_allocated, 8) // 8}", copy=False)
    bits = min(precision, pixel.bits_stored)
    return cut(words, bits - 1, bits, pixel.is_signed)
