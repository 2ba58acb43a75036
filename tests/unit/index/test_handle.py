from __future__ import annotations

import zlib

import msgspec
import orjson
import pytest

from radstream.bus.port import Record
from radstream.contract.documents import instance_order
from radstream.contract.errors import MalformedEvent, NotFound, RejectedInstance, Unavailable
from radstream.contract.events import InstanceConflicted, InstanceIndexed, StudyReopened
from services.index.document import unpack
from services.index.header import PIXEL_DATA_HEAD_BYTES
from tests.index_engines import Archive, data_set, record_of


@pytest.fixture
def archive() -> Archive:
    return Archive()


async def test_an_instance_makes_documents_of_all_four_levels(archive: Archive) -> None:
    event = archive.store(StudyDate="20260102", SeriesNumber=3, InstanceNumber=7, StudyDescription="Kopf Übersicht")
    await archive.indexing.on_instance_stored([record_of(event)])
    (study,) = archive.documents("studies").values()
    assert study["StudyDate"] == "20260102"
    assert study["StudyDescription_folded"] == "kopf ubersicht"
    assert study["patient_key"] == "site\\main\\P1"
    assert (study["NumberOfStudyRelatedSeries"], study["NumberOfStudyRelatedInstances"]) == (1, 1)
    assert study["ModalitiesInStudy"] == ["CT"]
    assert archive.documents("series")["1.2.1.1/1.2.2.1"]["SeriesNumber"] == 3
    instance = archive.documents("instances")["1.2.3.1"]
    assert (instance["InstanceNumber"], instance["flags"], instance["others"]) == (7, [], [])
    assert unpack(instance["metadata"])["00100010"]["Value"] == [{"Alphabetic": "Smith^John"}]
    assert archive.documents("patients")["site\\main\\P1"]["PatientName_folded"] == ["smith^john"]


async def test_indexed_instances_are_announced_with_their_trace(archive: Archive) -> None:
    event = archive.store()
    record = record_of(event)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {**record.headers, "traceparent": trace}
    await archive.indexing.on_instance_stored([Record(record.topic, 0, 0, record.key, record.value, headers, 0)])
    (indexed,) = archive.published("instance-indexed", InstanceIndexed)
    assert indexed.blob_key == event.blob_key
    assert archive.bus.messages[0].headers["traceparent"] == trace
    assert archive.bus.messages[0].key == event.study_instance_uid


async def test_nothing_is_read_but_the_header_and_the_beginning_of_the_pixel_data(archive: Archive) -> None:
    event = archive.store(Rows=100, Columns=200, BitsAllocated=8, SamplesPerPixel=1, PixelData=b"abcd" * 5000)
    await archive.index(event)
    assert archive.blobs.reads[0] == (event.blob_key, 0, event.header_bytes + PIXEL_DATA_HEAD_BYTES)
    assert sum(length or 0 for _, _, length in archive.blobs.reads) < event.header_bytes + 200


async def test_the_metadata_refer_to_the_pixel_data(archive: Archive) -> None:
    await archive.index(archive.store(BitsAllocated=8, PixelData=b"abcd"))
    metadata = unpack(archive.documents("instances")["1.2.3.1"]["metadata"])
    assert metadata["7FE00010"] == {"vr": "OB", "BulkDataURI": "7FE00010"}
    await archive.index(archive.store(SOPInstanceUID="1.2.3.2"))
    assert "7FE00010" not in unpack(archive.documents("instances")["1.2.3.2"]["metadata"])


@pytest.mark.parametrize(
    "image",
    [
        {"PixelData": b"abcd"},
        {"Rows": 1, "Columns": 1, "SamplesPerPixel": 1, "NumberOfFrames": "99999999999", "PixelData": b"ab"},
    ],
)
async def test_frames_that_cannot_be_found_do_not_lose_the_instance(archive: Archive, image: dict[str, object]) -> None:
    await archive.index(archive.store(BitsAllocated=8, **image))
    instance = archive.documents("instances")["1.2.3.1"]
    assert instance["frames"] == b""
    assert "7FE00010 frames" in instance["flags"]


