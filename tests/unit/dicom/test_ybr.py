from __future__ import annotations

import numpy as np
import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from radstream.dicom.ybr import from_ybr_full, from_ybr_partial
from tests.frames import described, noise

NATIVE = "1.2.840.10008.1.2.1"

# PS3.3 C.7.6.3.1.2, as printed there.
FULL = np.array([[0.2990, 0.5870, 0.1140], [-0.1687, -0.3313, 0.5000], [0.5000, -0.4187, -0.0813]])
PARTIAL = np.array([[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]])


def test_the_formulas_of_the_standard_are_undone() -> None:
    rgb = noise(20, 30, 3).astype(float)
    for matrix, zero, undo in ((FULL, [0, 128, 128], from_ybr_full), (PARTIAL, [16, 128, 128], from_ybr_partial)):
        ybr = np.clip(np.rint(rgb @ matrix.T + zero), 0, 255).astype(np.uint8)
        assert np.abs(undo(ybr).astype(float) - rgb).max() <= 2  # of 8 bits, rounded twice


def test_partial_black_and_white_become_whole_ones() -> None:
    data = bytes([16, 235, 128, 128])
    attributes = described(np.zeros((1, 2, 3), "u1"), photometric_interpretation="YBR_PARTIAL_422")
    samples, interpretation = decode_frame(data, NATIVE, **attributes)
    assert interpretation == "RGB"
    assert samples.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_partial_frames_of_other_depths_are_refused() -> None:
    attributes = described(np.zeros((1, 2, 3), "u2"), photometric_interpretation="YBR_PARTIAL_422")
    with pytest.raises(UnsupportedInstance, match="8 bits"):
        decode_frame(bytes(8), NATIVE, **attributes)
