"""What clients trip over in other archives, tried on the running system: each of 14 traps is a test."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pydicom
import pytest
from pydicom.data import get_charset_files
from pydicom.datadict import tag_for_keyword

from radstream.dimse.client import Association
from tests.index_engines import CT_IMAGE_STORAGE, data_set
from tests.part10_files import document, file_of, in_own_study, pydicom_file, uids, video
from tests.stow_door import RELATED, failure_reasons, items, related, value
from tests.system import System
from tests.wado_engines import native_frames, read_file

pytestmark = pytest.mark.e2e

EXPLICIT, JPEG_LS, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"
ANY_FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
SCRIPTS = {
    "H31": "山田",
    "Greek": "Διονυσιος",
    "Russ": "Люкceмбypг",
    "KoreanMulti": "김희중",
    "X2": "小东",
    "Arab": "قباني",
    "Hbrw": "שרון",
}
"""Files of pydicom, and a part of the name in each."""

OTHERS = {"Date": "19000101", "Time": "0101", "UID": "1.9", "": "7"}
"""Values that nothing has, by what is in the name of an attribute."""

SAMPLES = ("MR_small_jpeg_ls_lossless.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "emri_small.dcm")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system behind a gateway that is trusted, in which something may be deleted; with some of pydicom's files."""
    allowed = {"RADSTREAM_TRUST_FORWARDED": "true", "RADSTREAM_ALLOW_DELETE": "true"}
    running = System(tmp_path_factory.mktemp("home") / "radstream", environment=allowed).start()
    for number, name in enumerate(SAMPLES):
        assert running.stow(in_own_study(pydicom_file(name), number)).status_code == 200, name
    running.wait_until_indexed()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


def path_of(number: int | str) -> str:
    index = SAMPLES.index(number) if isinstance(number, str) else number
    return "studies/{StudyInstanceUID}/series/{SeriesInstanceUID}/instances/{SOPInstanceUID}".format(**uids(index))


def ask(system: System, path: str, accept: str) -> httpx2.Response:
    return system.get(path, headers={"Accept": accept})


def store(system: System, *files: bytes) -> None:
    answer = system.stow(*files)
    assert answer.status_code == 200, answer.text
    system.wait_until_indexed()


@pytest.mark.parametrize(
    "accept",
    [
        ANY_FRAME,
        'multipart/related;type="application/octet-stream";transfer-syntax="*"',
        "Multipart/Related; Type=application/octet-stream ; Transfer-Syntax=*",
        f"image/jxl, text/html;q=0.3, {ANY_FRAME}",
        f"{ANY_FRAME}; boundary=x; q=0.7, application/json;q=0.1",
    ],
)
def test_accept_without_quotes_with_several_values_and_variants_is_read(system: System, accept: str) -> None:
    answer = ask(system, f"{path_of('MR_small_jpeg_ls_lossless.dcm')}/frames/1", accept)
    assert answer.status_code == 200, answer.text
    assert f"image/jls; transfer-syntax={JPEG_LS}".encode() in answer.content[:400]


