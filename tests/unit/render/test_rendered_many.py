from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageSequence

from radstream.web.multipart import boundary_of, parts
from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive, path

ALL = f"/studies/{STUDY}/series/{SERIES}"


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


async def add(archive: RenderArchive, name: str, **changes: Any) -> str:
    return (await archive.add_file(pixel_files()[name].content, **changes)).sop_instance_uid


async def read_parts(answer: httpx2.Response) -> list[tuple[dict[str, str], bytes]]:
    async def body() -> AsyncIterator[bytes]:
        yield answer.content

    boundary = boundary_of(answer.headers["content-type"])
    return [
        (part.headers, b"".join([piece async for piece in part.stream()])) async for part in parts(body(), boundary)
    ]


async def test_a_series_and_a_study_are_sent_in_parts_in_the_order_of_their_images(archive: RenderArchive) -> None:
    for number in (3, 1, 2):
        await add(archive, "CT_small.dcm", sop_instance_uid=f"1.5.{number}", InstanceNumber=number)
    async with archive.client as client:
        for url in (ALL, f"/studies/{STUDY}"):
            answer = await client.get(f"{url}/rendered?viewport=32,32", headers={"accept": "*/*"})
            assert answer.headers["content-type"].startswith('multipart/related; type="image/jpeg"')
            found = await read_parts(answer)
            locations = [headers["content-location"] for headers, _ in found]
            assert locations == [
                f"http://pacs/dicom-web{path(f'1.5.{number}', 'frames', '1', 'rendered')}" for number in (1, 2, 3)
            ]
            assert all(imagecodecs.jpeg8_decode(body).shape == (32, 32) for _, body in found)


async def test_a_part_without_a_picture_says_why_and_the_others_are_sent(archive: RenderArchive) -> None:
    await add(archive, "MR_truncated.dcm", sop_instance_uid="1.5.1", InstanceNumber=1)
    await add(archive, "CT_small.dcm", sop_instance_uid="1.5.2", InstanceNumber=2)
    async with archive.client as client:
        accept = 'multipart/related; type="image/png"'
        found = await read_parts(await client.get(f"{ALL}/rendered", headers={"accept": accept}))
    assert [headers["content-type"] for headers, _ in found] == ["application/problem+json", "image/png"]
    assert b"ends before the frame is complete" in found[0][1]


@pytest.mark.parametrize("accept", ["image/jpeg", "image/png, image/jpeg;q=0.5"])
async def test_a_media_type_of_a_single_part_is_none_of_several_pictures(archive: RenderArchive, accept: str) -> None:
    """PS3.18 10.4.4: even if the study happens to hold one image only."""
    uid = await add(archive, "rtdose.dcm")
    async with archive.client as client:
        for url in (f"{ALL}/rendered", f"/studies/{STUDY}/rendered", path(uid, "frames", "1,2", "rendered")):
            refused = await client.get(url, headers={"accept": accept})
            assert refused.status_code == 406
            assert 'multipart/related; type="image/jpeg"' in refused.json()["detail"]
        assert (await client.get(path(uid, "frames", "2", "rendered"), headers={"accept": accept})).status_code == 200


async def test_what_is_not_here_is_not_rendered(archive: RenderArchive) -> None:
    async with archive.client as client:
        assert (await client.get(f"{ALL}/rendered")).status_code == 404
        assert (await client.get("/studies/x/rendered")).status_code == 400
        assert (await client.get(f"{ALL}/rendered", headers={"accept": "image/tiff"})).status_code == 406


async def test_several_frames_are_sent_in_parts_or_moving(archive: RenderArchive) -> None:
    uid = await add(archive, "rtdose.dcm")
    url = path(uid, "frames", "3,1,2", "rendered")
    async with archive.client as client:
        single = [(await client.get(path(uid, "frames", n, "rendered"))).content for n in ("3", "1", "2")]
        for accept in ('multipart/related; type="image/jpeg"', "image/jpeg, */*;q=0.1", "*/*"):
            found = await read_parts(await client.get(url, headers={"accept": accept}))
            assert [body for _, body in found] == single
        moving = await client.get(url, headers={"accept": "image/gif"})
        beyond = await client.get(path(uid, "frames", "1,99", "rendered"), headers={"accept": "image/gif"})
    assert moving.headers["content-type"] == "image/gif"
    assert Image.open(io.BytesIO(moving.content)).n_frames == 3  # type: ignore[attr-defined]
    assert beyond.status_code == 404


