"""Every file of pydicom is decoded as pydicom does, and as its uncompressed twin."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pydicom.pixels import pixel_array

from radstream.contract.errors import UnsupportedInstance
from tests.frames import Array
from tests.pixel_files import PixelFile, pixel_files
from tests.syntaxes import BASELINE, EXTENDED, JPEG_2000_LOSSY

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
