from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from tests.frames import Array, described, noise, scene

BASELINE, PROGRESSIVE, LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 55, 57))


def progressive(frame: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=90, progressive=True)
    return file.getvalue()


GREY = np.ascontiguousarray(scene(64)[..., 0])
CODESTREAMS = [
    (BASELINE, GREY, imagecodecs.jpeg8_encode(GREY, 90)),
    (BASELINE, scene(64), imagecodecs.jpeg8_encode(scene(64), 90, colorspace="RGB", outcolorspace="RGB")),
    (PROGRESSIVE, GREY, progressive(GREY)),
    (LOSSLESS, noise(40, 50), imagecodecs.jpeg8_encode(noise(40, 50), lossless=True, predictor=1, bitspersample=8)),
]


@pytest.mark.parametrize(("syntax", "frame", "data"), CODESTREAMS)
def test_a_codestream_that_lacks_nothing_but_its_end_marker_is_decoded(syntax: str, frame: Array, data: bytes) -> None:
    whole, _ = decode_frame(data, syntax, **described(frame))
    for padding in (b"", b"\0", b"\0\0\0"):
        samples, _ = decode_frame(data.removesuffix(b"\xff\xd9") + padding, syntax, **described(frame))
        np.testing.assert_array_equal(samples, whole)


@pytest.mark.parametrize("missing", [2, 3, 5, 20, 100])
@pytest.mark.parametrize(("syntax", "frame", "data"), CODESTREAMS)
def test_a_codestream_that_lacks_more_is_refused(syntax: str, frame: Array, data: bytes, missing: int) -> None:
    with pytest.raises(UnsupportedInstance, match=r"ends early|failed"):
        decode_frame(data[: -2 - missing], syntax, **described(frame))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_every_selection_value_of_lossless_jpeg_gives_back_what_went_in(predictor: int, kind: str) -> None:
    frame = noise(24, 40, kind=kind, high=np.iinfo(kind).max)
    data = imagecodecs.jpeg8_encode(frame, lossless=True, predictor=predictor, bitspersample=frame.itemsize * 8)
    np.testing.assert_array_equal(decode_frame(data, LOSSLESS, **described(frame))[0], frame)
