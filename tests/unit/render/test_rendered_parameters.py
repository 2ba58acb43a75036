from __future__ import annotations

import io
from typing import Any

import httpx2
import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from radstream.dicom.colour_profiles import profile_named
from services.render.annotations import patient_lines, technique_lines
from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive, path, to_bytes
from tests.states import COLOR, items, state_of

Array = np.ndarray[Any, Any]
PNG = {"accept": "image/png"}


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


async def add(archive: RenderArchive, dataset: Dataset, **changes: Any) -> str:
    return (await archive.add_file(to_bytes(dataset), **changes)).sop_instance_uid


def image_of(name: str) -> Dataset:
    ds = dcmread(io.BytesIO(pixel_files()[name].content))
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, SERIES
    return ds


async def png(client: httpx2.AsyncClient, url: str) -> Array:
    answer = await client.get(url, headers=PNG)
    assert answer.status_code == 200, answer.text
    return imagecodecs.png_decode(answer.content)


# --- presentation states --------------------------------------------------------------------------------------------


def windowed(image: Dataset, **more: Any) -> Dataset:
    return state_of(
        image,
        RescaleSlope="1",
        RescaleIntercept="-1024",
        RescaleType="HU",
        SoftcopyVOILUTSequence=items({"WindowCenter": "40", "WindowWidth": "400"}),
        **more,
    )


async def test_a_presentation_state_shows_its_images(archive: RenderArchive) -> None:
    image = image_of("CT_small.dcm")
    uid = await add(archive, image)
    state = await add(archive, windowed(image, ImageRotation=180, ImageHorizontalFlip="N"), series="2.25.78")
    url = f"/studies/{STUDY}/series/2.25.78/instances/{state}"
    async with archive.client as client:
        plain = await png(client, path(uid, "rendered") + "?window=40,400")
        np.testing.assert_array_equal(await png(client, f"{url}/rendered"), plain[::-1, ::-1])
        np.testing.assert_array_equal(await png(client, f"{url}/frames/1/rendered"), plain[::-1, ::-1])
        assert (await png(client, f"{url}/rendered?viewport=64,64")).shape == (64, 64)
        assert (await client.get(f"{url}/thumbnail")).status_code == 200
        assert (await client.get(f"{url}/frames/2/rendered")).status_code == 404
        for wrong in ("window=1,2", "voi=1", "viewport=9,9,1,1,5,5"):
            assert (await client.get(f"{url}/rendered?{wrong}")).status_code == 400
    async with archive.uri_client as client:
        query = f"requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={uid}&contentType=image/png"
        presented = await png(client, f"/wado?{query}&presentationSeriesUID=2.25.78&presentationUID={state}")
        np.testing.assert_array_equal(presented, plain[::-1, ::-1])
        itself = await client.get(f"/wado?{query}&presentationSeriesUID={SERIES}&presentationUID={uid}")
        assert (itself.status_code, itself.json()["detail"]) == (406, "the instance is no presentation state")


async def test_a_state_about_several_images_shows_each_and_one_about_none_says_so(archive: RenderArchive) -> None:
    image = image_of("CT_small.dcm")
    other = image_of("CT_small.dcm")
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = "1.7.1"
    state = windowed(image)
    (series,) = state.ReferencedSeriesSequence
    series.ReferencedImageSequence.extend(state_of(other).ReferencedSeriesSequence[0].ReferencedImageSequence)
    uid = await add(archive, state, series="2.25.78")
    url = f"/studies/{STUDY}/series/2.25.78/instances/{uid}/rendered"
    async with archive.client as client:
        assert (await client.get(url)).status_code == 404
        await add(archive, image)
        await add(archive, other)
        answer = await client.get(url)
    assert answer.headers["content-type"].startswith("multipart/related")
    assert answer.content.count(b"Content-Location") == 2


async def test_a_state_that_is_not_about_the_image_is_refused(archive: RenderArchive) -> None:
    image, other = image_of("CT_small.dcm"), image_of("MR_small.dcm")
    uid = await add(archive, other)
    state = await add(archive, windowed(image), series="2.25.78")
    async with archive.uri_client as client:
        query = f"requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={uid}"
        answer = await client.get(f"/wado?{query}&presentationSeriesUID=2.25.78&presentationUID={state}")
    assert (answer.status_code, answer.json()["detail"]) == (406, "the presentation state is not about this frame")


@pytest.mark.parametrize(
    "changes", [{"MaskSubtractionSequence": items({"MaskOperation": "AVG_SUB"})}, {"SOPClassUID": COLOR[:-1] + "8"}]
)
async def test_states_that_are_not_applied_are_refused(archive: RenderArchive, changes: dict[str, Any]) -> None:
    image = image_of("CT_small.dcm")
    await add(archive, image)
    uid = await add(archive, windowed(image, **changes), series="2.25.78")
    async with archive.client as client:
        answer = await client.get(f"/studies/{STUDY}/series/2.25.78/instances/{uid}/rendered")
    assert answer.status_code == 406


