"""Every method of dicomweb-client, which others wrote, against the running system, over all of pydicom's files."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom.dataset import Dataset, FileDataset

from tests.own_studies import Alone, own_studies, store_own_studies
from tests.part10_files import file_of, in_own_study, pydicom_file, uids
from tests.stow_door import value
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

UNWRITABLE = {"SC_rgb_jpeg.dcm", "emri_small_jpeg_2k_lossless_too_short.dcm"}
"""Damaged files that pydicom cannot write again, or not whole; the client writes with pydicom."""

UNREADABLE = {"badVR.dcm"}
"""NumberOfFrames is 1A: text in DICOM JSON, and pydicom takes integers only."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system in which something may be deleted."""
    allowed = {"RADSTREAM_ALLOW_DELETE": "true"}
    running = System(tmp_path_factory.mktemp("home") / "radstream", environment=allowed).start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture(scope="module")
def client(system: System) -> DICOMwebClient:
    return DICOMwebClient(system.dicom_web, chunk_size=1 << 16)


@pytest.fixture(scope="module")
def stored(system: System) -> dict[str, Alone]:
    """Every file of pydicom, in a study of its own, by its name."""
    store_own_studies(system, own_studies())
    return {one.name: one for one in own_studies()}


def dataset_of(one: Alone) -> FileDataset:
    return pydicom.dcmread(io.BytesIO(one.content))


def same(found: Dataset, sent: Dataset) -> bool:
    return [str(element.tag) for element in found] == [str(element.tag) for element in sent] and all(
        found[element.tag].value == element.value or element.value != element.value for element in sent
    )


def test_every_instance_is_stored_by_the_client(client: DICOMwebClient) -> None:
    for number, one in enumerate((one for one in own_studies() if one.name not in UNWRITABLE), 5000):
        dataset = pydicom.dcmread(io.BytesIO(in_own_study(one.content, number)))
        answer = client.store_instances([dataset], study_instance_uid=dataset.StudyInstanceUID)
        [item] = answer.ReferencedSOPSequence
        assert item.ReferencedSOPInstanceUID == dataset.SOPInstanceUID
        assert "FailedSOPSequence" not in answer


def test_every_instance_comes_back_as_it_was_sent(client: DICOMwebClient, stored: dict[str, Alone]) -> None:
    for one in stored.values():
        found = client.retrieve_instance(*one.uids)
        assert found.file_meta.TransferSyntaxUID == one.sample.transfer_syntax_uid, one.name
        assert same(found, dataset_of(one)), one.name


def test_study_and_series_come_at_once_and_one_by_one(client: DICOMwebClient, stored: dict[str, Alone]) -> None:
    for name in ("CT_small.dcm", "emri_small_jpeg_ls_lossless.dcm", "MR_small_bigendian.dcm"):
        one = stored[name]
        lists = [client.retrieve_study(one.study_instance_uid), client.retrieve_series(*one.uids[:2])]
        lists += [list(client.iter_study(one.study_instance_uid)), list(client.iter_series(*one.uids[:2]))]
        for found in lists:
            assert [dataset.SOPInstanceUID for dataset in found] == [one.sop_instance_uid]
            assert found[0].file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
            np.testing.assert_array_equal(found[0].pixel_array, dataset_of(one).pixel_array)


def test_metadata_of_every_instance_read_as_data_sets(client: DICOMwebClient, stored: dict[str, Alone]) -> None:
    for one in stored.values():
        metadata = client.retrieve_instance_metadata(*one.uids)
        if one.name in UNREADABLE:
            continue
        found = Dataset.from_json(metadata, bulk_data_uri_handler=lambda *_: b"")
        assert found.SOPInstanceUID == one.sop_instance_uid, one.name
        assert metadata == client.retrieve_series_metadata(*one.uids[:2])[0]
        assert metadata == client.retrieve_study_metadata(one.study_instance_uid)[0]


def test_frames_come_as_they_are_stored_and_decoded(client: DICOMwebClient, stored: dict[str, Alone]) -> None:
    one = stored["emri_small_jpeg_ls_lossless.dcm"]
    pixels = dataset_of(one).pixel_array
    native = client.retrieve_instance_frames(*one.uids, [1, 10, 4])
    assert native == [pixels[index].tobytes() for index in (0, 9, 3)]
    assert list(client.iter_instance_frames(*one.uids, [2])) == [pixels[1].tobytes()]
    jpeg_ls = (("image/jls", one.sample.transfer_syntax_uid),)
    compressed = client.retrieve_instance_frames(*one.uids, [1, 10], jpeg_ls)
    frames = list(pydicom.encaps.generate_frames(dataset_of(one).PixelData, number_of_frames=10))
    assert compressed == [frames[0], frames[9]]
    with pytest.raises(requests.HTTPError, match="404"):
        client.retrieve_instance_frames(*one.uids, [11])


