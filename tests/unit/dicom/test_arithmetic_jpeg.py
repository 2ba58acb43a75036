"""JPEG with arithmetic coding (processes 3 and 5, 7 and 9, 11 and 13): retired, and decoded all the same.

Each codestream was made by jpegtran of libjpeg-turbo from the baseline one: the same coefficients, coded otherwise.
So both have the same samples.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from radstream.dicom.image_pixel import FrameAttributes

GREY_BASELINE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABwYI/8QAHxAAAAYBBQAAAAAAAAAAAAAAAAEDBQYVByIjMTJR/9oACAEBAAA/"
    "AK9hyStTltH18BHO8krWJ7R8+DQTDGWGmLUn1BJO4yw2J60+R//Z"
)
GREY_SEQUENTIAL = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/yQALCAAQABABAREA/8wABgAQEAX/2gAIAQEAAD8A0mLGUgybxUimHR6f8rLVff0AeJuFJMSXia23Ifr+m3DuqGWd3ntI/9k="
)
GREY_PROGRESSIVE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/ygALCAAQABABAREA/8wABAAQ/9oACAEBAAAAAdHXu1+VqkD/zAAEEAX/2gAIAQEAAQUCFU3Q0pOVsmmYQQRftTBK/8wABBAF/9oACAEB"
    "AAY/Al4ZWf/MAAQQBf/aAAgBAQABPyG8bMB0c5D/2gAIAQEAAAAQ8P/MAAQQBf/aAAgBAQABPxAnsWjpvnmwXP/Z"
)
COLOUR_BASELINE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/wAARCAAQABAD"
    "AREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAABQEE/8QAIxAAAQMBCAMAAAAAAAAAAAAAAQACBgUDFBUiIzEyQVFhsf/EABYBAQEBAAAAAAAA"
    "AAAAAAAAAAUHBv/EACARAAECBgMBAAAAAAAAAAAAAAABBQIDBAYUMRESMkH/2gAMAwEAAhEDEQA/AMEanFriztM8T17CPdrLl8+vppY6hcJB+STi"
    "1up0zt4TrBZcvrsmtTULkEjVCpGLOzM4n6FgXZ7cudLsqEcuDCQeklCpF1OZmydYHty66UmlTLgyD//Z"
)
COLOUR_SEQUENTIAL = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/yQARCAAQABAD"
    "AREAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD+b/SuXtzfKF0Da9TqRH2O+xJ4rKnrb1sPzeA1YTSOuVA1tDOTXHT1balswJkGRe9m"
    "qjp233uTQ98juRlA6xJMuImRQfLVW+J092ikfla+P7mCjpSuMXHZ/9k="
)
COLOUR_PROGRESSIVE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/ygARCAAQABAD"
    "AREAAhEBAxEB/8wABgAQARD/2gAMAwEAAhADEAAAAfwsTdw8vYU0usiP8zNc/8wABBAF/9oACAEBAAEFAhVrexL+I354dE3goOD/zAAEEQX/2gAI"
    "AQMBAT8BJo/svq7DSSfi/8wABBEF/9oACAECAQE/ATmo8R9ZWiRTupVJfepQgP/MAAQQBf/aAAgBAQAGPwJeH//MAAQQBf/aAAgBAQABPyFcrfUf"
    "eqgI/9oADAMBAAIAAwAAABDHiP/MAAQRBf/aAAgBAwEBPxDAiYMg/8wABBEF/9oACAECAQE/EFcLm0AED1D/zAAEEAX/2gAIAQEAAT8QvJepq8cz"
    "XmrXgZP/2Q=="
)


def attributes(samples_per_pixel: int) -> FrameAttributes:
    return FrameAttributes(
        rows=16,
        columns=16,
        samples_per_pixel=samples_per_pixel,
        bits_allocated=8,
        bits_stored=8,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2" if samples_per_pixel == 1 else "YBR_FULL",
        planar_configuration=0,
    )


@pytest.mark.parametrize(
    ("syntax", "grey", "colour"),
    [
        ("1.2.840.10008.1.2.4.52", GREY_SEQUENTIAL, COLOUR_SEQUENTIAL),
        ("1.2.840.10008.1.2.4.54", GREY_PROGRESSIVE, COLOUR_PROGRESSIVE),
        ("1.2.840.10008.1.2.4.56", GREY_PROGRESSIVE, COLOUR_PROGRESSIVE),
    ],
)
def test_arithmetic_coding_gives_the_samples_of_the_baseline(syntax: str, grey: bytes, colour: bytes) -> None:
    samples, _ = decode_frame(grey, syntax, **attributes(1))
    np.testing.assert_array_equal(samples, np.asarray(Image.open(io.BytesIO(GREY_BASELINE))))
    samples, interpretation = decode_frame(colour, syntax, **attributes(3))
    np.testing.assert_array_equal(samples, np.asarray(Image.open(io.BytesIO(COLOUR_BASELINE))))
    assert interpretation == "RGB"


@pytest.mark.parametrize("data", [GREY_SEQUENTIAL, GREY_PROGRESSIVE])
def test_a_codestream_that_ends_early_is_no_picture(data: bytes) -> None:
    with pytest.raises(UnsupportedInstance):
        decode_frame(data[: len(data) * 3 // 4], "1.2.840.10008.1.2.4.52", **attributes(1))
