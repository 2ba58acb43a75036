"""Frames that we encode ourselves come back as they went in, from every transfer syntax and container."""

import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame, encode_jpeg, encode_png
from tests.frames import Array, bits, described, encode_rle, lossless_jpeg, noise, scene
from tests.syntaxes import (
    BASELINE,
    BIG_ENDIAN,
    DEFLATED_FRAME,
    EXTENDED,
    HTJ2K,
    IMPLICIT,
    JPEG_2000,
    JPEG_LS,
    LOSSLESS,
    LOSSLESS_SV1,
    NATIVE,
    RLE,
)


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("syntax", [IMPLICIT, NATIVE, BIG_ENDIAN])
def test_native_frames_of_every_container_come_back(kind: str, syntax: str) -> None:
    info = np.iinfo(kind)
    frame = noise(5, 7, kind=kind, low=info.min, high=info.max)
    frame[0, :2] = info.min, info.max
    data = frame.astype(frame.dtype.newbyteorder(">" if syntax == BIG_ENDIAN else "<")).tobytes()
    samples, _ = decode_frame(data, syntax, **described(frame))
    np.testing.assert_array_equal(samples, frame)
    assert samples.dtype == frame.dtype


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_floating_point_frames_come_back(kind: str) -> None:
    frame = np.linspace(-1e6, 1e6, 12).reshape(3, 4).astype(kind)
    samples, _ = decode_frame(frame.tobytes(), NATIVE, **described(frame, is_float=True))
    np.testing.assert_array_equal(samples, frame)


def test_bits_above_bits_stored_are_cut_off_and_the_sign_is_extended() -> None:
    words = np.array([[0xF800, 0x07FF, 0x0FFF, 0x8001]], "<u2")
    signed = described(words, bits_stored=12, pixel_representation=1)
    unsigned = described(words, bits_stored=12)
    assert decode_frame(words.tobytes(), NATIVE, **signed)[0].tolist() == [[-2048, 2047, -1, 1]]
    assert decode_frame(words.tobytes(), NATIVE, **unsigned)[0].tolist() == [[0x800, 0x7FF, 0xFFF, 1]]


def test_samples_in_the_high_bits_are_moved_down() -> None:
    words = np.array([[0x8000, 0x7FF0]], "<u2")
    assert decode_frame(words.tobytes(), NATIVE, **described(words, bits_stored=12, high_bit=15))[0].tolist() == [
        [0x800, 0x7FF]
    ]
    signed = described(words, bits_stored=12, high_bit=15, pixel_representation=1)
    assert decode_frame(words.tobytes(), NATIVE, **signed)[0].tolist() == [[-2048, 2047]]


