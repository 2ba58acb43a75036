"""OHIF opens every file of pydicom that has a picture: something is drawn, and every request is answered well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import Browser
from tests.own_studies import Alone, own_studies
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ULTRASOUND_RETIRED = "its SOP class is Ultrasound Image Storage (Retired), which OHIF does not know"
SEGMENTED_PALETTE = "OHIF knows no segmented palettes; it shows the thumbnail that we draw"
NO_SPACING = "its Pixel Spacing is 0\\0: OHIF draws a picture of no size; it shows the thumbnail that we draw"
SEGMENTATION = "a segmentation is shown over the image that it refers to, which is not here"
RLE_OF_32_BITS = "OHIF decodes no RLE of 32 bits: unsupported pixel format for RLE"
NATIVE_422 = "OHIF does not draw uncompressed YBR_FULL_422"
DAMAGED = "its codestream is damaged: there is not even a thumbnail"
THIRTY_TWO = ("SC_rgb_rle_32bit", "SC_rgb_rle_32bit_2frame", "rtdose_rle", "rtdose_rle_1frame")
NOT_DRAWN: dict[str, str] = {
    "JPEG2000-embedded-sequence-delimiter.dcm": DAMAGED,
    **dict.fromkeys((f"{name}.dcm" for name in THIRTY_TWO), RLE_OF_32_BITS),
    "SC_ybr_full_422_uncompressed.dcm": NATIVE_422,
    **dict.fromkeys(("color-pl.dcm", "color-px.dcm"), ULTRASOUND_RETIRED),
    **dict.fromkeys(("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"), SEGMENTED_PALETTE),
    **dict.fromkeys((f"RG1_{form}.dcm" for form in ("J2KI", "J2KR", "UNCI", "UNCR")), NO_SPACING),
    **dict.fromkeys(("liver.dcm", "liver_expb.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm"), SEGMENTATION),
}
"""What OHIF itself does not show, whoever serves it."""

SAME = [
    ("693_J2KR", "693_UNCR"),
    ("MR2_J2KR", "MR2_UNCR"),
    ("OBXXXX1A", "OBXXXX1A_expb", "OBXXXX1A_rle"),
    ("RG3_J2KR", "RG3_UNCR"),
    ("SC_rgb", "SC_rgb_expb", "SC_rgb_rle"),
    ("emri_small", "emri_small_RLE", "emri_small_big_endian", "emri_small_jpeg_ls_lossless"),
    ("MR_small", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR_small_jp2klossless"),
]
"""Files that hold the same pixels, in other transfer syntaxes."""

NAMES = sorted(one.name for one in own_studies() if one.has_frames)


@pytest.fixture(scope="module")
def pictures() -> dict[str, float]:
    """The hash of each picture that was drawn, by the name of its file without suffix."""
    return {}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all files, which keeps what OHIF is made of."""
    opened = Browser()
    yield opened
    opened.close()


@pytest.mark.parametrize("name", NAMES)
def test_file_that_has_a_picture_is_drawn(
    system: System, stored: dict[str, Alone], browser: Browser, pictures: dict[str, float], name: str
) -> None:
    one = stored[name]
    browser.traffic()  # whatever a page before has left
    browser.do("goto", url=f"{system.base}/ohif/viewer?StudyInstanceUIDs={one.study_instance_uid}")
    if name in NOT_DRAWN:
        browser.wait("document.querySelector('[data-cy=studyBrowser-panel]') !== null", 60)
        failed = browser.failed_requests()
        assert failed == [] or NOT_DRAWN[name] == DAMAGED
        return
    browser.wait_for_picture(90)
    pictures[name.removesuffix(".dcm")] = (browser.picture() or {})["hash"]
    assert browser.failures() == []


@pytest.mark.parametrize("names", SAME, ids=lambda names: names[0])
def test_same_pixels_are_the_same_picture_in_every_transfer_syntax(
    pictures: dict[str, float], names: tuple[str, ...]
) -> None:
    drawn = {pictures[name] for name in names if name in pictures}
    if not drawn:
        pytest.skip("none of them was drawn in this run")
    assert len(drawn) == 1