def test_bulk_data_come_whole_in_part_and_piece_by_piece(
    system: System, client: DICOMwebClient, stored: dict[str, Alone]
) -> None:
    for name in ("CT_small.dcm", "liver.dcm", "waveform_ecg.dcm"):
        one = stored[name]
        metadata = client.retrieve_instance_metadata(*one.uids)
        tag, link = next((tag, at) for tag, at in links_in(metadata) if len(tag) == 8)
        # This client's Host header has no port, and links say what the Host header says.
        url = system.dicom_web + link.partition("/dicom-web")[2]
        expected = value_at(dataset_of(one), tag)
        octets = (("application/octet-stream", "*"),)
        assert client.retrieve_bulkdata(url, octets) == [expected], name
        assert list(client.iter_bulkdata(url, octets)) == [expected]


def links_in(metadata: dict[str, dict[str, object]]) -> Iterator[tuple[str, str]]:
    for tag, attribute in metadata.items():
        if "BulkDataURI" in attribute:
            yield tag, str(attribute["BulkDataURI"])
        for item in attribute.get("Value", []) if attribute["vr"] == "SQ" else []:  # type: ignore[attr-defined]
            yield from ((inner, link) for inner, link in links_in(item))


def value_at(dataset: Dataset, tag: str) -> bytes:
    return next(bytes(element.value) for element in dataset.iterall() if f"{element.tag:08X}" == tag)


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_pictures_come_as_the_client_likes_them(
    client: DICOMwebClient, stored: dict[str, Alone], media_type: str
) -> None:
    one = stored["emri_small.dcm"]
    instance = client.retrieve_instance_rendered(*one.uids, media_types=(media_type,))
    frame = client.retrieve_instance_frames_rendered(*one.uids, [7], media_types=(media_type,))
    small = client.retrieve_instance_rendered(*one.uids, media_types=(media_type,), params={"viewport": "32,32"})
    pictures = [Image.open(io.BytesIO(content)) for content in (instance, frame, small)]
    assert [picture.size for picture in pictures] == [(64, 64), (64, 64), (32, 32)]
    assert {picture.get_format_mimetype() for picture in pictures} == {media_type}
    assert np.asarray(pictures[0]).std() > 10


def test_pictures_of_a_series_come_in_parts_and_in_no_other_way(
    client: DICOMwebClient, stored: dict[str, Alone]
) -> None:
    """The client gives back what it got; asked for one picture of what may be many, it gets 406 (PS3.18 10.4.4)."""
    study, series, _ = stored["emri_small.dcm"].uids
    head, *parts = client.retrieve_series_rendered(study, series).split(b"Content-Type: image/jpeg\r\n")
    assert head.strip().startswith(b"--")
    assert [part.count(b"\xff\xd8\xff") for part in parts] == [1]
    with pytest.raises(requests.HTTPError, match="406"):
        client.retrieve_series_rendered(study, series, media_types=("image/jpeg",))


def test_searches_filter_page_and_return_fields(client: DICOMwebClient, stored: dict[str, Alone]) -> None:
    every = client.search_for_studies(get_remaining=True, limit=50)
    assert {one.study_instance_uid for one in stored.values()} <= {value(study, "0020000D") for study in every}
    assert len(every) == len({value(study, "0020000D") for study in every}), "no page repeats another"
    assert client.search_for_studies(limit=7, offset=3) == every[3:10]
    one = stored["CT_small.dcm"]
    filters = {"StudyInstanceUID": one.study_instance_uid, "PatientName": "compressedsamples*"}
    [study] = client.search_for_studies(fields=["StudyComments", "00080090"], search_filters=filters)
    assert value(study, "00081030") == "e+1"
    [series] = client.search_for_series(one.study_instance_uid, search_filters={"Modality": "CT"})
    assert value(series, "0020000E") == one.series_instance_uid
    assert client.search_for_series(search_filters=filters) != []
    [instance] = client.search_for_instances(*one.uids[:2], fields=["SliceThickness"])
    assert (value(instance, "00080018"), value(instance, "00180050")) == (one.sop_instance_uid, 5)
    [found] = client.search_for_instances(search_filters={"SOPInstanceUID": one.sop_instance_uid})
    assert value(found, "0020000D") == one.study_instance_uid
    assert client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "kompresedsampels ct1"}) != []


def test_what_does_not_belong_to_the_study_is_refused(client: DICOMwebClient) -> None:
    dataset = pydicom.dcmread(io.BytesIO(in_own_study(pydicom_file("CT_small.dcm"), 60)))
    with pytest.raises(requests.HTTPError, match="409"):
        client.store_instances([dataset], study_instance_uid="1.2.3")


def test_instances_series_and_studies_are_deleted(system: System, client: DICOMwebClient) -> None:
    study, series, instance = uids(61).values()
    ids = [{**uids(61), "SOPInstanceUID": f"{instance}.{number}"} for number in range(3)]
    ids[2]["SeriesInstanceUID"] = f"{series}.2"
    assert system.stow(*(file_of(**one) for one in ids)).status_code == 200
    left = []
    deletions = [
        lambda: client.delete_instance(study, series, f"{instance}.0"),
        lambda: client.delete_series(study, series),
        lambda: client.delete_study(study),
    ]
    for delete in deletions:
        system.wait_until_indexed()
        left.append(len(client.search_for_instances(study)))
        delete()
    system.wait_until_indexed()
    assert [*left, len(client.search_for_instances(study))] == [3, 2, 1, 0]