def test_frames_of_single_bits_may_begin_in_the_middle_of_a_byte() -> None:
    ones = noise(3, 3, 3, high=1)  # three frames of nine pixels: 27 bits
    data = np.packbits(ones.reshape(-1), bitorder="little").tobytes()
    for index in range(3):
        attributes = described(ones[index], bits_allocated=1, bits_stored=1)
        samples, _ = decode_frame(data[index * 9 // 8 :], NATIVE, bit_offset=index * 9 % 8, **attributes)
        np.testing.assert_array_equal(samples, ones[index])


def test_planes_are_interleaved() -> None:
    frame = scene(8)
    data = np.ascontiguousarray(frame.transpose(2, 0, 1)).tobytes()
    samples, _ = decode_frame(data, NATIVE, **described(frame, planar_configuration=1))
    np.testing.assert_array_equal(samples, frame)


def test_subsampled_chrominance_is_repeated_for_both_pixels() -> None:
    data = bytes([10, 20, 100, 200, 30, 40, 110, 210])
    attributes = described(np.zeros((1, 4, 3), "u1"), photometric_interpretation="YBR_FULL_422")
    samples, photometric_interpretation = decode_frame(data, NATIVE, **attributes)
    assert samples.tolist() == [[[10, 100, 200], [20, 100, 200], [30, 110, 210], [40, 110, 210]]]
    assert photometric_interpretation == "YBR_FULL"


@pytest.mark.parametrize("changes", [{"planar_configuration": 1}, {"columns": 3}])
def test_subsampled_frames_that_cannot_be_are_refused(changes: dict[str, int]) -> None:
    attributes = described(np.zeros((2, 4, 3), "u1"), photometric_interpretation="YBR_FULL_422", **changes)
    with pytest.raises(UnsupportedInstance, match="even number of Columns"):
        decode_frame(bytes(24), NATIVE, **attributes)


@pytest.mark.parametrize("kind", ["u1", "u2", "i2"])
@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (
            LOSSLESS,
            lambda frame: imagecodecs.jpeg8_encode(frame, lossless=True, predictor=4, bitspersample=bits(frame)),
        ),
        (LOSSLESS_SV1, lambda frame: lossless_jpeg(frame, bits(frame))),
        (JPEG_LS, imagecodecs.jpegls_encode),
        (JPEG_2000, lambda frame: imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k")),
        (HTJ2K, lambda frame: imagecodecs.htj2k_encode(frame, reversible=True)),
        (RLE, None),
        (DEFLATED_FRAME, lambda frame: zlib.compress(frame.tobytes(), wbits=-15)),
    ],
    ids=["lossless", "sv1", "jpeg-ls", "jpeg-2000", "htj2k", "rle", "deflated"],
)
def test_every_lossless_syntax_gives_back_what_went_in(kind: str, syntax: str, encode: Any) -> None:
    info = np.iinfo(kind)
    frame = noise(24, 40, kind=kind, low=info.min, high=info.max)
    frame[0, :2] = info.min, info.max
    is_wavelet = syntax in {JPEG_2000, HTJ2K}
    stored = frame if is_wavelet or frame.dtype.kind == "u" else frame.view("u2")
    data = encode_rle(frame) if syntax == RLE else encode(stored)
    samples, _ = decode_frame(bytes(data), syntax, **described(frame))
    np.testing.assert_array_equal(samples, frame)
    assert samples.dtype == frame.dtype


@pytest.mark.parametrize(
    ("syntax", "encode", "label"),
    [
        (JPEG_2000, lambda f: imagecodecs.jpeg2k_encode(f, reversible=True, codecformat="j2k", mct=True), "YBR_RCT"),
        (JPEG_2000, lambda f: imagecodecs.jpeg2k_encode(f, reversible=True, codecformat="j2k", mct=True), "RGB"),
        (JPEG_2000, lambda f: imagecodecs.jpeg2k_encode(f, reversible=True, codecformat="j2k", mct=False), "RGB"),
        (JPEG_2000, lambda f: imagecodecs.jpeg2k_encode(f, reversible=True, codecformat="jp2", mct=True), "YBR_RCT"),
        (HTJ2K, lambda f: imagecodecs.htj2k_encode(f, reversible=True), "YBR_RCT"),
        (JPEG_LS, imagecodecs.jpegls_encode, "RGB"),
        (LOSSLESS_SV1, lambda f: imagecodecs.jpeg8_encode(f, lossless=True, predictor=1, colorspace="RGB"), "RGB"),
        (RLE, encode_rle, "RGB"),
    ],
    ids=["rct", "rct labelled RGB", "no transform", "in a JP2 file", "htj2k", "jpeg-ls", "lossless", "rle"],
)
def test_colour_survives_every_lossless_syntax(syntax: str, encode: Any, label: str) -> None:
    frame = noise(20, 30, 3)
    samples, found = decode_frame(bytes(encode(frame)), syntax, **described(frame, photometric_interpretation=label))
    np.testing.assert_array_equal(samples, frame)
    assert found == "RGB"


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_jpeg_in_ybr_becomes_rgb(subsampling: str) -> None:
    frame = scene(64)
    data = imagecodecs.jpeg8_encode(frame, 95, colorspace="RGB", outcolorspace="YCBCR", subsampling=subsampling)
    samples, found = decode_frame(data, BASELINE, **described(frame, photometric_interpretation="YBR_FULL_422"))
    assert found == "RGB"
    assert np.abs(samples.astype(int) - frame).mean() < 4


def test_jpeg_in_rgb_stays_rgb() -> None:
    frame = scene(64)
    data = imagecodecs.jpeg8_encode(frame, 95, colorspace="RGB", outcolorspace="RGB")
    samples, found = decode_frame(data, BASELINE, **described(frame))
    assert found == "RGB"
    assert np.abs(samples.astype(int) - frame).mean() < 4


def test_jpeg_of_12_bits_keeps_them() -> None:
    y, x = np.mgrid[0:32, 0:32]
    frame = (x * 64 + y * 60).astype(np.uint16)
    data = imagecodecs.jpeg8_encode(frame, 98, bitspersample=12)
    samples, _ = decode_frame(data, EXTENDED, **described(frame, bits_stored=12))
    assert samples.dtype == np.uint16
    assert np.abs(samples.astype(int) - frame).max() < 40


def test_jpeg_of_8_bits_in_16_is_widened() -> None:
    frame = np.ascontiguousarray(scene()[..., 0])
    data = imagecodecs.jpeg8_encode(frame, 98)
    samples, _ = decode_frame(data, EXTENDED, **described(frame, bits_allocated=16, bits_stored=8))
    assert samples.dtype == np.uint16
    assert samples.max() <= 255


@pytest.mark.parametrize("picture", [scene()[..., 0], scene()], ids=["grey", "rgb"])
def test_png_keeps_every_pixel(picture: Array) -> None:
    data = encode_png(picture)
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(imagecodecs.png_decode(data), picture)


@pytest.mark.parametrize("picture", [scene(64)[..., 0], scene(64)], ids=["grey", "rgb"])
def test_jpeg_is_near_to_the_picture_and_smaller_with_less_quality(picture: Array) -> None:
    good, poor = encode_jpeg(picture, 95), encode_jpeg(picture, 20)
    assert good.startswith(b"\xff\xd8")
    assert len(poor) < len(good)
    assert np.abs(imagecodecs.jpeg8_decode(good).astype(int) - picture).mean() < 3
