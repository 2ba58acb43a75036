"""Every real data set as metadata and bulk data, stored again: pydicom sees the same in it, element for element."""

from __future__ import annotations

import pytest

from tests.described import JSON_RELATED, XML_RELATED, described_sample, json_request, read, xml_request
from tests.dicom_bytes import BIG
from tests.samples import Sample, samples
from tests.seen import seen
from tests.stow_door import Door

CUT_OFF = "emri_small_jpeg_2k_lossless_too_short.dcm"  # pydicom sees nothing in it
SAMPLES = [sample for sample in samples() if sample.is_storable and sample.name != CUT_OFF]


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
