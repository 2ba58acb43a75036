"""What a codestream says otherwise than the data set: mended where there is no doubt, refused where there is."""

from typing import Any

import imagecodecs
import numpy as np
import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame, is_decodable
from tests.frames import described, lossless_jpeg, noise, scene
from tests.syntaxes import BASELINE, HTJ2K, JPEG_2000, JPEG_LS, LOSSLESS_SV1, NATIVE


def test_a_sign_that_the_codestream_does_not_know_is_mended() -> None:
    frame = np.array([[-4096, -2000, -1, 0, 4095]], np.int16).repeat(8, 0)
    data = imagecodecs.jpeg2k_encode(
        (frame & 0x1FFF).astype("u2"), reversible=True, codecformat="j2k", bitspersample=13
    )
    samples, _ = decode_frame(data, JPEG_2000, **described(frame, bits_stored=13))
    np.testing.assert_array_equal(samples, frame)


def test_a_sign_that_only_the_codestream_knows_is_taken_away() -> None:
    frame = np.array([[0, 1, 40000, 65535]], np.uint16).repeat(8, 0)
    data = imagecodecs.jpeg2k_encode(frame.view("i2"), reversible=True, codecformat="j2k")
    samples, _ = decode_frame(data, JPEG_2000, **described(frame))
    np.testing.assert_array_equal(samples, frame)


def test_a_sign_in_doubt_is_refused() -> None:
    frame = np.array([[0, 3000, 4095]], np.uint16).repeat(8, 0)
    data = imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k", bitspersample=12)
    with pytest.raises(UnsupportedInstance, match="contradicts Pixel Representation"):
        decode_frame(data, JPEG_2000, **described(frame, pixel_representation=1))


def test_few_bits_without_doubt_are_signed_ones() -> None:
    frame = np.array([[0, 1000, 2047]], np.int16).repeat(8, 0)
    data = imagecodecs.jpeg2k_encode(frame.view("u2"), reversible=True, codecformat="j2k", bitspersample=12)
    samples, _ = decode_frame(data, JPEG_2000, **described(frame))
    np.testing.assert_array_equal(samples, frame)


@pytest.mark.parametrize(("outcolorspace", "label"), [("YCBCR", "RGB"), ("RGB", "YBR_FULL_422"), ("RGB", "YBR_FULL")])
def test_a_jpeg_that_says_otherwise_than_the_data_set_is_refused(outcolorspace: str, label: str) -> None:
    frame = scene()
    data = imagecodecs.jpeg8_encode(frame, 90, colorspace="RGB", outcolorspace=outcolorspace)
    with pytest.raises(UnsupportedInstance, match=f"Photometric Interpretation is {label}, but the codestream says"):
        decode_frame(data, BASELINE, **described(frame, photometric_interpretation=label))


@pytest.mark.parametrize("label", ["", "MONOCHROME2", "YBR_ICT", "HSV"])
def test_a_jpeg_of_colours_that_jpeg_does_not_have_is_refused(label: str) -> None:
    frame = scene()
    with pytest.raises(UnsupportedInstance, match="JPEG frames are not"):
        decode_frame(imagecodecs.jpeg8_encode(frame), BASELINE, **described(frame, photometric_interpretation=label))


@pytest.mark.parametrize(("mct", "label"), [(False, "YBR_RCT"), (False, "YBR_ICT"), (True, "YBR_FULL")])
def test_a_component_transform_that_is_not_as_declared_is_refused(mct: bool, label: str) -> None:
    frame = noise(16, 16, 3)
    data = imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k", mct=mct)
    with pytest.raises(UnsupportedInstance, match=f"Photometric Interpretation is {label}"):
        decode_frame(data, JPEG_2000, **described(frame, photometric_interpretation=label))


@pytest.mark.parametrize("changes", [{"rows": 17}, {"columns": 15}, {"samples_per_pixel": 3}])
@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (BASELINE, imagecodecs.jpeg8_encode),
        (LOSSLESS_SV1, lambda frame: imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1)),
        (JPEG_LS, imagecodecs.jpegls_encode),
        (JPEG_2000, lambda frame: imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k")),
        (HTJ2K, lambda frame: imagecodecs.htj2k_encode(frame, reversible=True)),
    ],
    ids=["baseline", "lossless", "jpeg-ls", "jpeg-2000", "htj2k"],
)
def test_a_codestream_of_another_size_is_refused(changes: dict[str, int], syntax: str, encode: Any) -> None:
    frame = noise(16, 16)
    with pytest.raises(UnsupportedInstance, match="the data set declares"):
        decode_frame(bytes(encode(frame)), syntax, **described(frame, **changes))


def test_a_codestream_that_claims_billions_of_pixels_is_refused_by_its_header() -> None:
    frame = noise(16, 16)
    data = bytearray(imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k"))
    data[8:16] = (0x40000000).to_bytes(4, "big") * 2
    with pytest.raises(UnsupportedInstance, match="the data set declares 16 x 16 x 1"):
        decode_frame(bytes(data), JPEG_2000, **described(frame))


def test_more_bits_than_are_allocated_are_refused() -> None:
    frame = noise(16, 16, kind="u2", high=65535)
    data = imagecodecs.jpegls_encode(frame)
    with pytest.raises(UnsupportedInstance, match="more than Bits Allocated"):
        decode_frame(bytes(data), JPEG_LS, **described(noise(16, 16)))


def test_samples_larger_than_the_codestream_allows_itself_are_refused() -> None:
    frame = noise(16, 16, kind="u2", high=65535)
    with pytest.raises(UnsupportedInstance, match="larger than its 12 bits"):
        decode_frame(lossless_jpeg(frame, 12), LOSSLESS_SV1, **described(frame))


def test_a_frame_larger_than_the_cap_is_refused_before_anything_is_read() -> None:
    attributes = described(np.zeros((1, 1), "u2"), rows=65535, columns=65535)
    with pytest.raises(UnsupportedInstance, match="larger than"):
        decode_frame(b"", NATIVE, **attributes)
    with pytest.raises(UnsupportedInstance, match="larger than the 10 allowed"):
        decode_frame(bytes(100), NATIVE, max_samples=10, **described(noise(4, 4)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": 0}, "Rows or Columns"),
        ({"samples_per_pixel": 4}, "Samples per Pixel is 4"),
        ({"bits_allocated": 12}, "Bits Allocated is 12"),
        ({"bits_allocated": 64}, "Bits Allocated is 64"),
        ({"bits_stored": 9}, "do not fit"),
        ({"bits_stored": 0}, "do not fit"),
        ({"bits_stored": 4, "high_bit": 2}, "do not fit"),
        ({"pixel_representation": 2}, "Pixel Representation is 2"),
        ({"planar_configuration": 2}, "Planar Configuration is 2"),
        ({"is_float": True}, "Bits Allocated is 8"),
    ],
)
def test_attributes_that_mean_nothing_are_refused(changes: dict[str, int], reason: str) -> None:
    with pytest.raises(UnsupportedInstance, match=reason):
        decode_frame(bytes(16), NATIVE, **described(noise(4, 4), **changes))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.92", "1.2.3"])
def test_other_syntaxes_are_refused_by_name(syntax: str) -> None:
    assert not is_decodable(syntax)
    with pytest.raises(UnsupportedInstance, match=syntax):
        decode_frame(bytes(16), syntax, **described(noise(4, 4)))