async def test_the_header_of_unknown_length_is_found(archive: Archive) -> None:
    content = data_set(Rows=2, Columns=2, BitsAllocated=8, PatientComments="x" * 40_000, PixelData=b"abcd")
    known = archive.store_bytes(content)
    unknown = archive.store_bytes(content, header_bytes=0)
    await archive.index(unknown)
    assert archive.documents("instances")["1.2.3.1"]["header_bytes"] == known.header_bytes
    assert archive.documents("instances")["1.2.3.1"]["Rows"] == 2


async def test_a_deflated_data_set_is_inflated(archive: Archive) -> None:
    compressor = zlib.compressobj(wbits=-15)
    content = compressor.compress(data_set(StudyDate="20260102")) + compressor.flush()
    event = archive.store_bytes(content, syntax="1.2.840.10008.1.2.1.99", header_bytes=0)
    await archive.index(event)
    assert archive.documents("studies")["1.2.1.1"]["StudyDate"] == "20260102"
    assert archive.documents("instances")["1.2.3.1"]["header_bytes"] == 0


@pytest.mark.parametrize("tag", [b"\x29\0\x10\x10OB\0\0", b"\xe0\x7f\x10\0OW\0\0"], ids=["header", "pixels"])
async def test_a_deflated_data_set_of_any_length_is_found_by_what_stands_at_its_beginning(
    archive: Archive, tag: bytes
) -> None:
    compressor = zlib.compressobj(1, wbits=-15)
    size = 70 << 20
    giant = compressor.compress(tag + size.to_bytes(4, "little")) + compressor.compress(bytes(size))
    head = zlib.compressobj(wbits=-15)
    content = head.compress(data_set(StudyDate="20260102")) + head.flush(zlib.Z_FULL_FLUSH) + giant + compressor.flush()
    await archive.index(archive.store_bytes(content, syntax="1.2.840.10008.1.2.1.99", header_bytes=0))
    assert archive.documents("studies")["1.2.1.1"]["StudyDate"] == "20260102"
    is_header = tag.startswith(b"\x29")
    assert archive.documents("instances")["1.2.3.1"]["flags"] == (["header too long", "truncated"] if is_header else [])


@pytest.mark.parametrize("filling", [b"\0", b"\xff"])
async def test_a_blob_that_the_store_has_damaged_is_refused_not_shown(archive: Archive, filling: bytes) -> None:
    event = archive.store()
    content, stored_at = archive.blobs.contents[event.blob_key]
    archive.blobs.contents[event.blob_key] = (filling * len(content), stored_at)
    with pytest.raises(RejectedInstance, match="damaged"):
        await archive.index(event)
    assert archive.documents("instances") == {}


async def test_an_instance_whose_header_cannot_be_read_is_kept_with_a_flag(archive: Archive) -> None:
    undefined_sequence = bytes.fromhex("08004011") + b"SQ\0\0" + b"\xff" * 4 + bytes.fromhex("feff00e0") + b"\xff" * 4
    event = archive.store()
    content, stored_at = archive.blobs.contents[event.blob_key]
    content += 200 * undefined_sequence
    archive.blobs.contents[event.blob_key] = (content, stored_at)
    await archive.index(msgspec.structs.replace(event, header_bytes=len(content), size_bytes=len(content)))
    instance = archive.documents("instances")["1.2.3.1"]
    assert instance["flags"] == ["header unreadable"]
    assert unpack(instance["metadata"])["0020000D"]["Value"] == ["1.2.1.1"]
    assert archive.documents("studies")["1.2.1.1"]["NumberOfStudyRelatedInstances"] == 1


async def test_a_damaged_deflated_data_set_is_kept_with_a_flag(archive: Archive) -> None:
    event = archive.store_bytes(b"\xff\xff\xff\xff", syntax="1.2.840.10008.1.2.1.99", header_bytes=0)
    await archive.index(event)
    assert archive.documents("instances")["1.2.3.1"]["flags"] == ["deflated unreadable"]


