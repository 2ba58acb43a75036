"""Planes and slabs of a series through the web door."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import imagecodecs
import numpy as np
import pytest

from radstream.settings import Settings
from services.render.reconstruction.volumes import Volumes
from services.render.sandbox import Sandbox
from tests.ct_series import ct_series
from tests.pixel_files import pixel_files
from tests.processes import children
from tests.render_engines import SERIES, STUDY, RenderArchive
from tests.volumes import Phantom, Scan, ellipsoid

Array = np.ndarray[Any, Any]
RENDERED = f"/studies/{STUDY}/series/{SERIES}/rendered"
PNG = {"accept": "image/png"}
SCAN = Scan(row_spacing=0.8, column_spacing=0.8, rows=64, columns=80, places=tuple(2.0 * n for n in range(24)))
X, Y, Z = SCAN.center


@pytest.fixture
async def archive(sandbox: Sandbox) -> AsyncIterator[RenderArchive]:
    archive = RenderArchive(sandbox)
    async with Volumes(archive.backends, archive.settings) as volumes:
        archive.volumes = volumes
        yield archive


async def fill(archive: RenderArchive, phantom: Phantom | None = None, scan: Scan = SCAN, **changes: Any) -> None:
    files = ct_series(scan, phantom or ellipsoid((X + 10, Y, Z), (6, 6, 12)), **changes)
    for number, content in enumerate(files):
        await archive.add_file(content, InstanceNumber=number + 1)


async def ask(archive: RenderArchive, headers: dict[str, str] | None = None, **query: Any) -> Any:
    async with archive.client as client:
        return await client.get(RENDERED, params=query, headers=headers or PNG)


async def picture(archive: RenderArchive, **query: Any) -> tuple[Array, dict[str, Any]]:
    answer = await ask(archive, **query)
    assert answer.status_code == 200, answer.text
    return imagecodecs.png_decode(answer.content), json.loads(answer.headers["radstream-reconstructed"])


def seen(shown: Array) -> tuple[Array, Array]:
    """Return rows and columns of what is bright, without the text in the corners and the letters at the edges."""
    inside = shown.copy()
    inside[-len(shown) // 5 :] = 0
    inside[:12] = 0
    inside[:, :12] = 0
    return np.nonzero(inside > 127)


async def test_a_coronal_plane_has_its_size_its_place_and_its_sides(archive: RenderArchive) -> None:
    await fill(archive)
    shown, told = await picture(archive, plane="coronal", position=Y)
    assert (told["plane"], told["position"], told["PixelSpacing"]) == ("coronal", Y, [0.8, 0.8])
    assert shown.shape == (told["Rows"], told["Columns"]) == (60, 80)  # 48 mm and 64 mm
    rows, columns = seen(shown)
    assert (columns.mean() - 39.5) * 0.8 == pytest.approx(10, abs=0.8), "the patient's left is at the right"
    assert np.ptp(columns) * 0.8 == pytest.approx(12, abs=1.6)
    assert (rows.mean() - 29.5) * 0.8 == pytest.approx(0, abs=1.5)
    assert told["ImageOrientationPatient"] == [1, 0, 0, 0, 0, -1]
    assert told["ImagePositionPatient"] == pytest.approx([X - 39.5 * 0.8, Y, Z + 29.5 * 0.8])
    assert (told["first"], told["last"], told["step"]) == pytest.approx((Y - 25.6, Y + 25.6, 0.8))


async def test_values_are_shown_by_the_window_of_the_series(archive: RenderArchive) -> None:
    await fill(archive, lambda points: np.full(points.shape[:-1], 250.0, np.float32))
    shown, _ = await picture(archive, plane="sagittal")
    assert np.abs(shown[20:40, 20:30].astype(int) - 64).max() <= 1
    shown, _ = await picture(archive, plane="sagittal", window="250,100,linear")
    assert np.abs(shown[20:40, 20:30].astype(int) - 128).max() <= 1


async def test_a_slab_shows_the_brightest_of_what_it_holds(archive: RenderArchive) -> None:
    await fill(archive)
    thin, _ = await picture(archive, plane="axial", position=Z + 18)
    assert not seen(thin)[0].size
    thick, told = await picture(archive, plane="axial", position=Z + 18, thickness=20, projection="max")
    assert seen(thick)[0].size
    assert (told["projection"], told["thickness"]) == ("max", 20)
    whole, told = await picture(archive, projection="max")
    assert seen(whole)[0].size
    assert told["thickness"] == pytest.approx(48)


async def test_pictures_fit_into_a_viewport_and_are_enhanced_and_marked(archive: RenderArchive) -> None:
    await fill(archive)
    answer = await ask(archive, plane="coronal", viewport="256,256", enhance="denoise,clahe", window="500,1000,linear")
    shown = imagecodecs.png_decode(answer.content)
    assert shown.shape == (192, 256)
    assert answer.headers["radstream-enhanced"].startswith("denoise:strength=2")
    plain, _ = await picture(archive, plane="coronal", viewport="256,256")
    assert plain[-12:].max() > 200, "the mark of a reconstruction"
    assert (plain[:14, 120:136] > 200).any(), "the letter of the head"
    assert (plain[88:104, :14] > 200).any(), "the letter of the right"


async def test_a_camera_in_front_sees_the_coronal_plane(archive: RenderArchive) -> None:
    await fill(archive)
    coronal, _ = await picture(archive, plane="coronal", position=Y, thickness=10, projection="max")
    camera = {"viewpointposition": f"{X},{Y - 1},{Z}", "viewpointlookat": f"{X},{Y},{Z}", "viewpointup": "0,0,1"}
    async with archive.client as client:
        query = {**camera, "mprslab": "10", "renderingmethod": "maximum_ip"}
        answer = await client.get(f"{RENDERED}mpr", params=query, headers=PNG)
        refused = await client.get(f"{RENDERED}mpr", params={"renderingmethod": "volume_rendered"}, headers=PNG)
    assert refused.status_code == 406
    seen_by_camera = imagecodecs.png_decode(answer.content)
    np.testing.assert_array_equal(seen_by_camera[12:40, 12:], coronal[12:40, 12:])


async def test_a_volume_is_read_once(archive: RenderArchive) -> None:
    await fill(archive)
    await picture(archive, plane="coronal")
    read = archive.blobs.read_bytes
    await picture(archive, plane="sagittal", position=X)
    assert archive.blobs.read_bytes == read


async def test_a_series_that_grows_is_another_volume(archive: RenderArchive) -> None:
    files = ct_series(SCAN, ellipsoid((X, Y, Z), (9, 9, 9)))
    for content in files[:12]:
        await archive.add_file(content)
    half = await ask(archive, plane="coronal")
    for content in files[12:]:
        await archive.add_file(content)
    whole = await ask(archive, plane="coronal")
    assert half.headers["etag"] != whole.headers["etag"]
    assert json.loads(half.headers["radstream-reconstructed"])["Rows"] == 30
    assert json.loads(whole.headers["radstream-reconstructed"])["Rows"] == 60
    async with archive.client as client:
        known = {"if-none-match": whole.headers["etag"], **PNG}
        assert (await client.get(RENDERED, params={"plane": "coronal"}, headers=known)).status_code == 304


async def test_slices_with_rescaling_of_their_own_are_rescaled(archive: RenderArchive) -> None:
    for number, content in enumerate(ct_series(SCAN, lambda p: np.full(p.shape[:-1], 250.0, np.float32))):
        if number % 2:
            doubled = ct_series(
                SCAN, lambda p: np.full(p.shape[:-1], -387.0, np.float32), RescaleSlope=2, RescaleIntercept=-1024
            )
            content = doubled[number]  # noqa: PLW2901 - 637 * 2 - 1024 = 250
        await archive.add_file(content)
    shown, _ = await picture(archive, plane="coronal")
    assert np.abs(shown[14:44, 20:60].astype(int) - 64).max() <= 1


async def test_padding_is_black_and_not_part_of_a_minimum(archive: RenderArchive) -> None:
    def padded(points: Array) -> Array:
        return np.where(points[..., 0] < X - 8, -1024, 300).astype(np.float32)

    await fill(archive, padded, PixelPaddingValue=0)
    shown, _ = await picture(archive, plane="coronal", projection="min")
    assert np.abs(shown[14:44, 34:60].astype(int) - 77).max() <= 1


async def test_missing_slices_are_told_and_black(archive: RenderArchive) -> None:
    files = ct_series(SCAN, lambda p: np.full(p.shape[:-1], 1000.0, np.float32))
    for number, content in enumerate(files):
        if not 8 <= number < 14:
            await archive.add_file(content)
    shown, told = await picture(archive, plane="coronal")
    assert told["gaps"] == [[14.0, 28.0]]
    dark = np.flatnonzero(shown[:, 40] == 0)
    assert len(dark) * 0.8 == pytest.approx(12, abs=1.7)


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({"plane": "diagonal"}, 400, "plane is"),
        ({"plane": "coronal", "position": "400"}, 400, "the volume reaches from"),
        ({"plane": "coronal", "viewport": "0,0"}, 400, "viewport"),
        ({"plane": "coronal", "enhance": "film"}, 406, "projections by X-rays"),
    ],
)
async def test_what_cannot_be_shown_is_refused_with_its_reason(
    archive: RenderArchive, query: dict[str, str], status: int, reason: str
) -> None:
    await fill(archive)
    answer = await ask(archive, **query)
    assert answer.status_code == status
    assert reason in answer.text


async def test_a_series_without_images_is_not_found_and_a_study_has_no_planes(archive: RenderArchive) -> None:
    assert (await ask(archive, plane="coronal")).status_code == 404
    async with archive.client as client:
        assert (await client.get(f"/studies/{STUDY}/rendered", params={"plane": "coronal"})).status_code == 400


async def test_what_is_no_volume_is_not_acceptable(archive: RenderArchive) -> None:
    await archive.add_file(pixel_files()["CT_small.dcm"].content)
    alone = await ask(archive, plane="coronal")
    assert (alone.status_code, "two images" in alone.text) == (406, True)
    await archive.add_file(pixel_files()["MR_small.dcm"].content)
    mixed = await ask(archive, plane="coronal")
    assert (mixed.status_code, "several sizes" in mixed.text) == (406, True)


async def test_a_volume_larger_than_its_memory_is_refused(archive: RenderArchive) -> None:
    await fill(archive)
    async with Volumes(archive.backends, Settings(volume_bytes=200_000)) as small:
        archive.volumes = small
        answer = await ask(archive, plane="coronal")
    assert answer.status_code == 406
    assert "more than the 200000 allowed" in answer.text


async def test_volumes_give_way_to_one_another(archive: RenderArchive) -> None:
    await fill(archive)
    for content in ct_series(SCAN, ellipsoid((X, Y, Z), (9, 9, 9)), SeriesInstanceUID="1.2.3.5"):
        uid = f"1.2.77.{len(archive.catalog.collections['instances'])}"
        await archive.add_file(content, series="1.2.3.5", sop_instance_uid=uid)
    async with Volumes(archive.backends, Settings(volume_bytes=300_000)) as tight:
        archive.volumes = tight
        async with archive.client as client:
            for series in (SERIES, "1.2.3.5", SERIES):
                path = f"/studies/{STUDY}/series/{series}/rendered"
                answer = await client.get(path, params={"plane": "coronal"}, headers=PNG)
                assert answer.status_code == 200, answer.text


async def test_one_bad_image_spoils_its_volume_with_a_reason_and_nothing_else(archive: RenderArchive) -> None:
    files = ct_series(SCAN, ellipsoid((X, Y, Z), (9, 9, 9)))
    for number, content in enumerate(files):
        await archive.add_file(content[:-5000] if number == 7 else content)
    answer = await ask(archive, plane="coronal")
    assert answer.status_code == 406
    assert "image 8 of the volume" in answer.text
    await archive.add_file(files[7])
    assert (await ask(archive, plane="coronal")).status_code == 200


async def test_a_worker_that_is_killed_takes_its_volumes_along_and_they_are_read_again(archive: RenderArchive) -> None:
    await fill(archive)
    shown, _ = await picture(archive, plane="coronal")
    others = set(children())
    async with Volumes(archive.backends, archive.settings) as mortal:
        archive.volumes = mortal
        await picture(archive, plane="coronal")
        (worker,) = set(children()) - others
        os.kill(worker, signal.SIGKILL)
        again, _ = await picture(archive, plane="coronal")
    np.testing.assert_array_equal(again, shown)


async def test_requests_at_the_same_time_share_one_volume(archive: RenderArchive) -> None:
    await fill(archive)
    async with archive.client as client:
        planes = [client.get(RENDERED, params={"plane": name}, headers=PNG) for name in ("coronal", "sagittal") * 3]
        answers = await asyncio.gather(*planes)
    assert {answer.status_code for answer in answers} == {200}
    size = sum(len(blob) for blob in ct_series(SCAN, ellipsoid((X, Y, Z), (9, 9, 9))))
    assert archive.blobs.read_bytes < 1.2 * size