@pytest.mark.parametrize("media_type", ["image/gif", "image/apng"])
@pytest.mark.parametrize(
    ("name", "window"), [("rtdose.dcm", "1000000,500000"), ("emri_small_RLE.dcm", "500,1000"), ("liver.dcm", "")]
)
async def test_the_frames_of_an_instance_move_and_are_those_that_are_sent_alone(
    archive: RenderArchive, name: str, window: str, media_type: str
) -> None:
    uid = await add(archive, name)
    query, png = f"?window={window}", {"accept": "image/png"}
    async with archive.client as client:
        moving = await client.get(path(uid, "rendered") + query, headers={"accept": media_type})
        assert moving.status_code == 200, moving.text
        alone = [
            imagecodecs.png_decode(
                (await client.get(path(uid, "frames", str(number), "rendered") + query, headers=png)).content
            )
            for number in range(1, pixel_files()[name].number_of_frames + 1)
        ]
    changes = [frame for frame, before in zip(alone, [None, *alone], strict=False) if not np.array_equal(frame, before)]
    film = ImageSequence.Iterator(Image.open(io.BytesIO(moving.content)))
    shown = [np.asarray(frame.convert("L")) for frame in film]
    np.testing.assert_array_equal(shown, changes)
    assert len(shown) > 1


async def test_a_window_that_is_made_to_fit_holds_for_the_whole_film(archive: RenderArchive) -> None:
    uid = await add(archive, "emri_small_RLE.dcm")
    async with archive.client as client:
        first = await client.get(path(uid, "rendered"), headers={"accept": "image/png"})
        moving = await client.get(path(uid, "rendered"), headers={"accept": "image/gif"})
    film, stored = Image.open(io.BytesIO(moving.content)), pixel_files()["emri_small_RLE.dcm"]
    low, high = (int(bound) for bound in (stored.decode(0)[0].min(), stored.decode(0)[0].max()))
    np.testing.assert_array_equal(np.asarray(film.convert("L")), imagecodecs.png_decode(first.content))
    film.seek(film.n_frames - 1)  # type: ignore[attr-defined]
    expected = np.clip((stored.decode(9)[0].astype(float) - low) / (high - low), 0, 1) * 255
    assert np.abs(np.asarray(film.convert("L")) - expected).max() <= 0.51


async def test_colours_move_too(archive: RenderArchive) -> None:
    uid = await add(archive, "color3d_jpeg_baseline.dcm")
    async with archive.client as client:
        answer = await client.get(
            path(uid, "frames", "1,60,120", "rendered") + "?viewport=64,64", headers={"accept": "image/gif"}
        )
    film = Image.open(io.BytesIO(answer.content))
    assert (film.n_frames, film.width) == (3, 64)  # type: ignore[attr-defined]


async def test_an_image_of_one_frame_may_be_a_gif_or_a_webp(archive: RenderArchive) -> None:
    uid = await add(archive, "CT_small.dcm")
    async with archive.client as client:
        reference = await client.get(path(uid, "rendered"), headers={"accept": "image/png"})
        expected = imagecodecs.png_decode(reference.content).astype(int)
        for media_type, error in (("image/gif", 0), ("image/webp", 12), ("image/apng", 0)):
            answer = await client.get(path(uid, "rendered"), headers={"accept": media_type})
            assert answer.headers["content-type"] == media_type
            found = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L")).astype(int)
            assert np.abs(found - expected).max() <= error


async def test_a_film_of_too_many_pixels_is_refused_before_anything_is_read(archive: RenderArchive) -> None:
    uid = await add(archive, "rtdose.dcm", Rows=3_000_000)
    archive.blobs.read_bytes = 0
    async with archive.client as client:
        answer = await client.get(path(uid, "rendered"), headers={"accept": "image/gif"})
    assert (answer.status_code, archive.blobs.read_bytes) == (406, 0)
    assert "name some frames" in answer.json()["detail"]


async def test_unknown_annotations_are_warned_of(archive: RenderArchive) -> None:
    uid = await add(archive, "CT_small.dcm")
    async with archive.client as client:
        plain = await client.get(path(uid, "rendered"))
        answer = await client.get(path(uid, "rendered") + "?annotation=patient,colour-bar,a%0d%0ab")
    assert "warning" not in plain.headers
    assert answer.headers["warning"].endswith("not supported: colour-bar")
    assert answer.content != plain.content