async def test_a_record_without_an_event_is_refused(archive: Archive) -> None:
    record = Record("instance-stored", 0, 0, "1.2", b"{}", {}, 0)
    with pytest.raises(MalformedEvent):
        await archive.indexing.on_instance_stored([record])


@pytest.mark.parametrize(
    "changes",
    [
        {"blob_key": "main/instances/../../etc/passwd"},
        {"blob_key": ""},
        {"sop_instance_uid": "1.2.3.999"},
        {"site": "south"},
        {"occurred_at": "yesterday"},
    ],
)
async def test_an_event_that_contradicts_itself_is_refused(archive: Archive, changes: dict[str, str]) -> None:
    event = msgspec.structs.replace(archive.store(), **changes)
    with pytest.raises(MalformedEvent):
        await archive.indexing.on_instance_stored([record_of(event)])
    assert archive.documents("instances") == {}


async def test_an_event_without_a_blob_is_refused(archive: Archive) -> None:
    event = archive.store()
    archive.blobs.contents.clear()
    with pytest.raises(NotFound):
        await archive.index(event)


async def test_counts_are_those_of_the_instances(archive: Archive) -> None:
    events = [
        archive.store(SOPInstanceUID=f"1.2.3.{number}", SeriesInstanceUID=f"1.2.2.{number % 2}", Modality=modality)
        for number, modality in enumerate(["CT", "SR", "CT", "SR", "CT"])
    ]
    await archive.index(*events[:2])
    await archive.index(*events[1:], events[0])
    study = archive.documents("studies")["1.2.1.1"]
    assert (study["NumberOfStudyRelatedSeries"], study["NumberOfStudyRelatedInstances"]) == (2, 5)
    assert study["ModalitiesInStudy"] == ["CT", "SR"]
    series = archive.documents("series")
    assert series["1.2.1.1/1.2.2.0"]["NumberOfSeriesRelatedInstances"] == 3
    assert series["1.2.1.1/1.2.2.1"]["NumberOfSeriesRelatedInstances"] == 2


async def test_the_first_stored_version_is_shown_and_the_other_announced_once(archive: Archive) -> None:
    first, second = archive.store(), archive.store(after_s=1, PatientName="Other^One")
    await archive.index(second)
    await archive.index(first)
    await archive.index(second, first)
    assert archive.documents("instances")["1.2.3.1"]["blob_key"] == first.blob_key
    assert archive.documents("studies")["1.2.1.1"]["PatientName"] == "Smith^John"
    (conflict,) = archive.published("instance-conflicted", InstanceConflicted)
    assert (conflict.blob_key, conflict.visible_blob_key) == (second.blob_key, first.blob_key)
    assert (conflict.size_bytes, conflict.sop_class_uid) == (second.size_bytes, second.sop_class_uid)
    (document,) = archive.documents("conflicts").values()
    assert (document["hidden_blob_key"], document["visible_blob_key"]) == (second.blob_key, first.blob_key)
    indexed = [event.blob_key for event in archive.published("instance-indexed", InstanceIndexed)]
    assert indexed == [second.blob_key, first.blob_key, first.blob_key]


async def test_a_hidden_version_in_another_study_leaves_no_trace_there(archive: Archive) -> None:
    first = archive.store()
    other = archive.store(after_s=1, StudyInstanceUID="1.2.1.9", SeriesInstanceUID="1.2.2.9", PatientID="P9")
    await archive.index(first, other)
    assert list(archive.documents("studies")) == ["1.2.1.1"]
    assert list(archive.documents("series")) == ["1.2.1.1/1.2.2.1"]
    assert list(archive.documents("patients")) == ["site\\main\\P1"]


async def test_a_displaced_version_takes_its_study_along(archive: Archive) -> None:
    first = archive.store()
    other = archive.store(after_s=1, StudyInstanceUID="1.2.1.9", SeriesInstanceUID="1.2.2.9", PatientID="P9")
    await archive.index(other)
    assert list(archive.documents("studies")) == ["1.2.1.9"]
    await archive.index(first)
    assert list(archive.documents("studies")) == ["1.2.1.1"]
    assert list(archive.documents("series")) == ["1.2.1.1/1.2.2.1"]
    assert list(archive.documents("patients")) == ["site\\main\\P1"]


