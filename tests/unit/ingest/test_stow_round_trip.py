"""Every real data set as metadata and bulk data, stored again: pydicom sees the same in it, element for element."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from radstream.dicom.values import to_little_endian
from tests.described import JSON_RELATED, XML_RELATED, described_sample, json_request, read, xml_request
from tests.dicom_bytes import BIG
from tests.samples import Sample, samples
from tests.stow_door import Door

SPECIFIC_CHARACTER_SET = 0x00080005  # of which the value is ISO_IR 192 now
FIRST_PIXEL_DATA = 0x7FE00008  # pixels have tests of their own, and what is behind them is no header
CUT_OFF = "emri_small_jpeg_2k_lossless_too_short.dcm"  # pydicom sees nothing in it
SAMPLES = [sample for sample in samples() if sample.is_storable and sample.name != CUT_OFF]


def seen(ds: Dataset, *, is_big_endian: bool = False) -> dict[int, Any]:
    """Return what pydicom reads, without what means nothing: padding, group lengths, empty ends of names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        elements = [element for element in ds if element.tag.element and element.tag < FIRST_PIXEL_DATA]
    return {
        int(element.tag): _plain(element.value, element.VR if is_big_endian else "")
        for element in elements
        if element.tag != SPECIFIC_CHARACTER_SET
    }


def _plain(value: Any, big_endian_vr: str) -> Any:
    if isinstance(value, Dataset):
        return seen(value, is_big_endian=bool(big_endian_vr))
    if isinstance(value, bytes):
        return (to_little_endian(value, big_endian_vr) if big_endian_vr else value).rstrip(b"\0")
    if isinstance(value, PersonName | str):
        return str(value).rstrip("\0 =^") or None
    if isinstance(value, MultiValue | Sequence):
        values = [_plain(each, big_endian_vr) for each in value]
        return values or None
    return value


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
async def test_nothing_is_lost_or_changed(door: Door, sample: Sample) -> None:
    attributes, parts = described_sample(sample)
    answers = [
        await door.post(json_request(attributes, parts=parts), JSON_RELATED),
        await door.post(xml_request(attributes, parts=parts), XML_RELATED),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    original = seen(read(sample.path), is_big_endian=sample.transfer_syntax_uid == BIG)
    for blob in door.stored:
        assert seen(read(blob)) == original
