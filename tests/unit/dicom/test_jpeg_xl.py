from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from radstream.dicom.jpeg_xl import size_of_jpeg_xl
from tests.frames import Array, described, noise, scene

LOSSLESS, RECOMPRESSED, LOSSY = (f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112))


@pytest.mark.parametrize(
    ("frame", "changes"),
    [
        (noise(33, 47), {}),
        (noise(33, 47, kind="u2", high=65535), {}),
        (noise(33, 47, kind="u2", high=4095), {"bits_stored": 12}),
        (noise(33, 47, kind="i2", low=-32768, high=32767), {}),
        (noise(33, 47, 3), {}),
        (noise(8, 8, 3), {"photometric_interpretation": "YBR_RCT"}),
    ],
    ids=["8 bits", "16 bits", "12 bits", "signed", "RGB", "transformed"],
)
@pytest.mark.parametrize("has_precision", [False, True])
def test_what_goes_in_losslessly_comes_out(frame: Array, changes: dict[str, object], has_precision: bool) -> None:
    attributes = described(frame, **changes)
    precision = {"bitspersample": attributes["bits_stored"]} if has_precision else {}
    unsigned = frame.view(f"u{frame.itemsize}")
    data = imagecodecs.jpegxl_encode(unsigned, lossless=True, **precision)
    samples, interpretation = decode_frame(data, LOSSLESS, **attributes)
    np.testing.assert_array_equal(samples, frame)
    assert samples.dtype == frame.dtype
    assert interpretation == ("RGB" if frame.ndim == 3 else "MONOCHROME2")


def test_a_lossy_codestream_is_nearly_what_went_in() -> None:
    frame = scene(64)
    samples, interpretation = decode_frame(imagecodecs.jpegxl_encode(frame, level=95), LOSSY, **described(frame))
    assert interpretation == "RGB"
    assert np.abs(samples.astype(int) - frame).mean() < 3


@pytest.mark.parametrize("is_coloured", [False, True])
def test_a_recompressed_jpeg_is_the_jpeg(is_coloured: bool) -> None:
    frame = scene(64) if is_coloured else np.ascontiguousarray(scene(64)[..., 0])
    jpeg = imagecodecs.jpeg8_encode(frame, 90)
    label = {"photometric_interpretation": "YBR_FULL"} if is_coloured else {}
    expected, _ = decode_frame(jpeg, "1.2.840.10008.1.2.4.50", **described(frame, **label))
    found, _ = decode_frame(imagecodecs.jpegxl_encode_jpeg(jpeg), RECOMPRESSED, **described(frame, **label))
    np.testing.assert_array_equal(found, expected)


@given(rows=st.integers(1, 600), columns=st.integers(1, 600), is_boxed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_size_is_read_from_the_first_bits(rows: int, columns: int, is_boxed: bool) -> None:
    data = imagecodecs.jpegxl_encode(np.zeros((rows, columns), np.uint8), usecontainer=is_boxed, effort=1)
    assert size_of_jpeg_xl(data) == (rows, columns)


@pytest.mark.parametrize("changes", [{"rows": 17}, {"columns": 15}])
def test_another_size_is_refused_before_it_is_decoded(changes: dict[str, object]) -> None:
    frame = noise(16, 16)
    with pytest.raises(UnsupportedInstance, match="16 x 16 pixels"):
        decode_frame(imagecodecs.jpegxl_encode(frame), LOSSLESS, **described(frame, **changes))


@pytest.mark.parametrize("data", [b"", b"\xff\x0a", b"\xff\xd8\xff", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\0", bytes(40)])
@pytest.mark.parametrize("syntax", [LOSSLESS, RECOMPRESSED, LOSSY])
def test_what_is_no_codestream_is_refused(data: bytes, syntax: str) -> None:
    with pytest.raises(UnsupportedInstance):
        decode_frame(data, syntax, **described(noise(16, 16)))
