"""Frames that are damaged, end early or never were any: a frame of the right shape, or a reason."""

import zlib

import imagecodecs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from tests.frames import described, encode_rle, noise
from tests.pixel_files import pixel_files
from tests.syntaxes import BASELINE, DEFLATED_FRAME, HTJ2K, JPEG_2000, JPEG_LS, LOSSLESS_SV1, NATIVE, RLE


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