# --- annotations, overlays, windows by name ---------------------------------------------------------------------------


async def test_annotations_are_burnt_in_where_they_are_said_to_be(archive: RenderArchive) -> None:
    uid = await add(archive, image_of("RG3_UNCI.dcm"))
    async with archive.client as client:
        url = path(uid, "rendered") + "?viewport=512,512"
        plain = (await png(client, url)).astype(int)
        for annotation, rows in (("patient", slice(0, 160)), ("technique", slice(352, 512))):
            changed = (await png(client, f"{url}&annotation={annotation}")) != plain
            assert changed[rows].sum() > 100
            changed[rows] = False
            assert not changed.any()


def test_lines_say_who_it_is_and_how_it_was_made() -> None:
    ds = image_of("CT_small.dcm")
    ds.PatientName = "=山田^太郎"
    assert patient_lines(ds)[:2] == ["山田 太郎", ds.PatientID]
    lines = technique_lines(ds, 0)
    assert lines[0].startswith("CT ")
    assert "kV 120" in lines


async def test_overlays_are_burnt_in_on_request(archive: RenderArchive) -> None:
    ds = image_of("MR-SIEMENS-DICOM-WithOverlays.dcm")
    uid = await add(archive, ds)
    async with archive.client as client:
        plain = await png(client, path(uid, "rendered"))
        burnt = await png(client, path(uid, "rendered") + "?annotation=overlays")
    marked = np.zeros((ds.Rows, ds.Columns), np.bool_)
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) in ds:
            marked |= ds.overlay_array(group).reshape(marked.shape) == 1
    np.testing.assert_array_equal(burnt, np.where(marked, 255, plain))


async def test_a_window_that_the_image_brings_is_named_by_number_or_explanation(archive: RenderArchive) -> None:
    ds = image_of("CT_small.dcm")
    ds.WindowCenter, ds.WindowWidth = [40, -600], [400, 1500]
    ds.WindowCenterWidthExplanation = ["SOFT", "Lung"]
    uid = await add(archive, ds)
    async with archive.client as client:
        url = path(uid, "rendered")
        first, second = await png(client, f"{url}?window=40,400"), await png(client, f"{url}?window=-600,1500")
        for name, expected in (("", first), ("1", first), ("soft", first), ("2", second), ("LUNG", second)):
            np.testing.assert_array_equal(await png(client, f"{url}?voi={name}"), expected)
        assert (await client.get(f"{url}?voi=bone")).status_code == 406


# --- colour profiles --------------------------------------------------------------------------------------------------


async def test_colours_are_sent_in_the_profile_that_is_asked_for(archive: RenderArchive) -> None:
    ds = image_of("SC_rgb.dcm")
    ds.ICCProfile = profile_named("adobergb")
    uid = await add(archive, ds)
    stored = ds.pixel_array
    async with archive.client as client:
        for choice, profile in (
            ("", b""),
            ("no", b""),
            ("yes", ds.ICCProfile),
            ("displayp3", profile_named("displayp3")),
        ):
            answer = await client.get(f"{path(uid, 'rendered')}?iccprofile={choice}", headers=PNG)
            picture = Image.open(io.BytesIO(answer.content))
            assert picture.info.get("icc_profile", b"") == profile
            is_as_stored = bool(np.array_equal(np.asarray(picture), stored))
            assert is_as_stored == (choice in {"no", "yes"})
        jpeg = await client.get(f"{path(uid, 'rendered')}?iccprofile=srgb")
    assert Image.open(io.BytesIO(jpeg.content)).info["icc_profile"] == profile_named("srgb")


def test_the_profiles_have_the_primaries_of_their_standards() -> None:
    from radstream.dicom.colour_profiles import convert

    red = np.array([[[255, 0, 0]]], np.uint8)
    assert convert(red, profile_named("srgb"), profile_named("adobergb")).tolist() == [[[219, 0, 0]]]
    assert (
        np.abs(convert(red, profile_named("srgb"), profile_named("displayp3"))[0, 0] - np.array([234, 51, 35])).max()
        <= 2
    )
    grey = np.full((1, 1, 3), 128, np.uint8)
    assert convert(grey, profile_named("displayp3"), profile_named("srgb")).tolist() == [[[128, 128, 128]]]


async def test_a_damaged_profile_is_taken_for_srgb(archive: RenderArchive) -> None:
    ds = image_of("SC_rgb.dcm")
    ds.ICCProfile = b"\0" * 200
    uid = await add(archive, ds)
    async with archive.client as client:
        np.testing.assert_array_equal(await png(client, path(uid, "rendered")), ds.pixel_array)


async def test_grey_pictures_have_no_profile(archive: RenderArchive) -> None:
    uid = await add(archive, image_of("CT_small.dcm"))
    async with archive.client as client:
        plain = await client.get(path(uid, "rendered"))
        asked = await client.get(path(uid, "rendered") + "?iccprofile=displayp3")
    assert asked.content == plain.content