@pytest.mark.parametrize(
    "content_type",
    [
        RELATED.replace("boundary=stow-boundary", 'boundary="stow-boundary"'),
        RELATED + "; transfer-syntax=1.2.840.10008.1.2.1",
        RELATED.replace('"application/dicom"', "application/dicom"),
    ],
)
def test_stow_takes_a_quoted_boundary_and_more_parameters_and_names_no_failures(
    system: System, content_type: str
) -> None:
    content = related(file_of(**uids(20)))
    answer = httpx2.post(f"{system.dicom_web}/studies", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert len(items(answer, "00081199")) == 1
    assert "00081198" not in answer.json()


def test_stow_status_tells_all_some_and_none_and_the_study_that_does_not_match(system: System) -> None:
    mine, others = file_of(**uids(21)), file_of(**uids(22))
    study = uids(21)["StudyInstanceUID"]
    assert system.stow(mine, study=study).status_code == 200
    some = system.stow(mine, others, study=study)
    assert (some.status_code, failure_reasons(some)) == (202, [0xA900])
    [failed] = items(some, "00081198")
    assert value(failed, "00081155") == uids(22)["SOPInstanceUID"]
    none = system.stow(others, study=study)
    assert (none.status_code, failure_reasons(none)) == (409, [0xA900])
    assert "00081199" not in none.json()
    assert "00081196" not in some.text, "nothing is coerced or left out, so that there is nothing to warn of"


def test_no_transfer_syntax_means_explicit_little_endian_and_a_star_means_as_stored(system: System) -> None:
    path = path_of("MR_small_jpeg_ls_lossless.dcm")
    default = ask(system, path, "application/dicom")
    stored = ask(system, path, "application/dicom; transfer-syntax=*")
    assert [one.headers["content-type"].rpartition("=")[2] for one in (default, stored)] == [EXPLICIT, JPEG_LS]
    assert pydicom.dcmread(io.BytesIO(default.content)).file_meta.TransferSyntaxUID == EXPLICIT
    for unsupported in ("1.2.840.10008.1.2.4.104", "1.2.3"):
        refused = ask(system, path, f"application/dicom; transfer-syntax={unsupported}")
        assert refused.status_code == 406, refused.text


def test_frame_beyond_the_last_is_404_floats_are_frames_and_big_endian_comes_little(system: System) -> None:
    beyond = ask(system, f"{path_of('emri_small.dcm')}/frames/11", ANY_FRAME)
    assert (beyond.status_code, ask(system, f"{path_of('emri_small.dcm')}/frames/0", ANY_FRAME).status_code) == (
        404,
        400,
    )
    for number, keyword, dtype in ((23, "FloatPixelData", "<f4"), (24, "DoubleFloatPixelData", "<f8")):
        pixels = np.arange(24, dtype=dtype).tobytes()
        image = {"Rows": 3, "Columns": 4, "NumberOfFrames": 2, "SamplesPerPixel": 1, "BitsAllocated": len(pixels) // 3}
        store(system, file_of(**uids(number), **image, PhotometricInterpretation="MONOCHROME2", **{keyword: pixels}))
        second = ask(system, f"{path_of(number)}/frames/2", "application/octet-stream")
        assert (second.status_code, second.content) == (200, pixels[len(pixels) // 2 :])
    [little] = native_frames(read_file("MR_small_bigendian.dcm")[1])
    big = ask(system, f"{path_of('MR_small_bigendian.dcm')}/frames/1", "application/octet-stream; transfer-syntax=*")
    assert (big.status_code, big.content) == (200, little)


def test_links_are_built_from_what_the_gateway_forwards(system: System) -> None:
    forwarded = {"X-Forwarded-Host": "pacs.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/hospital"}
    base = f"https://pacs.example/hospital/dicom-web/{path_of('emri_small.dcm')}"
    [metadata] = system.get(f"{path_of('emri_small.dcm')}/metadata", headers=forwarded).json()
    assert metadata["7FE00010"]["BulkDataURI"].startswith(f"{base}/")
    uid = uids(SAMPLES.index("emri_small.dcm"))["SOPInstanceUID"]
    [found] = system.get(f"instances?SOPInstanceUID={uid}", headers=forwarded).json()
    assert value(found, "00081190") == base
    content = related(file_of(**uids(25)))
    answer = httpx2.post(f"{system.dicom_web}/studies", content=content, headers={"Content-Type": RELATED, **forwarded})
    assert value(answer.json(), "00081190").startswith("https://pacs.example/hospital/dicom-web/studies/")


def test_qido_takes_lists_of_uids_and_of_fields_in_any_spelling_and_warns_of_what_is_cut(system: System) -> None:
    studies = [uids(number)["StudyInstanceUID"] for number in range(3)]
    by_comma = system.get("studies", params={"StudyInstanceUID": ",".join(studies)})
    by_code = system.get(f"studies?StudyInstanceUID={'%2C'.join(studies)}")
    repeated = system.get("studies", params={"0020000D": studies})
    by_backslash = system.get("studies", params={"StudyInstanceUID": "\\".join(studies)})
    for answer in (by_comma, by_code, repeated, by_backslash):
        assert {value(study, "0020000D") for study in answer.json()} == set(studies)
    request = {"ScheduledProcedureStepID": "step 1", "RequestedProcedureID": "procedure 1"}
    item = pydicom.Dataset()
    item.update(request)
    store(system, file_of(**uids(26), RequestAttributesSequence=[item], Rows=3, ProtocolName="protocol"))
    wanted = ("includefield=Rows%2C00181030&includefield=RequestAttributesSequence", "includefield=all")
    for fields in wanted:
        [found] = system.get(f"instances?SOPInstanceUID={uids(26)['SOPInstanceUID']}&{fields}").json()
        assert (value(found, "00280010"), value(found, "00181030")) == (3, "protocol")
        assert value(value(found, "00400275"), "00400009") == "step 1"
    cut = system.get("studies?limit=2")
    assert "warning" not in cut.headers, "who asks for two gets two"
    ignored = system.get("studies?ContentLabel=x")
    assert (ignored.status_code, ignored.headers["warning"][:3]) == (200, "299")
    assert system.get("studies?PatientName=smyth%5Ejon&fuzzymatching=true").json(), "and fuzzy matching is done"


def test_tallies_and_modalities_of_a_study_are_computed_and_never_taken_from_an_instance(system: System) -> None:
    lies: dict[str, Any] = {"ModalitiesInStudy": ["XX", "YY"], "NumberOfStudyRelatedInstances": 99}
    lies |= {"NumberOfStudyRelatedSeries": 98, "NumberOfSeriesRelatedInstances": 97, "SOPClassesInStudy": "1.2.3"}
    second = uids(27) | {"SeriesInstanceUID": "2.25.141.9927", "SOPInstanceUID": "2.25.142.9927"}
    store(system, file_of(**uids(27), **lies, Modality="CT"), file_of(**second, **lies, Modality="MR"))
    study = f"StudyInstanceUID={uids(27)['StudyInstanceUID']}"
    [found] = system.get(f"studies?{study}&includefield=SOPClassesInStudy").json()
    assert sorted(found["00080061"]["Value"]) == ["CT", "MR"]
    assert [value(found, tag) for tag in ("00201206", "00201208", "00080062")] == [2, 2, CT_IMAGE_STORAGE]
    assert {value(one, "00201209") for one in system.get(f"series?{study}").json()} == {1}
    assert system.get(f"studies?{study}&ModalitiesInStudy=XX").json() == []


def test_every_attribute_that_the_standard_requires_is_matched(system: System) -> None:
    request = pydicom.Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureID = "S28", "R28"
    values: dict[str, Any] = {
        "StudyDate": "20260202",
        "StudyTime": "101112",
        "AccessionNumber": "A28",
        "ReferringPhysicianName": "House^Gregory",
        "PatientName": "Traps^Every",
        "PatientID": "P28",
        "StudyID": "ID28",
        "Modality": "CT",
        "SeriesNumber": 28,
        "PerformedProcedureStepStartDate": "20260203",
        "PerformedProcedureStepStartTime": "1213",
        "SOPClassUID": CT_IMAGE_STORAGE,
        "InstanceNumber": 2,
    }
    store(system, file_of(**uids(28), **values, RequestAttributesSequence=[request]))
    of_study = ["ModalitiesInStudy", *list(values)[: list(values).index("Modality")]]
    of_series = ["Modality", *list(values)[len(of_study) : list(values).index("SOPClassUID")]]
    nested = {"RequestAttributesSequence.ScheduledProcedureStepID": "S28", "00400275.00401001": "R28"}
    levels = {"studies": of_study, "series": [*of_study, *of_series, *nested]}
    levels["instances"] = [*levels["series"], "SOPClassUID", "SOPInstanceUID", "InstanceNumber"]
    sought = {**values, "ModalitiesInStudy": "CT", **uids(28), **nested}
    study = {"StudyInstanceUID": uids(28)["StudyInstanceUID"]}
    for level, names in levels.items():
        for name in names:
            answer = system.get(level, params={name: sought[name], **study})
            assert "warning" not in answer.headers, (level, name)
            assert len(answer.json()) == 1, (level, name)
            other = next(text for word, text in OTHERS.items() if word in name)
            assert system.get(level, params={name: other, **study}).json() == [], (level, name)


@pytest.mark.parametrize("number", range(len(SCRIPTS)), ids=SCRIPTS)
def test_names_in_any_script_are_found_and_come_back_in_a_declared_character_set(system: System, number: int) -> None:
    [path] = get_charset_files(f"chr{list(SCRIPTS)[number]}.dcm")
    name = pydicom.dcmread(path).PatientName
    store(system, in_own_study(Path(path).read_bytes(), 40 + number))
    study = uids(40 + number)["StudyInstanceUID"]
    part = list(SCRIPTS.values())[number]
    assert part in str(name)
    for wanted in (f"*{part}*", str(name).split("=")[-1]):
        [found] = system.get("studies", params={"PatientName": wanted, "StudyInstanceUID": study}).json()
        groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), str(name).split("="), strict=False))
        assert value(found, "00100010") == {group: text for group, text in groups.items() if text}
        assert value(found, "00080005") == "ISO_IR 192"
    assert system.get("studies", params={"PatientName": f"{part}x", "StudyInstanceUID": study}).json() == []


@pytest.mark.parametrize("name", SAMPLES)
def test_metadata_are_whole(system: System, name: str) -> None:
    series = path_of(name).partition("/instances")[0]
    [metadata] = system.get(f"{series}/metadata").json()
    _, dataset = read_file(name)
    in_front = [element for element in dataset if element.tag < 0x7FE00010 and element.tag.element != 0]
    assert {f"{element.tag.group:04X}{element.tag.element:04X}" for element in in_front} <= set(metadata)
    needed = "SOPClassUID SOPInstanceUID Modality Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation"
    for keyword in f"{needed} SamplesPerPixel PhotometricInterpretation".split():
        assert metadata[f"{tag_for_keyword(keyword):08X}"]["Value"], keyword


def test_documents_and_videos_are_rendered_as_themselves_and_a_thumbnail_of_a_video_says_why_not(
    system: System,
) -> None:
    pdf, movie = b"%PDF-1.4 of a report", b"\0\0\0\x20ftypisom" + bytes(2000)
    store(system, document(pdf, **uids(30)), video(movie, **uids(31)))
    rendered = {number: system.get(f"{path_of(number)}/rendered") for number in (30, 31)}
    assert [one.headers["content-type"] for one in rendered.values()] == ["application/pdf", "video/mp4"]
    assert [one.content.rstrip(b"\0") for one in rendered.values()] == [pdf, movie.rstrip(b"\0")]
    thumbnail = system.get(f"{path_of(31)}/thumbnail", headers={"Accept": "image/jpeg"})
    assert (thumbnail.status_code, "video" in thumbnail.json()["detail"]) == (404, True)


def test_study_that_was_deleted_may_be_stored_again_and_is_shown_again(system: System) -> None:
    content, study = file_of(**uids(32)), uids(32)["StudyInstanceUID"]
    store(system, content)
    assert httpx2.delete(f"{system.dicom_web}/studies/{study}").status_code == 204
    system.wait_until_indexed()
    assert system.get(f"studies?StudyInstanceUID={study}").json() == []
    assert system.get(path_of(32)).status_code == 404
    store(system, content)
    assert len(system.get(f"studies?StudyInstanceUID={study}").json()) == 1
    assert ask(system, path_of(32), "application/dicom; transfer-syntax=*").content == content


async def test_instance_that_comes_again_under_another_study_is_kept_and_the_first_one_is_shown(
    system: System,
) -> None:
    elsewhere = {**uids(34), "SOPInstanceUID": uids(33)["SOPInstanceUID"]}
    store(system, file_of(**uids(33)))
    contexts = [(CT_IMAGE_STORAGE, [EXPLICIT])]
    titles = {"calling_ae_title": "TRAPS", "called_ae_title": "RADSTREAM"}
    async with Association.request("127.0.0.1", system.dimse_port, **titles, contexts=contexts) as association:
        uid = uids(33)["SOPInstanceUID"]
        assert await association.c_store(CT_IMAGE_STORAGE, uid, EXPLICIT, data_set(**elsewhere)) == 0
    system.wait_until_indexed()
    found = system.get(f"instances?SOPInstanceUID={uids(33)['SOPInstanceUID']}").json()
    assert [value(one, "0020000D") for one in found] == [uids(33)["StudyInstanceUID"]]
    assert system.get(f"studies?StudyInstanceUID={uids(34)['StudyInstanceUID']}").json() == []
    kept = [key for key in system.blob_keys() if f"/{uids(33)['SOPInstanceUID']}/" in key]
    assert len(kept) == 2
