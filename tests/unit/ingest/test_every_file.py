"""Every test file of pydicom through the story: accepted or refused with the right status, the bytes identical."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from radstream.contract.errors import RejectedInstance
from radstream.dicom.part10 import parse_meta
from radstream.settings import Settings
from services.ingest.accept import Accepting
from services.ingest.file import Outcome, accept_file
from services.ingest.identity import Origin
from tests.ingest_engines import Engines
from tests.samples import Sample, is_deflated, samples

SAMPLES = samples()


async def pieces(content: bytes, step: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), step):
        yield content[start : start + step]


async def take(engines: Engines, sample: Sample, home: Path, step: int = 4099) -> Outcome:
    accepting = Accepting(engines.backends, Settings(home=home))
    return await accept_file(accepting, Origin("stow"), pieces(sample.path.read_bytes(), step))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_it_is_stored_exactly_or_refused_with_a_reason(sample: Sample, tmp_path: Path) -> None:
    engines = Engines()
    outcome = await take(engines, sample, tmp_path)
    assert engines.blobs.open_writers == 0
    if not sample.is_storable:
        assert isinstance(outcome.error, RejectedInstance)
        assert outcome.error.status in {0xA900, 0xC000}
        assert engines.effects == []
        return
    assert outcome.error is None, outcome.error
    assert outcome.accepted is not None
    event = outcome.accepted.event
    content, _ = engines.blobs.contents[event.blob_key]
    meta = parse_meta(content)
    assert meta is not None
    assert content[meta.data_set_offset :] == sample.data_set
    assert (event.sop_class_uid, event.sop_instance_uid) == (sample.sop_class_uid, sample.sop_instance_uid)
    assert (event.study_instance_uid, event.series_instance_uid) == (
        sample.study_instance_uid,
        sample.series_instance_uid,
    )
    assert event.transfer_syntax_uid == sample.transfer_syntax_uid
    assert (event.header_bytes == 0) == is_deflated(sample)
    at_header_end = content[event.header_bytes :][:4]
    assert is_deflated(sample) or at_header_end in {b"", *PIXEL_DATA}


PIXEL_DATA = {
    group + element
    for group, elements in (
        (b"\xe0\x7f", (b"\x10\0", b"\x08\0", b"\x09\0")),
        (b"\x7f\xe0", (b"\0\x10", b"\0\x08", b"\0\x09")),
    )
    for element in elements
}
"""(7FE0,0010), (7FE0,0008) and (7FE0,0009), little and big endian."""


def test_both_kinds_are_among_the_files() -> None:
    kinds = Counter(sample.is_storable for sample in SAMPLES)
    assert kinds[True] > 140
    assert kinds[False] > 5
    assert any(map(is_deflated, SAMPLES))
