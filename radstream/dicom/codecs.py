"""From the bytes of a frame to its sample values, in the transfer syntaxes of still images; and to JPEG and PNG.

It trusts nobody: the codestream's own header must agree with the data set before a decoder runs, since decoders
allocate what the codestream declares, and a picture of contradictions may be wrong.
Decoders are native code: run this in a worker process if the bytes come from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Unpack

import numpy as np

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.codec_calls import call
from radstream.dicom.codestream import (
    Codestream,
    read_jpeg,
    read_jpeg_2000,
    rle_segments,
    unwrap_jpeg_2000,
)
from radstream.dicom.deflate import inflate
from radstream.dicom.image_pixel import FrameAttributes, ImagePixel, image_pixel
from radstream.dicom.jpeg_2000_limits import refuse_impossible_jpeg_2000
from radstream.dicom.jpeg_ends import decode_jpeg
from radstream.dicom.jpeg_xl import size_of_jpeg_xl
from radstream.dicom.native import Samples, frame_bits, reinterpret, to_stored_values, unpack
from radstream.dicom.ybr import from_ybr_partial

MAX_SAMPLES: Final = 1 << 28
"""Rows x Columns x Samples per Pixel that are decoded unless the caller says otherwise."""

_JPEG_COLOURS: Final = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422"})
"""Of lossy JPEG (PS3.5 8.2.1)."""

_TRANSFORMED: Final = frozenset({"YBR_RCT", "YBR_ICT"})
"""Of JPEG 2000, undone by its decoders (PS3.5 8.2.4)."""

Decoded = tuple[Samples, str]
Decoder = Callable[[bytes, ImagePixel, int], Decoded]


def decode_frame(
    data: bytes,
    transfer_syntax_uid: str,
    *,
    bit_offset: int = 0,
    max_samples: int = MAX_SAMPLES,
    **attributes: Unpack[FrameAttributes],
) -> Decoded:
    """Return the stored values of one frame, and what they are.

    Parameters
    ----------
    data : bytes
        The frame: one codestream, or a native frame without its neighbours.
    transfer_syntax_uid : str
        Of the data set.
    bit_offset : int
        Of the frame in its first byte; other than 0 only for native frames of 1-bit pixels.
    max_samples : int
        Cap on Rows x Columns x Samples per Pixel.
    **attributes
        Those of the Image Pixel Macro, see `FrameAttributes`.

    Returns
    -------
    samples : ndarray
        Shape (rows, columns) or (rows, columns, 3); unsigned, signed or floating, of the allocated bits (1-bit pixels
        take a byte), in the byte order of this machine, sign-extended from Bits Stored.
    photometric_interpretation : str
        After decoding: RGB where the decoder undid a colour transform.

    Raises
    ------
    UnsupportedInstance
        If the transfer syntax is not decoded, the codestream is damaged, or it contradicts the attributes.

    References
    ----------
    PS3.5 8 (encoding of pixel data), A.4 (encapsulation); PS3.3 C.7.6.3.
    """
    pixel = image_pixel(**attributes)
    if pixel.samples > max_samples:
        raise UnsupportedInstance(f"a frame of {pixel.samples} samples is larger than the {max_samples} allowed here")
    decoder = _DECODERS.get(transfer_syntax_uid)
    if decoder is None:
        raise UnsupportedInstance(f"frames of transfer syntax {transfer_syntax_uid} are not decoded")
    samples, photometric_interpretation = decoder(data, pixel, bit_offset)
    if samples.shape != pixel.shape:
        raise UnsupportedInstance("the decoded frame has not the size that the data set declares")
    return samples, photometric_interpretation


def is_decodable(transfer_syntax_uid: str) -> bool:
    """Tell whether `decode_frame` knows the transfer syntax."""
    return transfer_syntax_uid in _DECODERS


def decoded_interpretation(pixel: ImagePixel, transfer_syntax_uid: str) -> str:
    """Return the Photometric Interpretation that `decode_frame` will give, without decoding."""
    decoder = _DECODERS.get(transfer_syntax_uid)
    if decoder is _jpeg:
        return "RGB" if pixel.samples_per_pixel == 3 else pixel.photometric_interpretation
    if decoder in (_jpeg_xl, _recompressed_jpeg):
        return "RGB" if pixel.samples_per_pixel == 3 else pixel.photometric_interpretation
    if decoder in (_jpeg_2000, _htj2k):
        return "RGB" if pixel.photometric_interpretation in _TRANSFORMED else pixel.photometric_interpretation
    return pixel.photometric_interpretation if decoder in (_rle, _lossless_jpeg, _jpeg_ls) else _after_expansion(pixel)


def encode_jpeg(picture: Samples, quality: int) -> bytes:
    """Return a baseline JPEG of `picture`, uint8 of shape (rows, columns) or (rows, columns, 3) RGB.

    Chrominance is not subsampled: coloured text and overlays on medical pictures are one pixel wide.
    """
    colour: dict[str, Any] = {"subsampling": "444"} if picture.ndim == 3 else {}
    return call("jpeg8_encode", np.ascontiguousarray(picture), level=quality, **colour)


def encode_png(picture: Samples) -> bytes:
    """Return a PNG of `picture`, uint8 of shape (rows, columns) or (rows, columns, 3) RGB."""
    return call("png_encode", np.ascontiguousarray(picture), level=3)


def _little_endian(data: bytes, pixel: ImagePixel, bit_offset: int) -> Decoded:
    return _expanded(unpack(data, pixel, bit_offset=bit_offset), pixel)


def _big_endian(data: bytes, pixel: ImagePixel, bit_offset: int) -> Decoded:
    return _expanded(unpack(data, pixel, is_big_endian=True, bit_offset=bit_offset), pixel)


def _deflated(data: bytes, pixel: ImagePixel, bit_offset: int) -> Decoded:
    """Deflated Image Frame Compression, PS3.5 A.4.13."""
    try:
        return _little_endian(inflate(data, frame_bits(pixel) // 8 + 16), pixel, bit_offset)
    except RejectedInstance as error:
        raise UnsupportedInstance(f"the frame cannot be inflated: {error}") from error


def _rle(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    """RLE Lossless, PS3.5 G: one segment for each byte of each sample, the highest byte first, always in planes."""
    if pixel.is_subsampled or pixel.is_float or pixel.bits_allocated == 1:
        raise UnsupportedInstance("RLE Lossless does not carry such pixels")
    size, area = pixel.bits_allocated // 8, pixel.rows * pixel.columns
    segments = rle_segments(data, size * pixel.samples_per_pixel)
    planes = np.empty((pixel.samples_per_pixel, area, size), np.uint8)
    for number, segment in enumerate(segments):
        decoded = call("packbits_decode", segment, out=bytearray(area + 2))  # some segments are padded with zeros
        if len(decoded) < area:
            raise UnsupportedInstance("an RLE segment ends before the frame is complete")
        planes[number // size, :, size - 1 - number % size] = np.frombuffer(decoded, np.uint8, area)
    words = planes.reshape(-1).view(f"<u{size}").astype(f"u{size}", copy=False)
    samples = to_stored_values(words, pixel).reshape(-1, pixel.rows, pixel.columns)
    return (samples[0] if len(samples) == 1 else np.moveaxis(samples, 0, 2)), pixel.photometric_interpretation


def _jpeg(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    """Lossy JPEG, ISO/IEC 10918-1: baseline, extended of 8 and 12 bits, progressive; Huffman or arithmetic coding."""
    codestream = _agreed(read_jpeg(data), pixel)
    if pixel.samples_per_pixel == 1:
        return reinterpret(decode_jpeg(data), codestream.precision, pixel), pixel.photometric_interpretation
    if pixel.photometric_interpretation not in _JPEG_COLOURS:
        raise UnsupportedInstance(f"JPEG frames are not {pixel.photometric_interpretation or 'of unknown colours'}")
    is_rgb = pixel.photometric_interpretation == "RGB"
    if codestream.colour and (codestream.colour == "RGB") != is_rgb:
        raise _contradiction(pixel, codestream)
    samples = decode_jpeg(data, colorspace="RGB" if is_rgb else "YCBCR", outcolorspace="RGB")
    return reinterpret(samples, codestream.precision, pixel), "RGB"


def _lossless_jpeg(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    """JPEG process 14, ISO/IEC 10918-1 H: what goes in comes out, so nothing is converted."""
    codestream = _agreed(read_jpeg(data), pixel)
    samples = (
        decode_jpeg(data, colorspace="RGB", outcolorspace="RGB") if codestream.components == 3 else decode_jpeg(data)
    )
    return reinterpret(samples, codestream.precision, pixel), pixel.photometric_interpretation


def _jpeg_ls(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    codestream = _agreed(read_jpeg(data), pixel)
    samples = call("jpegls_decode", data)
    return reinterpret(samples, codestream.precision, pixel), pixel.photometric_interpretation


def _jpeg_2000(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    return _wavelet("jpeg2k_decode", data, pixel, numthreads=1)


def _htj2k(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    return _wavelet("htj2k_decode", data, pixel, planar=False)


def _wavelet(decoder: str, data: bytes, pixel: ImagePixel, **options: object) -> Decoded:
    data = unwrap_jpeg_2000(data)
    codestream = _agreed(read_jpeg_2000(data), pixel)
    refuse_impossible_jpeg_2000(data)
    is_transformed = pixel.photometric_interpretation in _TRANSFORMED
    # RGB with the component transform is a wrong label that does no harm: decoders undo the transform in any case.
    is_to_agree = pixel.samples_per_pixel == 3 and pixel.photometric_interpretation != "RGB"
    if is_to_agree and is_transformed != (codestream.colour == "YBR"):
        raise _contradiction(pixel, codestream)
    samples = reinterpret(call(decoder, data, **options), codestream.precision, pixel)
    return samples, "RGB" if is_transformed else pixel.photometric_interpretation


def _jpeg_xl(data: bytes, pixel: ImagePixel, _bit_offset: int) -> Decoded:
    """JPEG XL, ISO/IEC 18181-1; colours come out as RGB whatever they were coded in."""
    size = size_of_jpeg_xl(data)
    if size != (pixel.rows, pixel.columns):
        raise UnsupportedInstance(f"the codestream has {size[0]} x {size[1]} pixels, not those that are declared")
    samples = np.asarray(call("jpegxl_decode", data, numthreads=1))
    if samples.dtype.kind != "u" or pixel.is_float or pixel.high_bit != pixel.bits_stored - 1:
        raise UnsupportedInstance("the codestream cannot carry pixels as the data set declares them")
    precision = min(pixel.bits_stored, samples.dtype.itemsize * 8)
    interpretation = "RGB" if pixel.samples_per_pixel == 3 else pixel.photometric_interpretation
    return reinterpret(samples, precision, pixel), interpretation


def _recompressed_jpeg(data: bytes, pixel: ImagePixel, bit_offset: int) -> Decoded:
    """JPEG XL JPEG Recompression: the JPEG codestream that it was made of comes out, bit for bit."""
    return _jpeg(bytes(call("jpegxl_decode_jpeg", data)), pixel, bit_offset)


def _agreed(codestream: Codestream, pixel: ImagePixel) -> Codestream:
    """Return `codestream` if it has the size that the data set declares."""
    declared = (pixel.rows, pixel.columns, pixel.samples_per_pixel)
    found = (codestream.rows, codestream.columns, codestream.components)
    if found != declared:
        raise UnsupportedInstance(f"the codestream has {_size(found)} samples, the data set declares {_size(declared)}")
    if pixel.is_float or pixel.bits_allocated == 1 or pixel.high_bit != pixel.bits_stored - 1:
        raise UnsupportedInstance("the codestream cannot carry pixels as the data set declares them")
    return codestream


def _contradiction(pixel: ImagePixel, codestream: Codestream) -> UnsupportedInstance:
    found = codestream.colour or "no colour transform"
    return UnsupportedInstance(
        f"Photometric Interpretation is {pixel.photometric_interpretation}, but the codestream says {found}"
    )


def _size(size: tuple[int, int, int]) -> str:
    return " x ".join(map(str, size))


def _expanded(samples: Samples, pixel: ImagePixel) -> Decoded:
    """Return samples with a chrominance for each pixel; YBR_PARTIAL_422 has no name without subsampling: as RGB."""
    if pixel.photometric_interpretation == "YBR_PARTIAL_422":
        if samples.dtype != np.uint8:
            raise UnsupportedInstance("YBR_PARTIAL_422 has 8 bits a sample")
        return from_ybr_partial(samples), "RGB"
    return samples, _after_expansion(pixel)


def _after_expansion(pixel: ImagePixel) -> str:
    known = {"YBR_FULL_422": "YBR_FULL", "YBR_PARTIAL_422": "RGB"}
    return known.get(pixel.photometric_interpretation, pixel.photometric_interpretation)


_DECODERS: Final[dict[str, Decoder]] = {
    "1.2.840.10008.1.2": _little_endian,
    "1.2.840.10008.1.2.1": _little_endian,
    "1.2.840.10008.1.2.1.98": _little_endian,  # Encapsulated Uncompressed
    "1.2.840.10008.1.2.1.99": _little_endian,  # Deflated: the data set as a whole is inflated by then
    "1.2.840.10008.1.2.2": _big_endian,
    "1.2.840.113619.5.2": _big_endian,  # GE private: implicit VR little endian, but for the pixels
    "1.2.840.10008.1.2.5": _rle,
    "1.2.840.10008.1.2.8.1": _deflated,
    "1.2.840.10008.1.2.4.50": _jpeg,  # Baseline
    "1.2.840.10008.1.2.4.51": _jpeg,  # Extended, 8 and 12 bits
    "1.2.840.10008.1.2.4.52": _jpeg,  # Extended with arithmetic coding, retired as the next four
    "1.2.840.10008.1.2.4.53": _jpeg,  # Spectral Selection
    "1.2.840.10008.1.2.4.54": _jpeg,  # the same with arithmetic coding
    "1.2.840.10008.1.2.4.55": _jpeg,  # Full Progression
    "1.2.840.10008.1.2.4.56": _jpeg,  # the same with arithmetic coding
    "1.2.840.10008.1.2.4.57": _lossless_jpeg,
    "1.2.840.10008.1.2.4.70": _lossless_jpeg,
    "1.2.840.10008.1.2.4.80": _jpeg_ls,
    "1.2.840.10008.1.2.4.81": _jpeg_ls,
    "1.2.840.10008.1.2.4.90": _jpeg_2000,
    "1.2.840.10008.1.2.4.91": _jpeg_2000,
    "1.2.840.10008.1.2.4.110": _jpeg_xl,
    "1.2.840.10008.1.2.4.111": _recompressed_jpeg,
    "1.2.840.10008.1.2.4.112": _jpeg_xl,
    "1.2.840.10008.1.2.4.201": _htj2k,
    "1.2.840.10008.1.2.4.202": _htj2k,
    "1.2.840.10008.1.2.4.203": _htj2k,
}
