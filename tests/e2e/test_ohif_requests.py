"""The requests of OHIF 3.13 with their exact headers, and what it demands of the answers; no browser needed."""

from __future__ import annotations

import re
from typing import Any, cast

import httpx2
import orjson
import pytest
import zstandard

from tests.own_studies import Alone, own_studies, store_own_studies
from tests.part10_files import file_of, uids
from tests.stow_door import BOUNDARY, related, value
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

JSON = "application/dicom+json"
FRAMES = "multipart/related; type=application/octet-stream; transfer-syntax=*"
LIST = "limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090%2C00100030"
SHOWN = ["CT_small", "image_dfl", "examples_palette", "MR_small_bigendian", "color3d_jpeg_baseline"]
ENCODINGS = "gzip, deflate, br, zstd"

BULK_DATA = re.compile(r'"BulkDataURI":"[^"]+/dicom-web/([^"]+)"')
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
JPEG = b"\xff\xd8"


@pytest.fixture(scope="module")
def stored(system: System) -> dict[str, Alone]:
    """Every file of pydicom, in a study of its own, by its name."""
    store_own_studies(system, own_studies())
    return {one.name: one for one in own_studies()}


def ask(system: System, path: str, accept: str = JSON) -> httpx2.Response:
    """Ask as the browser does, whose Accept-Encoding no script can change."""
    return system.get(path, headers={"Accept": accept, "Accept-Encoding": ENCODINGS})


def text_of(answer: httpx2.Response) -> str:
    """Return the text of an answer; the client at hand unpacks everything but zstd."""
    is_zstd = answer.headers.get("content-encoding") == "zstd"
    return (
        zstandard.ZstdDecompressor().decompressobj().decompress(answer.content) if is_zstd else answer.content
    ).decode()


def read(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON), answer.text
    return cast("list[dict[str, Any]]", orjson.loads(text_of(answer)))


@pytest.fixture(scope="module")
def pictures(stored: dict[str, Alone]) -> list[Alone]:
    return [one for one in stored.values() if one.has_frames]


def test_study_list_shows_what_the_rows_need(system: System, stored: dict[str, Alone]) -> None:
    answer = ask(system, f"studies?{LIST}")
    assert len(read(answer)) == 101, "OHIF shows the first hundred, and that there are more"
    [ct] = read(ask(system, f"studies?{LIST}&StudyInstanceUID={stored['CT_small.dcm'].study_instance_uid}"))
    assert value(ct, "00081030") == "e+1", "the list of fields is decoded before it is split"
    assert value(ct, "00080061") == "CT"
    assert value(ct, "00100010")["Alphabetic"] == "CompressedSamples^CT1"
    assert value(ct, "00201208") == 1


def test_study_without_a_modality_does_not_say_so_by_an_empty_attribute(
    system: System, stored: dict[str, Alone]
) -> None:
    only = f"StudyInstanceUID={stored['GDCMJ2K_TextGBR.dcm'].study_instance_uid}"
    [study] = read(ask(system, f"studies?{LIST}&{only}"))
    assert "00080061" not in study, "OHIF asks how many values it has, and its whole list fails"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("PatientName=*compressedsamples%5Ect*", True),
        ("00100020=*1CT1*", True),
        ("AccessionNumber=*ABC*", False),
        ("StudyDescription=*E%2B1*", True),
        ("ModalitiesInStudy=CT%2CMR", True),
        ("ModalitiesInStudy=US", False),
        ("StudyDate=20040101-20041231", True),
        ("StudyDate=20250101-20261231", False),
    ],
)
def test_filters_of_the_study_list(system: System, stored: dict[str, Alone], condition: str, expected: bool) -> None:
    only = f"StudyInstanceUID={stored['CT_small.dcm'].study_instance_uid}"
    assert bool(read(ask(system, f"studies?{condition}&{LIST}&{only}"))) is expected


