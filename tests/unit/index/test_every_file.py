"""Every test file of pydicom through the index: none is lost, none makes JSON that a viewer would stumble over."""

from __future__ import annotations

import orjson
import pytest

from radstream.dicom.frames import FrameTable
from radstream.dicom.json import read_header
from services.index.document import unpack
from tests.index_engines import Archive
from tests.samples import Sample, samples

SAMPLES = [sample for sample in samples() if sample.is_storable]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_the_file_is_indexed(sample: Sample) -> None:
    archive = Archive()
    event = await archive.ingest(sample.data_set, sample.transfer_syntax_uid)
    await archive.index(event)
    instance = archive.documents("instances")[sample.sop_instance_uid]
    metadata = unpack(instance["metadata"])
    assert metadata["0020000D"]["Value"] == [sample.study_instance_uid]
    assert list(metadata) == sorted(metadata)
    assert b'"Value":[]' not in orjson.dumps(metadata)
    assert len(archive.documents("studies")) == len(archive.documents("series")) == 1
    assert not {"meta unreadable", "header unreadable", "deflated unreadable"} & set(instance["flags"])
    if "7FE00010" in metadata and instance["header_bytes"]:
        assert instance["frames"], instance["flags"]
        assert FrameTable.decode(instance["frames"]).pieces(0)[0][0] >= event.header_bytes
    if instance["header_bytes"]:
        content = archive.blobs.contents[event.blob_key][0]
        header = content[: instance["header_bytes"]][len(content) - len(sample.data_set) :]
        expected = read_header(header, sample.transfer_syntax_uid).attributes
        assert {tag: metadata[tag] for tag in expected} == expected
        assert metadata.keys() - expected.keys() <= {"7FE00010", "7FE00008", "7FE00009"}


async def test_all_files_together_make_a_catalog_with_true_counts() -> None:
    archive = Archive()
    events = [await archive.ingest(sample.data_set, sample.transfer_syntax_uid) for sample in SAMPLES]
    await archive.index(*events)
    shown = archive.documents("instances").values()
    assert {instance["SOPInstanceUID"] for instance in shown} == {sample.sop_instance_uid for sample in SAMPLES}
    for uid, study in archive.documents("studies").items():
        assert study["NumberOfStudyRelatedInstances"] == sum(i["StudyInstanceUID"] == uid for i in shown)
    blobs = {event.blob_key for event in events}
    assert len(blobs) == len(shown) + len(archive.documents("conflicts"))
