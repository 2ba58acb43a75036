"""WADO-URI: the parameters of PS3.18 9, their errors, and what comes back."""

from __future__ import annotations

import io

import httpx2
import imagecodecs
import numpy as np
import pydicom
import pytest

from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_LS = "1.2.840.10008.1.2.4.80"


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


async def get(archive: RenderArchive, uid: str = "1.7", accept: str = "*/*", **more: str) -> httpx2.Response:
    named = {"requestType": "WADO", "studyUID": STUDY, "seriesUID": SERIES, "objectUID": uid, **more}
    query = {name: value for name, value in named.items() if value}
    async with archive.uri_client as client:
        return await client.get("/wado", params=query, headers={"accept": accept})


async def add(archive: RenderArchive, name: str = "CT_small.dcm") -> None:
    await archive.add_file(pixel_files()[name].content, sop_instance_uid="1.7")


async def test_image_is_a_jpeg_if_nothing_else_is_asked_for(archive: RenderArchive) -> None:
    await add(archive)
    answer = await get(archive)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert imagecodecs.jpeg_decode(answer.content).shape == (128, 128)
    again = await get(archive)
    assert again.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("content_type", "accept", "expected"),
    [
        ("image/png", "*/*", "image/png"),
        ("image/png", "image/jpeg", "image/png"),
        ("image/tiff,image/png;q=0.5", "*/*", "image/png"),
        ("image/jpeg;q=0.5,image/png", "*/*", "image/png"),
        ("", "image/png", "image/png"),
        ("application/dicom", "*/*", f"application/dicom; transfer-syntax={EXPLICIT}"),
        ("*/*", "*/*", "image/jpeg"),
    ],
)
async def test_content_type_says_the_form(
    archive: RenderArchive, content_type: str, accept: str, expected: str
) -> None:
    await add(archive)
    answer = await get(archive, accept=accept, contentType=content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (200, expected)


async def test_picture_is_cut_and_scaled(archive: RenderArchive) -> None:
    await add(archive)
    whole = imagecodecs.png_decode((await get(archive, contentType="image/png")).content)
    part = await get(archive, contentType="image/png", region="0.25,0.5,0.75,1")
    np.testing.assert_array_equal(imagecodecs.png_decode(part.content), whole[64:, 32:96])
    for parameters, shape in (
        ({"rows": "64"}, (64, 64)),
        ({"columns": "32"}, (32, 32)),
        ({"rows": "64", "columns": "32"}, (32, 32)),
        ({"rows": "256", "columns": "512"}, (256, 256)),
        ({"region": "0,0,1,0.5", "columns": "64"}, (32, 64)),
    ):
        answer = await get(archive, contentType="image/png", **parameters)
        assert imagecodecs.png_decode(answer.content).shape == shape, parameters


async def test_window_quality_and_frame_have_an_effect(archive: RenderArchive) -> None:
    await add(archive, "emri_small.dcm")
    first = await get(archive, contentType="image/png")
    for parameters in ({"frameNumber": "10"}, {"windowCenter": "100", "windowWidth": "20"}):
        answer = await get(archive, contentType="image/png", **parameters)
        assert answer.status_code == 200
        assert answer.content != first.content
    rough, fine = [len((await get(archive, imageQuality=quality)).content) for quality in ("5", "95")]
    assert rough < fine


@pytest.mark.parametrize(("syntax", "sent"), [("", EXPLICIT), ("*", JPEG_LS), (JPEG_LS, JPEG_LS), (EXPLICIT, EXPLICIT)])
async def test_file_comes_in_the_transfer_syntax_that_is_asked_for(
    archive: RenderArchive, syntax: str, sent: str
) -> None:
    await add(archive, "MR_small_jpeg_ls_lossless.dcm")
    answer = await get(archive, contentType="application/dicom", transferSyntax=syntax)
    assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={sent}"
    dataset = pydicom.dcmread(io.BytesIO(answer.content))
    assert (dataset.file_meta.TransferSyntaxUID, dataset.Rows) == (sent, 64)
    named = {name.upper(): value for name, value in (("contentType", "application/dicom"), ("transferSyntax", syntax))}
    assert (await get(archive, **named)).content == answer.content, "names are not told apart by case"


@pytest.mark.parametrize(
    "wrong",
    [
        {"requestType": ""},
        {"requestType": "WADO2"},
        {"studyUID": ""},
        {"seriesUID": "abc"},
        {"objectUID": "1..2"},
        {"rows": "0"},
        {"rows": "1.5"},
        {"columns": "100000"},
        {"columns": "many"},
        {"region": "0,0,1"},
        {"region": "0,0,1,x"},
        {"region": "0.5,0,0.5,1"},
        {"region": "0,0,1.5,1"},
        {"region": "nan,0,1,1"},
        {"windowCenter": "40"},
        {"windowWidth": "400"},
        {"windowCenter": "40", "windowWidth": "0"},
        {"windowCenter": "x", "windowWidth": "10"},
        {"frameNumber": "0"},
        {"frameNumber": "-1"},
        {"frameNumber": "first"},
        {"imageQuality": "0"},
        {"imageQuality": "101"},
        {"anonymize": "maybe"},
        {"contentType": "jpeg"},
        {"presentationUID": "1.2"},
        {"presentationUID": "1.2", "presentationSeriesUID": "1.3", "windowCenter": "1", "windowWidth": "2"},
        {"contentType": "application/dicom", "presentationUID": "1.2", "presentationSeriesUID": "1.3"},
        {"contentType": "application/dicom", "rows": "10"},
        {"contentType": "application/dicom", "frameNumber": "1"},
        {"contentType": "image/jpeg", "transferSyntax": EXPLICIT},
    ],
)
async def test_what_means_nothing_is_a_bad_request(archive: RenderArchive, wrong: dict[str, str]) -> None:
    await add(archive)
    answer = await get(archive, **wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("unknown", "status"),
    [
        ({"objectUID": "1.8"}, 404),
        ({"seriesUID": "1.8"}, 404),
        ({"studyUID": "1.8"}, 404),
        ({"frameNumber": "2"}, 404),
        ({"anonymize": "yes", "contentType": "application/dicom"}, 406),
        ({"presentationUID": "1.2", "presentationSeriesUID": "1.3"}, 404),
        ({"contentType": "image/tiff"}, 406),
        ({"contentType": "video/mpeg"}, 406),
        ({"contentType": "application/dicom", "transferSyntax": "1.2.840.10008.1.2.4.50"}, 406),
        ({"contentType": "application/dicom", "transferSyntax": "1.2.3"}, 406),
    ],
)
async def test_what_is_not_here_or_not_done_is_told(
    archive: RenderArchive, unknown: dict[str, str], status: int
) -> None:
    await add(archive)
    answer = await get(archive, **unknown)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
