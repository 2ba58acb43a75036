from __future__ import annotations

import warnings
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.pixels import pixel_array
from pydicom.pixels.encoders import RLELosslessEncoder

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame, encode_jpeg, encode_png, is_decodable
from tests.frames import Array, described, noise, scene
from tests.pixel_files import PixelFile, pixel_files

IMPLICIT = "1.2.840.10008.1.2"
NATIVE = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
BASELINE, EXTENDED, PROGRESSIVE = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 55))
LOSSLESS, LOSSLESS_SV1 = (f"1.2.840.10008.1.2.4.{number}" for number in (57, 70))
JPEG_LS, NEAR_LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (80, 81))
JPEG_2000, JPEG_2000_LOSSY = (f"1.2.840.10008.1.2.4.{number}" for number in (90, 91))
HTJ2K = "1.2.840.10008.1.2.4.201"

# Files whose compressed pixels are those of another file, uncompressed: exact, whatever pydicom can decode here.
TWINS = {
    "MR_small_RLE.dcm": "MR_small.dcm",
    "MR_small_bigendian.dcm": "MR_small.dcm",
    "MR_small_implicit.dcm": "MR_small.dcm",
    "MR_small_jp2klossless.dcm": "MR_small.dcm",
    "MR_small_jpeg_ls_lossless.dcm": "MR_small.dcm",
    "emri_small_RLE.dcm": "emri_small.dcm",
    "emri_small_big_endian.dcm": "emri_small.dcm",
    "emri_small_jpeg_2k_lossless.dcm": "emri_small.dcm",
    "emri_small_jpeg_ls_lossless.dcm": "emri_small.dcm",
    "SC_rgb_jpeg_gdcm.dcm": "SC_rgb.dcm",
    "SC_rgb_gdcm_KY.dcm": "SC_rgb_gdcm2k_uncompressed.dcm",
    "SC_rgb_rle_16bit_2frame.dcm": "SC_rgb_16bit_2frame.dcm",
    "SC_rgb_rle_32bit_2frame.dcm": "SC_rgb_32bit_2frame.dcm",
    "693_J2KR.dcm": "693_UNCR.dcm",
    "MR2_J2KR.dcm": "MR2_UNCR.dcm",
    "RG1_J2KR.dcm": "RG1_UNCR.dcm",
    "US1_J2KR.dcm": "US1_UNCR.dcm",
    "OBXXXX1A_rle_2frame.dcm": "OBXXXX1A_2frame.dcm",
    "OBXXXX1A_expb_2frame.dcm": "OBXXXX1A_2frame.dcm",
    "gdcm-US-ALOKA-16_big.dcm": "gdcm-US-ALOKA-16.dcm",
    "liver_expb.dcm": "liver.dcm",
    "rtdose_rle.dcm": "rtdose.dcm",
}

# Damaged on purpose.
REFUSED = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "the data set declares 1024 x 256 x 1",
    "MR_truncated.dcm": "ends before the frame is complete",
}


def bits(frame: Array) -> int:
    return frame.dtype.itemsize * 8


def lossless_jpeg(frame: Array, precision: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=precision))