@pytest.mark.parametrize("fields", ["0008103E%2C00080021", "00080021%2C00080031%2C0008103E%2C00200011"])
def test_series_of_a_study_come_with_the_fields_that_are_listed(
    system: System, stored: dict[str, Alone], fields: str
) -> None:
    one = stored["MR_small.dcm"]
    [series] = read(ask(system, f"studies/{one.study_instance_uid}/series?includefield={fields}"))
    header = one.header
    for tag in fields.split("%2C"):
        element = header.get(int(tag, 16))
        assert (tag in series) is bool(element is not None and element.value is not None), tag
    assert value(series, "0020000E") == one.series_instance_uid


def test_priors_are_found_by_the_tag_of_the_patient_id(system: System, stored: dict[str, Alone]) -> None:
    found = read(ask(system, f"studies?00100020=4MR1&{LIST}"))
    expected = {one.study_instance_uid for one in stored.values() if str(one.header.get("PatientID")) == "4MR1"}
    assert {value(one, "0020000D") for one in found} == expected
    assert len(expected) > 5


def test_metadata_never_have_an_empty_list_of_values(system: System, stored: dict[str, Alone]) -> None:
    for one in stored.values():
        answer = ask(system, f"studies/{one.study_instance_uid}/series/{one.series_instance_uid}/metadata")
        [metadata] = read(answer)
        assert answer.headers["content-encoding"] in {"gzip", "zstd"}
        assert '"Value":[]' not in text_of(answer).replace(" ", ""), one.name
        assert value(metadata, "00080018") == one.sop_instance_uid


def test_first_frame_of_every_picture_is_answered_and_never_compressed_again(
    system: System, pictures: list[Alone]
) -> None:
    for one in pictures:
        answer = ask(system, f"{one.url}/frames/1", FRAMES)
        assert answer.status_code == 200, (one.name, answer.text[:300])
        assert answer.headers["content-type"].startswith("multipart/related"), one.name
        assert "content-encoding" not in answer.headers
    assert len(pictures) > 150


def test_thumbnails_are_there_however_they_are_asked_for(system: System, stored: dict[str, Alone]) -> None:
    for name in SHOWN:
        url = stored[f"{name}.dcm"].url
        for path, accept in (
            ("thumbnail?accept=image%2Fjpeg", "*/*"),
            ("rendered?accept=image%2Fjpeg", "*/*"),
            ("thumbnail?viewport=256%2C256", "image/jpeg"),
            ("rendered?viewport=256%2C256", "image/jpeg"),
            ("thumbnail?accept=image/jpeg", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"),
        ):
            answer = ask(system, f"{url}/{path}", accept)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), (name, path)
            assert answer.content.startswith(JPEG)
            assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "form"), [("*/*", "multipart/related"), ("application/octet-stream", "application/octet-stream")]
)
def test_tables_of_a_palette_come_from_their_links(system: System, accept: str, form: str) -> None:
    tables = {f"{name}PaletteColorLookupTableData": name.encode() * 1000 for name in ("Red", "Green", "Blue")}
    assert system.stow(file_of(**uids(51), **tables)).status_code == 200
    system.wait_until_indexed()
    instance = "studies/{}/series/{}/instances/{}".format(*uids(51).values())
    links = BULK_DATA.findall(text_of(ask(system, f"{instance}/metadata")))
    assert len(links) == 3
    for link, table in zip(sorted(links), tables.values(), strict=True):
        answer = ask(system, link, accept)
        assert (answer.status_code, table in answer.content) == (200, True)
        assert answer.headers["content-type"].partition(";")[0] == form


def test_report_is_saved_as_the_browser_sends_it(system: System) -> None:
    report: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33",
        "Modality": "SR",
        "ValueType": "CONTAINER",
    }
    content_type = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
    answer = httpx2.post(
        f"{system.dicom_web}/studies",
        content=related(file_of(**uids(50), **report)),
        headers={"Content-Type": content_type, "Accept": "*/*", "Accept-Encoding": ENCODINGS},
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    system.wait_until_indexed()
    [series] = read(ask(system, f"studies/{uids(50)['StudyInstanceUID']}/series"))
    assert value(series, "00080060") == "SR"