async def test_a_blob_that_comes_with_another_time_is_no_conflict_with_itself(archive: Archive) -> None:
    event = archive.store()
    await archive.index(event)
    await archive.index(msgspec.structs.replace(event, occurred_at="2027-01-01T00:00:00.000000Z"))
    assert archive.documents("conflicts") == {}
    assert archive.published("instance-conflicted", InstanceConflicted) == []


async def test_a_new_instance_reopens_a_complete_study(archive: Archive) -> None:
    first, second = archive.store(), archive.store(SOPInstanceUID="1.2.3.2", after_s=5)
    await archive.index(first)
    archive.documents("studies")["1.2.1.1"]["is_complete"] = 1
    await archive.index(first)
    assert archive.documents("studies")["1.2.1.1"]["is_complete"] == 1
    assert archive.published("study-reopened", StudyReopened) == []
    await archive.index(second)
    assert archive.documents("studies")["1.2.1.1"]["is_complete"] == 0
    (event,) = archive.published("study-reopened", StudyReopened)
    assert (event.number_of_instances, event.number_of_series) == (2, 1)


async def test_reopening_is_announced_although_the_first_attempt_failed(archive: Archive) -> None:
    await archive.index(archive.store())
    archive.documents("studies")["1.2.1.1"]["is_complete"] = 1
    second = archive.store(SOPInstanceUID="1.2.3.2")
    archive.bus.state = "fails"
    with pytest.raises(Unavailable):
        await archive.index(second)
    archive.bus.state = "works"
    await archive.index(second)
    assert len(archive.published("study-reopened", StudyReopened)) == 1


async def test_a_conflict_is_announced_although_the_first_attempt_failed(archive: Archive) -> None:
    first, second = archive.store(), archive.store(after_s=1, PatientName="Other^One")
    await archive.index(first)
    archive.bus.state = "fails"
    with pytest.raises(Unavailable):
        await archive.index(second)
    archive.bus.state = "works"
    await archive.index(second)
    assert len(archive.published("instance-conflicted", InstanceConflicted)) == 1
    assert len(archive.documents("conflicts")) == 1


async def test_a_patient_without_an_id_is_not_merged_with_others(archive: Archive) -> None:
    await archive.index(
        archive.store(PatientID="", SOPInstanceUID="1.2.3.1"),
        archive.store(PatientID="", SOPInstanceUID="1.2.3.2", StudyInstanceUID="1.2.1.2"),
    )
    assert sorted(archive.documents("patients")) == ["study\\1.2.1.1", "study\\1.2.1.2"]


async def test_stored_json_has_no_empty_values_and_is_sorted(archive: Archive) -> None:
    await archive.index(archive.store(AccessionNumber="", StudyDate="", ReferringPhysicianName=""))
    for collection, names in (("studies", ("qido", "attributes")), ("series", ("qido", "attributes"))):
        for document in archive.documents(collection).values():
            for name in names:
                assert b'"Value":[]' not in document[name]
                assert list(orjson.loads(document[name])) == sorted(orjson.loads(document[name]))


async def test_what_an_unfinished_batch_left_behind_is_mended(archive: Archive) -> None:
    """Another process wrote a hidden version's series, and died before it could put it right."""
    first = archive.store()
    hidden = archive.store(SOPInstanceUID="1.2.3.9", PatientName="Other^Name", after_s=-60)
    await archive.index(first)
    archive.documents("series")["1.2.1.1/1.2.2.1"]["order"] = instance_order(hidden.occurred_at, hidden.blob_key)
    await archive.index(archive.store(SOPInstanceUID="1.2.3.2", after_s=1))
    order = instance_order(first.occurred_at, first.blob_key)
    assert archive.documents("series")["1.2.1.1/1.2.2.1"]["order"] == order
    assert archive.documents("studies")["1.2.1.1"]["order"] == order
    assert archive.documents("studies")["1.2.1.1"]["NumberOfStudyRelatedInstances"] == 2