def oracle(file: PixelFile, index: int, photometric_interpretation: str) -> Array | None:
    """Return the frame as pydicom decodes it; None where it has no decoder here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            is_raw = photometric_interpretation.startswith("YBR")
            return pixel_array(file.dataset, index=index, raw=is_raw)
        except (RuntimeError, NotImplementedError):
            return None


@pytest.mark.parametrize("name", sorted(pixel_files()))
def test_every_file_of_pydicom_decodes_as_by_pydicom_or_is_refused_for_a_reason(name: str) -> None:
    file = pixel_files()[name]
    last = file.number_of_frames - 1
    if name in REFUSED:
        with pytest.raises(UnsupportedInstance, match=REFUSED[name]):
            file.decode(last)
        return
    samples, photometric_interpretation = file.decode(last)
    expected = oracle(file, last, photometric_interpretation)
    if expected is None:
        assert name in TWINS or is_known_by_its_looks(name)
        return
    assert samples.dtype == expected.dtype.newbyteorder("=")
    assert samples.shape == expected.shape
    is_lossy = file.transfer_syntax_uid in {BASELINE, EXTENDED, JPEG_2000_LOSSY}
    assert np.abs(samples.astype(np.int64) - expected).max() <= int(is_lossy)


def is_known_by_its_looks(name: str) -> bool:
    """Tell whether no other decoder reads it here, and it has no twin: its range of values is what is known."""
    return name in LOOKS


LOOKS: dict[str, tuple[str, int, int]] = {
    # name: (dtype, minimum, maximum) as in pydicom's own tests, or by dcmdjpeg/dcmdjpls
    "JPEG-LL.dcm": ("int16", 0, 278),
    "JPEG-lossy.dcm": ("uint16", 0, 264),
    "JPGExtended.dcm": ("uint16", 0, 264),
    "JPEGLSNearLossless_08.dcm": ("uint8", 0, 255),
    "JPEGLSNearLossless_16.dcm": ("uint16", 0, 65535),
    "JPGLosslessP14SV1_1s_1f_8b.dcm": ("uint8", 0, 255),
    "GDCMJ2K_TextGBR.dcm": ("uint8", 0, 255),
    "SC_rgb_jls_lossy_line.dcm": ("uint8", 0, 255),
    "SC_rgb_jls_lossy_sample.dcm": ("uint8", 0, 255),
    "bad_sequence.dcm": ("uint16", 13, 2267),
}


@pytest.mark.parametrize("name", sorted(LOOKS.keys() & pixel_files()))
def test_what_no_other_decoder_reads_has_the_known_range(name: str) -> None:
    samples, _ = pixel_files()[name].decode(0)
    assert (str(samples.dtype), samples.min(), samples.max()) == LOOKS[name]


@pytest.mark.parametrize(("name", "twin"), [pair for pair in TWINS.items() if set(pair) <= pixel_files().keys()])
def test_losslessly_compressed_frames_equal_their_uncompressed_twins(name: str, twin: str) -> None:
    for index in range(pixel_files()[name].number_of_frames):
        samples, photometric_interpretation = pixel_files()[name].decode(index)
        expected, _ = pixel_files()[twin].decode(index)
        np.testing.assert_array_equal(samples, expected)
        assert photometric_interpretation in {"RGB", "PALETTE COLOR", "MONOCHROME1", "MONOCHROME2"}


@pytest.mark.parametrize(
    "name", ["SC_rgb_jls_lossy_line.dcm", "SC_rgb_jls_lossy_sample.dcm", "SC_rgb_dcmtk_+eb+cr.dcm"]
)
def test_colours_of_lossy_rgb_are_those_of_the_original(name: str) -> None:
    samples, photometric_interpretation = pixel_files()[name].decode(0)
    original = pixel_files()["SC_rgb_dcmtk_ebcr_dcmd.dcm"].decode(0)[0]
    assert photometric_interpretation == "RGB"
    assert np.abs(samples.astype(int) - original).mean() < 2


# --- our own round trips ------------------------------------------------------------------------------------------


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


# --- what contradicts itself --------------------------------------------------------------------------------------


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


# --- RLE ----------------------------------------------------------------------------------------------------------


def test_an_rle_frame_with_a_segment_cut_short_is_refused() -> None:
    frame = noise(16, 16, kind="u2", high=4095)
    data = encode_rle(frame)
    with pytest.raises(UnsupportedInstance):
        decode_frame(data[:-40], RLE, **described(frame))


def test_an_rle_frame_with_a_segment_missing_is_refused() -> None:
    data = encode_rle(noise(16, 16))
    with pytest.raises(UnsupportedInstance, match="1 RLE segments where 2 are needed"):
        decode_frame(data, RLE, **described(noise(16, 16, kind="u2")))


def test_an_rle_frame_that_goes_on_for_ever_is_refused() -> None:
    data = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + b"\x81\0" * 100_000
    with pytest.raises(UnsupportedInstance):
        decode_frame(data, RLE, **described(noise(16, 16)))


def test_a_deflated_frame_that_inflates_beyond_its_size_is_refused() -> None:
    data = zlib.compress(bytes(10_000_000), wbits=-15)
    with pytest.raises(UnsupportedInstance, match="cannot be inflated"):
        decode_frame(data, DEFLATED_FRAME, **described(noise(16, 16)))


def compressed() -> list[str]:
    return sorted(name for name, file in pixel_files().items() if file.dataset["PixelData"].is_undefined_length)


@pytest.mark.parametrize("name", compressed())
def test_a_compressed_frame_that_ends_early_is_refused(name: str) -> None:
    file = pixel_files()[name]
    data, _ = file.frame(0)
    for part in (0.1, 0.5, 0.9):
        with pytest.raises(UnsupportedInstance):
            decode_frame(data[: int(len(data) * part)], file.transfer_syntax_uid, **file.attributes)


# --- damage -------------------------------------------------------------------------------------------------------

_FRAME = noise(16, 16)
_CODESTREAMS = {
    RLE: encode_rle(_FRAME),
    BASELINE: bytes(imagecodecs.jpeg8_encode(_FRAME)),
    LOSSLESS_SV1: bytes(imagecodecs.jpeg8_encode(_FRAME, lossless=True, predictor=1)),
    JPEG_LS: bytes(imagecodecs.jpegls_encode(_FRAME)),
    JPEG_2000: bytes(imagecodecs.jpeg2k_encode(_FRAME, reversible=True, codecformat="j2k")),
}


@given(st.sampled_from(sorted(_CODESTREAMS)), st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_headers_give_a_frame_of_the_right_shape_or_a_reason(syntax: str, data: st.DataObject) -> None:
    """Only headers: what native decoders do with damaged entropy-coded data is the sandbox's business."""
    stream = bytearray(_CODESTREAMS[syntax])
    position = data.draw(st.integers(0, min(len(stream), 64) - 1))
    stream[position] = data.draw(st.integers(0, 255))
    try:
        samples, _ = decode_frame(bytes(stream), syntax, **described(_FRAME))
    except UnsupportedInstance:
        return
    assert samples.shape == _FRAME.shape
    assert samples.dtype == _FRAME.dtype


@given(st.sampled_from([*sorted(_CODESTREAMS), HTJ2K, DEFLATED_FRAME, NATIVE]), st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_reason(syntax: str, data: bytes) -> None:
    with pytest.raises(UnsupportedInstance):
        decode_frame(data, syntax, **described(_FRAME))


# --- pictures -----------------------------------------------------------------------------------------------------


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
